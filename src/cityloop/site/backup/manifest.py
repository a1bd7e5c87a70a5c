"""What a backup holds, written last: a folder without it is no backup."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cityloop.kernel.errors import CityloopError

MANIFEST, DUMP, WAITING, FILES = "manifest.json", "database.dump", "waiting.jsonl", "files"
"""Names in a backup's folder: this description, the database, messages not yet taken over, files of the data folder."""

FORMAT = 1
"""Number of this layout; a program reads its own and older ones."""

_CHUNK_BYTES = 2**20


class NoBackupError(CityloopError):
    """The folder holds no whole backup."""

    key = "%(folder)s holds no whole backup: %(reason)s"
    status = 404


class BackupDamagedError(CityloopError):
    """A file of the backup is not what was written."""

    key = "The file %(file)s of the backup is missing or damaged; nothing was restored. Use another backup."
    status = 500


@dataclass(frozen=True, slots=True)
class TableSum:
    """What a table held.

    Attributes:
        rows: how many rows.
        checksum: sum of the hashes of all rows as text, in decimals; the order of rows does not matter.
    """

    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        format: layout of the folder.
        version: of the product that made it.
        made_at: when, ISO 8601 in UTC; the database is as of this moment.
        node: number of the node.
        postgres: version of the database server.
        tables: what each table held, by name.
        waiting: messages of devices that were acknowledged and not yet in the history.
        files: SHA-256 of every other file of the folder, by its path.
    """

    format: int
    version: str
    made_at: str
    node: int
    postgres: str
    tables: dict[str, TableSum]
    waiting: int
    files: dict[str, str]

    @property
    def rows(self) -> int:
        """Return how many rows there are in all."""
        return sum(table.rows for table in self.tables.values())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write it, whole or not at all."""
    unfinished = folder / f"{MANIFEST}.unfinished"
    unfinished.write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    unfinished.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """Return what a backup's folder says it holds.

    Raises:
        NoBackupError: if it says nothing, or is of a newer product.
    """
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        tables = {name: TableSum(**table) for name, table in told.pop("tables").items()}
        manifest = Manifest(**told, tables=tables)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NoBackupError(folder=folder, reason=error) from error
    if manifest.format > FORMAT:
        raise NoBackupError(folder=folder, reason=f"format {manifest.format} > {FORMAT}")
    return manifest


def check_files(folder: Path, manifest: Manifest) -> None:
    """Compare every file with what was written.

    Raises:
        BackupDamagedError: names the first that differs.
    """
    for name, digest in manifest.files.items():
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file() or digest_of(file) != digest:
            raise BackupDamagedError(file=name)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
