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

KEEP_S = 1.0
"""How long an answer is given again, seconds: a flood of questions asks the parts once."""

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the city as it stands.

    Attributes:
        code: short name.
        title: its name.
        stands: whether it does what it should.
        meaning: what it means for people and devices while it does not.
    """

    code: str
    title: Text
    stands: bool
    meaning: Text


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
}


async def parts_of(configuration: Configuration) -> list[Part]:
    """Return how each part of the city stands; asks each for at most `WAIT_S`."""
    home = home_folder(configuration)
    database, transport, history = await asyncio.gather(
        _database(configuration), _transport(configuration), _history(configuration)
    )
    stands = {
        "database": database,
        "transport": transport,
        "processes": all(one["pid"] is not None for one in read_state(home)["processes"]),
        "history": history,
        "disk": free_mb(home) >= FREE_MB_MIN,
    }
    told = [code for code in _WORDS if code != "history" or configuration.history_dsn]
    return [Part(code, *_titled(code, stands=stands[code])) for code in told]


def _titled(code: str, *, stands: bool) -> tuple[Text, bool, Text]:
    title, meaning = _WORDS[code]
    return title, stands, meaning


async def _database(configuration: Configuration) -> bool:
    try:
        async with asyncio.timeout(WAIT_S):
            connection = await psycopg.AsyncConnection.connect(postgres_dsn(configuration), autocommit=True)
            async with connection:
                await connection.execute("SELECT 1")
    except (psycopg.Error, OSError, TimeoutError):
        return False
    return True


async def _history(configuration: Configuration) -> bool:
    if not configuration.history_dsn:
        return True
    try:
        async with asyncio.timeout(WAIT_S):
            connection = await psycopg.AsyncConnection.connect(postgres_dsn(configuration), autocommit=True)
            async with connection:
                row = await (await connection.execute(IS_KEPT)).fetchone()
    except (psycopg.Error, OSError, TimeoutError):
        return False
    return row is not None and bool(row[0])


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
        self._configuration = configuration
        self._parts: list[Part] = []
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def __call__(self, scope: MutableMapping[str, Any], send: Send) -> None:
        """Answer one request."""
        async with self._asking:
            if time.monotonic() - self._asked_at > KEEP_S:
                self._parts, self._asked_at = await parts_of(self._configuration), time.monotonic()
        for_people = b"text/html" in dict(scope["headers"]).get(b"accept", b"")
        body = page_of(self._parts) if for_people else json_of(self._parts)
        kind = b"text/html; charset=utf-8" if for_people else b"application/json"
        headers = [
            (b"content-type", kind),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", b"default-src 'none'"),
            (b"x-content-type-options", b"nosniff"),
        ]
        status = 200 if all(part.stands for part in self._parts) else 503
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def json_of(parts: list[Part]) -> bytes:
    """Return the parts for a machine."""
    told = {part.code: "up" if part.stands else "down" for part in parts}
    whole = all(part.stands for part in parts)
    return json.dumps({"status": "up" if whole else "down", **told, "at": int(time.time())}).encode()


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
