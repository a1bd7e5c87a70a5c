"""Restores a city from a backup, and proves that it is what was saved."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import psycopg

from cityloop.kernel.errors import CityloopError
from cityloop.site.backup import manifest as layout
from cityloop.site.backup.closed_days import restore_closed_days
from cityloop.site.backup.making import FolderNotEmptyError
from cityloop.site.backup.manifest import Manifest, check_files, read_manifest
from cityloop.site.backup.programs import private_folder, run_program
from cityloop.site.backup.tables import Told, differences, table_sums
from cityloop.site.backup.waiting import give_back
from cityloop.site.configuration import Configuration
from cityloop.site.processes import home_folder
from cityloop.site.secrets import nats_url, postgres_dsn
from cityloop.site.up import City

RESTORE_JOBS = 2
"""Tables that are read back at once; more would only queue for the processor."""

_LEFT_OVER = frozenset({"logs", "cityloop.toml"})


class RestoredOtherwiseError(CityloopError):
    """The restored tables do not hold what was saved."""

    key = "The restored city is not what was saved: %(tables)s differ. Restore into another folder from another backup."
    status = 500


def restore_backup(configuration: Configuration, folder: Path, told: Told) -> Manifest:
    """Make a city's data folder from a backup, compare every table with what was saved, and leave it stopped.

    Args:
        configuration: of the city that is made; its data folder holds no city yet.
        folder: of the backup.
        told: is told the progress of the comparison.

    Raises:
        NoBackupError: if the folder holds no whole backup.
        BackupDamagedError: if a file is not what was written.
        FolderNotEmptyError: if there is a city already.
        RestoredOtherwiseError: if counts or checksums differ.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    home = home_folder(configuration)
    if home.exists() and any(entry.name not in _LEFT_OVER for entry in home.iterdir()):
        raise FolderNotEmptyError(folder=home)
    _put_files(folder / layout.FILES, home)
    with City(configuration).engines():
        dsn = postgres_dsn(configuration)
        arguments = ["--no-owner", "--no-privileges", "--exit-on-error", f"--jobs={RESTORE_JOBS}"]
        run_program(configuration, "pg_restore", *arguments, *_into(dsn), str(folder / layout.DUMP), dsn=dsn)
        differing = _compared(dsn, manifest, told)
        if not restore_closed_days(dsn, folder):
            differing.append("sense_packedday")
        asyncio.run(give_back(nats_url(configuration, user="wire"), folder / layout.WAITING))
    if differing:
        raise RestoredOtherwiseError(tables=", ".join(differing))
    return manifest


def _put_files(source: Path, home: Path) -> None:
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    for entry in sorted(source.iterdir()):
        target = home / entry.name
        if entry.is_dir():
            shutil.copytree(entry, target, dirs_exist_ok=True)
        elif not target.exists():
            shutil.copy2(entry, target)
    if (home / "secrets").exists():
        private_folder(home / "secrets")


def _into(dsn: str) -> Sequence[str]:
    name = psycopg.conninfo.conninfo_to_dict(dsn).get("dbname", "cityloop")
    return (f"--dbname={name}",)


def _compared(dsn: str, manifest: Manifest, told: Told) -> list[str]:
    with psycopg.connect(dsn) as connection:
        found = table_sums(connection, told)
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")
    return differences(manifest.tables, found)
