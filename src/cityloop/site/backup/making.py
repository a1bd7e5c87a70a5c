"""Makes a backup while the city runs."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel

import cityloop
from cityloop.kernel.errors import CityloopError
from cityloop.site.backup import manifest as layout
from cityloop.site.backup.closed_days import nothing_closes, save_closed_days
from cityloop.site.backup.manifest import Manifest, digest_of, write_manifest
from cityloop.site.backup.programs import private_folder, run_program
from cityloop.site.backup.tables import Told, table_sums
from cityloop.site.backup.waiting import save_waiting
from cityloop.site.configuration import Configuration
from cityloop.site.django_ready import DatabaseAwayError
from cityloop.site.processes import home_folder
from cityloop.site.secrets import nats_url, postgres_dsn

KEPT = ("secrets", "cityloop.toml", "mappings", "demo-accounts.json", "frames", "photos")
"""What of the data folder a backup holds beside the database; the rest is made anew at every start."""


class FolderNotEmptyError(CityloopError):
    """There is something already where a backup or a city is to go."""

    key = "The folder %(folder)s is not empty. Name another one, or empty it."
    status = 409


def make_backup(configuration: Configuration, folder: Path, told: Told) -> Manifest:
    """Write everything a city keeps into a folder and return what it holds; the city goes on meanwhile.

    Messages that wait in the transport are saved first, then the database as of one moment: every reading that was
    acknowledged before the backup began is in one of them.

    Args:
        configuration: of the city.
        folder: a new or empty folder; its owner alone may read it, for it holds the city's secrets.
        told: is told the progress.

    Raises:
        FolderNotEmptyError: if something lies there.
        DatabaseAwayError: if the database does not answer.
        NatsAwayError: if the transport does not.
        DumpFailedError: if the database cannot be dumped.
        HistoryAwayError: if closed days lie in the second store, which does not give them.
        ClosedDaysChangedError: if some of those were changed meanwhile.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FolderNotEmptyError(folder=folder)
    private_folder(folder)
    dsn = postgres_dsn(configuration)
    waiting = asyncio.run(save_waiting(nats_url(configuration, user="wire"), dsn, folder / layout.WAITING))
    try:
        with nothing_closes(dsn), psycopg.connect(dsn) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            made_at, server = _moment(connection)
            run_program(configuration, "pg_dump", *_dump_arguments(connection, folder), dsn=dsn)
            tables = table_sums(connection, told)
            save_closed_days(connection, dsn, folder, told)
    except psycopg.OperationalError as error:
        raise DatabaseAwayError from error
    _copy_files(home_folder(configuration), folder / layout.FILES)
    manifest = Manifest(
        format=layout.FORMAT,
        version=cityloop.__version__,
        made_at=made_at.astimezone(UTC).isoformat(),
        node=configuration.node,
        postgres=server,
        tables=tables,
        waiting=waiting,
        files={str(file.relative_to(folder)): digest_of(file) for file in sorted(folder.rglob("*")) if file.is_file()},
    )
    write_manifest(folder, manifest)
    return manifest


def _moment(connection: Connection[Any]) -> tuple[datetime, str]:
    row = connection.execute("SELECT now(), current_setting('server_version')").fetchone()
    return (row[0], str(row[1])) if row else (datetime.now(UTC), "")


def _dump_arguments(connection: Connection[Any], folder: Path) -> list[str]:
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    snapshot = str(row[0]) if row else ""
    return [
        "--format=custom",
        "--compress=1",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={snapshot}",
        "--lock-wait-timeout=60s",
        f"--file={folder / layout.DUMP}",
    ]


def _copy_files(home: Path, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for name in KEPT:
        source = home / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.is_file():
            shutil.copy2(source, folder / name)
