"""The status page: it answers whatever else does not, in JSON for machines and in both languages for people."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from html import escape
from typing import Any

import psycopg

from cityloop.kernel.text import Text
from cityloop.sense.stream.archive.standing import IS_KEPT
from cityloop.site.configuration import Configuration
from cityloop.site.processes import FREE_MB_MIN, free_mb, home_folder
from cityloop.site.secrets import postgres_dsn
from cityloop.site.supervisor.state import read_state

PATH = "/health"

WAIT_S = 2.0
"""How long a part may take to answer before it counts as away, seconds."""

JUMP_S_MIN = 2.0
"""A clock that is off by more than this against time as it passes, or against the database, has jumped, seconds."""

JUMP_TOLD_S = 600.0
"""How long a jump is told, seconds."""

KEEP_S = 1.0
"""How long an answer is given again, seconds: a flood of questions asks the parts once."""

_TIME = "SELECT extract(epoch FROM clock_timestamp())::float8"

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the city as it stands.

    Attributes:
        code: short name.
        title: its name.
        stands: whether it does what it should.
        meaning: what it means for people and devices while it does not.
        hinders: whether the city cannot do its work while it does not.
    """

    code: str
    title: Text
    stands: bool
    meaning: Text
    hinders: bool = True


_WORDS = {
    "database": (
        Text("数据库", "database"),
        Text(
            "数据库没有应答：页面暂时打不开；设备数据继续接收并暂存，恢复后自动补入。",
            "The database does not answer: pages cannot be opened; devices are still heard, what they send waits.",
        ),
    ),
    "transport": (
        Text("传输网络", "transport"),
        Text(
            "传输网络没有应答：MQTT 设备会自行保留并重发；HTTP 上报不受影响。",
            "The transport does not answer: MQTT devices keep their readings and send again; HTTP goes on.",
        ),
    ),
    "processes": (
        Text("进程", "processes"),
        Text("有进程正在重新启动。", "A process is being started again."),
    ),
    "history": (
        Text("第二历史库", "second store of closed days"),
        Text(
            "第二历史库没有应答：存于其中的历史日暂时无法查询；新数据照常接收，近期数据照常可查。",
            "The second store does not answer: closed days that lie there cannot be read; all else goes on.",
        ),
    ),
    "disk": (
        Text("磁盘", "disk"),
        Text(
            "磁盘将满或已满：新数据可能被拒收，发送方会收到稍后重发的答复。请腾出空间。",
            "The disk is full or nearly so: readings may be refused, and senders are told to come again. Make room.",
        ),
    ),
    "clock": (
        Text("时钟", "clock"),
        Text(
            "时钟发生跳变，或与数据库时钟不一致：读数照常接收保存，时间可疑的会标注；到期时间可能不准。请校时。",
            "The clock has jumped, or differs from the database's: readings are kept, those with a doubtful time are"
            " marked; due times may be wrong. Synchronise it.",
        ),
    ),
}
_HARMLESS = frozenset({"clock"})


class Clock:
    """Notices that the clock was set: time of day against time as it passes, and against the database's.

    Args:
        wall: tells the time of day, seconds since the Unix epoch.
        passing: tells time that is never set, seconds.
    """

    def __init__(self, *, wall: Callable[[], float] = time.time, passing: Callable[[], float] = time.monotonic) -> None:
        """Trust the clock as it stands."""
        self._wall, self._passing = wall, passing
        self._offset_s = wall() - passing()
        self._jumped_at = float("-inf")

    def stands(self, database_s: float | None) -> bool:
        """Return whether the clock is right, so far as can be told.

        Args:
            database_s: the database's time of day just now, seconds since the Unix epoch; None where it is away.
        """
        now, passed = self._wall(), self._passing()
        if abs(now - passed - self._offset_s) > JUMP_S_MIN:
            self._jumped_at = passed
        self._offset_s = now - passed
        apart = database_s is not None and abs(now - database_s) > JUMP_S_MIN + WAIT_S
        return not apart and passed - self._jumped_at > JUMP_TOLD_S


async def parts_of(configuration: Configuration, clock: Clock) -> list[Part]:
    """Return how each part of the city stands; asks each for at most `WAIT_S`."""
    home = home_folder(configuration)
    database_s, transport, history = await asyncio.gather(
        _database_clock(configuration), _transport(configuration), _history(configuration)
    )
    stands = {
        "database": database_s is not None,
        "transport": transport,
        "processes": all(one["pid"] is not None for one in read_state(home)["processes"]),
        "history": history,
        "disk": free_mb(home) >= FREE_MB_MIN,
        "clock": clock.stands(database_s),
    }
    told = [code for code in _WORDS if code != "history" or configuration.history_dsn]
    return [Part(code, _WORDS[code][0], stands[code], _WORDS[code][1], hinders=code not in _HARMLESS) for code in told]


async def _database_clock(configuration: Configuration) -> float | None:
    """Return the database's time of day, seconds since the Unix epoch; None where it does not answer."""
    told = await _told_by_database(configuration, _TIME)
    return None if told is None else float(told)


async def _history(configuration: Configuration) -> bool:
    return not configuration.history_dsn or bool(await _told_by_database(configuration, IS_KEPT))


async def _told_by_database(configuration: Configuration, statement: str) -> Any:
    """Return the one value of a statement, None where the database does not answer in time."""
    try:
        async with asyncio.timeout(WAIT_S):
            connection = await psycopg.AsyncConnection.connect(postgres_dsn(configuration), autocommit=True)
            async with connection:
                row = await (await connection.execute(statement)).fetchone()
    except (psycopg.Error, OSError, TimeoutError):
        return None
    return row[0] if row else None


async def _transport(configuration: Configuration) -> bool:
    if configuration.nats_url:
        return True
    try:
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", configuration.nats_port)
            greeting = await reader.read(5)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return greeting == b"INFO "


class Health:
    """Answers `/health`: 200 where everything stands, else 503.

    Args:
        configuration: where the parts are.
    """

    def __init__(self, configuration: Configuration) -> None:
        """Know nothing yet."""
        self._configuration, self._clock = configuration, Clock()
        self._parts: list[Part] = []
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], send: Send) -> None:
        """Answer one request."""
        async with self._asking:
            if time.monotonic() - self._asked_at > KEEP_S:
                self._parts, self._asked_at = await parts_of(self._configuration, self._clock), time.monotonic()
        for_people = b"text/html" in dict(scope["headers"]).get(b"accept", b"")
        body = page_of(self._parts) if for_people else json_of(self._parts)
        kind = b"text/html; charset=utf-8" if for_people else b"application/json"
        headers = [
            (b"content-type", kind),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", b"default-src 'none'"),
            (b"x-content-type-options", b"nosniff"),
        ]
        status = 200 if is_whole(self._parts) else 503
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def is_whole(parts: list[Part]) -> bool:
    """Return whether nothing hinders the city."""
    return all(part.stands or not part.hinders for part in parts)


def json_of(parts: list[Part]) -> bytes:
    """Return the parts for a machine."""
    told = {part.code: "up" if part.stands else "down" for part in parts}
    return json.dumps({"status": "up" if is_whole(parts) else "down", **told, "at": int(time.time())}).encode()


_UP, _DOWN = "正常 <span lang=en>up</span>", "<strong>异常 <span lang=en>down</span></strong>"


def page_of(parts: list[Part]) -> bytes:
    """Return the parts for people, in both languages: their own is not known while the database is away."""
    rows = "".join(
        f"<tr><th scope=row>{escape(part.title.zh)} <span lang=en>{escape(part.title.en)}</span></th>"
        f"<td>{_UP if part.stands else _DOWN}</td>"
        f"<td>{'' if part.stands else _meaning(part)}</td></tr>"
        for part in parts
    )
    return (
        "<!doctype html><html lang=zh-Hans><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>运行状况 / Health</title><main><h1>运行状况 <span lang=en>Health</span></h1>"
        f"<table><tbody>{rows}</tbody></table><p><a href='/'>首页 <span lang=en>Home</span></a></p></main></html>"
    ).encode()


def _meaning(part: Part) -> str:
    return f"{escape(part.meaning.zh)}<br><span lang=en>{escape(part.meaning.en)}</span>"
