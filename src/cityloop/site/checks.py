"""What `cityloop doctor` looks at; each check yields findings, none changes anything."""

import asyncio
import ctypes
import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from gettext import gettext as _
from pathlib import Path

import psycopg

from cityloop.convey.stream.jetstream import store_use
from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.archive.standing import standing
from cityloop.site.configuration import Configuration
from cityloop.site.engines import binaries, nats
from cityloop.site.language import sentence
from cityloop.site.metrics.instruments import folder_of, heartbeats
from cityloop.site.processes import FREE_MB_MIN
from cityloop.site.secrets import nats_url, postgres_dsn
from cityloop.site.supervisor.lock import holder
from cityloop.site.supervisor.state import read_state

DISK_FREE_MB_GOOD = 5_000
"""Less free space than this is a matter of days, MB."""

CLOCK_APART_S_MAX = 2.0
"""The database's clock and ours may differ by this much, seconds."""

FILES_FREE_MIN = 1_000
"""Fewer free inodes than this and partitions cannot be made."""

PYTHON_VERSION_MIN = (3, 11)

SERVER_VERSION_MIN = 150_000
"""Oldest PostgreSQL of the operator's own, as `server_version_num`."""

STILL_S_MAX = 60.0
"""A process whose loop has not turned for so long hangs, seconds."""

STORE_SHARE_DOUBTFUL, STORE_SHARE_BAD = 0.5, 0.9
"""How full the transport's store may be."""

BEHIND_MAX = 5000
"""A listener with more facts before it is slow or stuck."""

_NEWEST_FACT = "SELECT extract(epoch FROM recorded_at)::float8 FROM journal_fact ORDER BY sequence DESC LIMIT 1"

_TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""


class Grade(IntEnum):
    """How a finding stands."""

    GOOD = 0
    DOUBTFUL = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        what: what was looked at.
        told: how it stands.
        grade: whether that is good.
        way_out: what to do, empty where nothing.
    """

    what: str
    told: str
    grade: Grade = Grade.GOOD
    way_out: str = ""


Check = Callable[[Configuration], Iterator[Finding]]


def all_findings(configuration: Configuration) -> Iterator[Finding]:
    """Yield what every check finds, in the order in which a city is started."""
    for check in _CHECKS:
        yield from check(configuration)


def _python(_configuration: Configuration) -> Iterator[Finding]:
    good = sys.version_info[:2] >= PYTHON_VERSION_MIN
    way_out = "" if good else _("Install Python 3.11 or newer.")
    yield Finding("Python", sys.version.split()[0], Grade.GOOD if good else Grade.BAD, way_out)


def _clock(configuration: Configuration) -> Iterator[Finding]:
    if sys.platform == "linux":
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
        if state == _TIME_ERROR:
            yield Finding(
                _("clock"),
                _("not synchronised, so far as this machine knows"),
                Grade.DOUBTFUL,
                _("Install chrony, or trust the host's clock if this is a container."),
            )
        else:
            yield Finding(_("clock"), _("synchronised"))
    try:
        with psycopg.connect(postgres_dsn(configuration), connect_timeout=2) as connection:
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    except psycopg.OperationalError:
        return
    yield from _newest_fact(configuration)
    apart_s = abs(time.time() - float(row[0])) if row else 0.0
    bad = apart_s > CLOCK_APART_S_MAX
    told = _("%(apart)s s apart from ours") % {"apart": f"{apart_s:.1f}"}
    way_out = _("Synchronise both machines by NTP.") if bad else ""
    yield Finding(_("clock of the database"), told, Grade.BAD if bad else Grade.GOOD, way_out)


def _newest_fact(configuration: Configuration) -> Iterator[Finding]:
    """Compare the clock with what the city wrote last: one that was set back makes new facts older than old ones."""
    try:
        with psycopg.connect(postgres_dsn(configuration), connect_timeout=2) as connection:
            row = connection.execute(_NEWEST_FACT).fetchone()
    except psycopg.Error:
        return
    ahead_s = (row[0] or 0.0) - time.time() if row else 0.0
    if ahead_s > CLOCK_APART_S_MAX:
        told = _("behind the newest fact of the journal by %(ahead)s s") % {"ahead": f"{ahead_s:.0f}"}
        yield Finding(_("clock"), told, Grade.BAD, _("The clock was set back: correct it."))


def _server_version(configuration: Configuration) -> Iterator[Finding]:
    if not configuration.postgres_dsn:
        return
    try:
        with psycopg.connect(configuration.postgres_dsn, connect_timeout=2) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError:
        return
    old = version < SERVER_VERSION_MIN
    told = _("release %(version)s") % {"version": f"{version // 10_000}.{version % 10_000}"}
    yield Finding("PostgreSQL", told, Grade.BAD if old else Grade.GOOD, _("Use PostgreSQL 15 or newer.") if old else "")


def _beats(configuration: Configuration) -> Iterator[Finding]:
    home = configuration.home.absolute()
    if holder(home) is None:
        return
    for process, at in sorted(heartbeats(folder_of(home)).items()):
        still_s = time.time() - at
        if still_s > STILL_S_MAX:
            told = _("has not turned for %(span)s s") % {"span": f"{still_s:.0f}"}
            way_out = _("End it, it is started again: kill its process; read %(log)s") % {
                "log": home / "logs" / f"{process}.log"
            }
            yield Finding(process, told, Grade.BAD, way_out)


def _store(configuration: Configuration) -> Iterator[Finding]:
    try:
        used, bound = asyncio.run(store_use(nats_url(configuration, user="wire")))
    except CityloopError:
        return
    share = used / bound if bound > 0 else 0.0
    grade = Grade.BAD if share > STORE_SHARE_BAD else Grade.DOUBTFUL if share > STORE_SHARE_DOUBTFUL else Grade.GOOD
    told = _("%(share)s %% of %(bound)s MB in use") % {"share": f"{100 * share:.0f}", "bound": f"{bound >> 20:,}"}
    way_out = _("The history does not keep up: look at the wire's log and at the database.") if grade else ""
    yield Finding(_("store of waiting messages"), told, grade, way_out)


def _disk(configuration: Configuration) -> Iterator[Finding]:
    folder = _existing(configuration.home.absolute())
    statistics = os.statvfs(folder)
    free_mb = statistics.f_bavail * statistics.f_frsize // 2**20
    grade = Grade.GOOD if free_mb >= DISK_FREE_MB_GOOD else Grade.DOUBTFUL if free_mb >= FREE_MB_MIN else Grade.BAD
    told = _("%(free)s MB free in %(folder)s") % {"free": f"{free_mb:,}", "folder": folder}
    yield Finding(_("disk"), told, grade, _("Make room, or set CITYLOOP_HOME.") if grade else "")
    if statistics.f_files and statistics.f_favail < FILES_FREE_MIN:
        told = _("room for %(count)s more files only") % {"count": statistics.f_favail}
        yield Finding(_("disk"), told, Grade.BAD, _("Make room, or set CITYLOOP_HOME."))


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _folder(configuration: Configuration) -> Iterator[Finding]:
    home = configuration.home.absolute()
    if not os.access(_existing(home), os.W_OK | os.X_OK):
        way_out = _("Give its right to this user, or set CITYLOOP_HOME to another folder.")
        yield Finding(_("data folder"), _("%(folder)s cannot be written") % {"folder": home}, Grade.BAD, way_out)
        return
    yield Finding(_("data folder"), str(home))
    open_to_others = [
        file
        for file in (home / "secrets").glob("*")
        if stat.S_IMODE(file.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_to_others:
        told = _("others can read %(names)s") % {"names": ", ".join(file.name for file in open_to_others)}
        yield Finding(_("secrets"), told, Grade.BAD, f"chmod 600 {home / 'secrets'}/*")
    elif (home / "secrets").exists():
        yield Finding(_("secrets"), _("readable by their owner only"))


def _engines(configuration: Configuration) -> Iterator[Finding]:
    finders = (
        ("PostgreSQL", configuration.postgres_dsn, binaries.find_postgres),
        ("NATS", configuration.nats_url, binaries.find_nats),
    )
    for title, address, find in finders:
        if address:
            yield Finding(title, _("your own, by its address"))
            continue
        try:
            program = find(configuration)
        except CityloopError as error:
            yield Finding(title, sentence(error), Grade.BAD)
        else:
            yield Finding(title, f"{program.version_text} ({program.rung}: {program.path})")


def _ports(configuration: Configuration) -> Iterator[Finding]:
    if holder(configuration.home.absolute()) is not None:
        return
    wanted = [(_("web pages"), configuration.host, configuration.port, "CITYLOOP_PORT")]
    if not configuration.postgres_dsn:
        wanted.append(("PostgreSQL", "127.0.0.1", configuration.postgres_port, "CITYLOOP_POSTGRES_PORT"))
    if not configuration.nats_url:
        wanted.append(("NATS", "127.0.0.1", configuration.nats_port, "CITYLOOP_NATS_PORT"))
        wanted.append(("MQTT", "127.0.0.1", configuration.mqtt_port, "CITYLOOP_MQTT_PORT"))
    for what, host, port, setting in wanted:
        name = _("port %(port)s (%(what)s)") % {"port": port, "what": what}
        if _is_taken(host, port):
            way_out = _("Stop the program that listens there, or set %(setting)s.") % {"setting": setting}
            yield Finding(name, _("taken"), Grade.BAD, way_out)
        else:
            yield Finding(name, _("free"))


def _is_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _processes(configuration: Configuration) -> Iterator[Finding]:
    home = configuration.home.absolute()
    pid = holder(home)
    if pid is None:
        way_out = _("Start it: cityloop up")
        yield Finding(_("city"), _("does not run"), Grade.DOUBTFUL, way_out)
        return
    yield Finding(_("city"), _("runs (process %(pid)s)") % {"pid": pid})
    for process in read_state(home)["processes"]:
        resting = process["pid"] is None
        told = _("resting") if resting else _("runs, restarted %(times)s times") % {"times": process["restarts"]}
        way_out = _("Read %(log)s") % {"log": process["log"]} if resting else ""
        yield Finding(process["name"], told, Grade.BAD if resting else Grade.GOOD, way_out)
    if not configuration.nats_url and not nats.answers(configuration):
        yield Finding("NATS", _("does not answer"), Grade.BAD, _("Read %(log)s") % {"log": home / "logs" / "nats.log"})


def _history(configuration: Configuration) -> Iterator[Finding]:
    """Look at the second store of closed days, where there is one or readings lie in one."""
    try:
        with psycopg.connect(postgres_dsn(configuration), connect_timeout=2) as connection:
            now = standing(connection)
    except psycopg.Error:
        return
    name = _("second store of closed days")
    if not configuration.history_dsn:
        if now.there_days:
            told = _("%(days)d stream-days lie there, and no setting names it") % {"days": now.there_days}
            yield Finding(name, told, Grade.BAD, _("Set CITYLOOP_HISTORY_DSN, or move them back: docs/operate.md"))
        return
    if now.reason:
        yield Finding(name, _(now.reason), Grade.BAD, _("Readings and recent days go on; it heals by itself."))
    elif not now.is_kept:
        yield Finding(name, _("no process keeps it"), Grade.BAD, _("Start it: cityloop up"))
    else:
        told = _("keeps %(readings)d readings in %(megabytes)d MB") % {
            "readings": now.store_readings,
            "megabytes": now.store_bytes // 1_000_000,
        }
        yield Finding(name, told)


def _listeners(configuration: Configuration) -> Iterator[Finding]:
    try:
        with psycopg.connect(postgres_dsn(configuration), connect_timeout=2):
            pass
    except psycopg.OperationalError:
        yield Finding(_("database"), _("does not answer"), Grade.DOUBTFUL, _("Start it: cityloop up"))
        return
    from cityloop.site.django_ready import set_up  # noqa: PLC0415  only where the database answers

    set_up()
    from cityloop.journal.facade import listener_states  # noqa: PLC0415  Django is set up first

    yield from _tables()
    for state in listener_states():
        grade = Grade.BAD if state.failures else Grade.DOUBTFUL if state.behind > BEHIND_MAX else Grade.GOOD
        told = _("%(behind)s facts behind, %(failures)s failures in a row") % {
            "behind": state.behind,
            "failures": state.failures,
        }
        name = _("listener %(name)s") % {"name": state.listener}
        yield Finding(name, told, grade, state.last_error if state.failures else "")


def _tables() -> Iterator[Finding]:
    from django.db import connection  # noqa: PLC0415  Django is set up first
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    wanted = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if wanted:
        told = _("%(count)s changes wait") % {"count": wanted}
        yield Finding(_("tables"), told, Grade.DOUBTFUL, _("Start the city again: cityloop up brings them up to date."))


_CHECKS: tuple[Check, ...] = (
    _python,
    _clock,
    _disk,
    _folder,
    _engines,
    _server_version,
    _ports,
    _processes,
    _beats,
    _store,
    _history,
    _listeners,
)
