"""Brings tables, static files, the registry and the demo city up to date; skipped when nothing has changed.

What decides is a fingerprint of the product's own files, the settings that shape the content, and the database itself,
kept in the data folder. Every step is safe to repeat.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from gettext import gettext as _
from pathlib import Path
from typing import Any

import psycopg
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cityloop.kernel.errors import CityloopError
from cityloop.site.configuration import Configuration
from cityloop.site.found import project_apps, room_apps
from cityloop.site.secrets import postgres_dsn

Advance = Callable[..., None]
"""Tells the progress bar: `advance(done, of=total)`."""

_PRODUCT = Path(__file__).parent.parent
_PASSED_OVER = frozenset({"__pycache__", "tests"})
_IDENTITY = """
    SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || oid::text FROM pg_database
    WHERE datname = current_database() AND to_regclass('django_migrations') IS NOT NULL
"""


class NewerDataError(CityloopError):
    """The database was made by a newer product."""

    key = (
        "The data were written by a newer version of Cityloop (it knows %(migration)s, this one does not). Start that "
        "version, or restore a backup of this one."
    )
    status = 500


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the preparation.

    Attributes:
        title: what the person reads beside the bar.
        run: does it; told how far it is by calling its second argument.
    """

    title: str
    run: Callable[[Configuration, Advance], None]


def is_prepared(configuration: Configuration) -> bool:
    """Return whether everything stands as these files and settings want it."""
    try:
        kept = json.loads(_note(configuration).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(kept.get("fingerprint") == fingerprint(configuration))


def fingerprint(configuration: Configuration) -> str:
    """Return a sum over all that decides what must stand; empty tables give another one."""
    digest = hashlib.sha256()
    for file in _files():
        status = file.stat()
        digest.update(f"{file.relative_to(_PRODUCT)} {status.st_size} {status.st_mtime_ns}\n".encode())
    digest.update(f"{configuration.demo} {configuration.data} {_data_marks(configuration)}\n".encode())
    digest.update(_database_identity(configuration).encode())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for file in sorted(_PRODUCT.rglob("*")):
        if file.is_file() and not _PASSED_OVER.intersection(file.relative_to(_PRODUCT).parts):
            yield file


def _data_marks(configuration: Configuration) -> list[str]:
    return sorted(folder.name for folder in configuration.data.glob("*") if folder.is_dir())


def _database_identity(configuration: Configuration) -> str:
    with psycopg.connect(postgres_dsn(configuration)) as connection:
        row = connection.execute(_IDENTITY).fetchone()
    return str(row[0]) if row else "empty"


def _note(configuration: Configuration) -> Path:
    return configuration.home.absolute() / "prepared.json"


def prepare(configuration: Configuration, *, progress: Progress) -> None:
    """Do every step, showing how far each is, and note that it is done.

    Args:
        configuration: the city's settings; Django is set up.
        progress: where bars are shown.
    """
    for step in _steps(configuration):
        bar = progress.add_task(step.title, total=None)
        step.run(configuration, _teller(progress, bar))
        progress.update(bar, total=1, completed=1)
    note = {"fingerprint": fingerprint(configuration), "at": datetime.now(UTC).isoformat()}
    _note(configuration).write_text(json.dumps(note), encoding="utf-8")


def _teller(progress: Progress, bar: TaskID) -> Advance:
    def advance(done: int, *, of: int) -> None:
        progress.update(bar, completed=done, total=max(of, 1))

    return advance


def _steps(configuration: Configuration) -> list[Step]:
    steps = [
        Step(_("tables"), _migrate),
        Step(_("static files"), _collect_static),
        Step(_("areas and bodies"), _seed),
        Step(_("days of history"), _make_partitions),
    ]
    return [*steps, Step(_("the demo city"), _make_demo)] if configuration.demo != "off" else steps


def refuse_newer_data(applied: Iterable[tuple[str, str]], known: Iterable[tuple[str, str]]) -> None:
    """Refuse tables that a newer product has made, before anything is changed.

    Args:
        applied: room and name of the migrations the database has seen.
        known: those of this product.

    Raises:
        NewerDataError: names the first this product does not know.
    """
    rooms = {app.rpartition(".")[2] for app in (*room_apps(), *project_apps())}
    strange = sorted(one for one in set(applied) - set(known) if one[0] in rooms)
    if strange:
        raise NewerDataError(migration=".".join(strange[0]))


def _migrate(_configuration: Configuration, advance: Advance) -> None:
    from django.core.management import call_command  # noqa: PLC0415  Django is set up first
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    executor = MigrationExecutor(connection)
    refuse_newer_data(executor.loader.applied_migrations, executor.loader.disk_migrations)
    wanted = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    call_command("migrate", interactive=False, verbosity=1, stdout=_Counter("Applying", advance, wanted))


def _collect_static(_configuration: Configuration, advance: Advance) -> None:
    from django.contrib.staticfiles.finders import get_finders  # noqa: PLC0415  Django is set up first
    from django.core.management import call_command  # noqa: PLC0415

    wanted = sum(1 for finder in get_finders() for _file in finder.list([]))
    counter = _Counter("opying '", advance, wanted)
    call_command("collectstatic", interactive=False, verbosity=2, clear=False, stdout=counter)


def _seed(_configuration: Configuration, _advance: Advance) -> None:
    from cityloop.registry.facade import seed  # noqa: PLC0415  Django is set up first
    from cityloop.respond.facade import seed as seed_library  # noqa: PLC0415

    seed()
    seed_library()


def _make_partitions(_configuration: Configuration, _advance: Advance) -> None:
    from cityloop.sense.facade import make_partitions  # noqa: PLC0415  Django is set up first

    make_partitions(datetime.now(UTC).date())


def _make_demo(configuration: Configuration, _advance: Advance) -> None:
    from cityloop.registry.facade import DEMO_PEOPLE  # noqa: PLC0415  Django is set up first
    from cityloop.site.demo import city  # noqa: PLC0415

    city.prepare(configuration)
    accounts = [
        {"account": one.username, "zh": [one.name.zh, one.role_name.zh], "en": [one.name.en, one.role_name.en]}
        for one in DEMO_PEOPLE
    ]
    file = configuration.home.absolute() / "demo-accounts.json"
    file.write_text(json.dumps(accounts, ensure_ascii=False, indent=1), encoding="utf-8")


class _Counter:
    """A text stream that counts the lines it is told of instead of showing them."""

    def __init__(self, mark: str, advance: Advance, wanted: int) -> None:
        self._mark, self._advance, self._wanted, self._done = mark, advance, wanted, 0

    def write(self, text: str) -> int:
        if self._mark in text:
            self._done += 1
            self._advance(self._done, of=self._wanted)
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def bars(**options: Any) -> Progress:
    """Return the bars of the preparation."""
    return Progress(TextColumn("{task.description:16}"), BarColumn(), TimeElapsedColumn(), **options)
