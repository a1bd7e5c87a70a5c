"""Closed days that lie in the second store: a backup holds them packed, and a restored city has them in PostgreSQL.

So a backup needs no second store to be restored, and a copy of a city never writes into the store of another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.archive.body import COLUMNS
from cityloop.sense.stream.archive.checksums import checksum_of
from cityloop.sense.stream.archive.closing import CLOSING_LOCK
from cityloop.sense.stream.archive.exact import columns_from
from cityloop.sense.stream.archive.recalling import recall_here
from cityloop.site.backup.tables import Told

FOLDER = "closed"
"""Folder of a backup with the rows of closed days that lie in the second store, in PostgreSQL's binary COPY format."""

DAYS_TOGETHER = 500
"""Stream-days of one file."""

_AWAY = "SELECT datastream_id, day, stored FROM sense_packedday WHERE stored IS NOT NULL ORDER BY day, datastream_id"
_NAMED = """
    FROM sense_packedday p JOIN unnest('{streams}'::bigint[], '{days}'::date[], '{versions}'::bigint[])
    AS w (stream, day, version) ON p.datastream_id = w.stream AND p.day = w.day AND p.stored = w.version
"""
_INTO = f"""
    UPDATE sense_packedday p SET {", ".join(f"{name} = r.{name}" for name in COLUMNS)},
    away = FALSE, stored = NULL, recalled_at = NULL
    FROM returned r WHERE p.datastream_id = r.datastream_id AND p.day = r.day AND p.stored = r.stored
"""
_LEFT = "SELECT count(*) FROM sense_packedday WHERE away"
_PROMISED = "SELECT day, bit_xor(checksum), sum(n) FROM sense_packedday WHERE checksum IS NOT NULL GROUP BY day"
_FOUND = """
    SELECT o.* FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o
    WHERE p.day = '{day}' AND p.checksum IS NOT NULL
"""
_AFRESH = """
    TRUNCATE sense_storedgone, sense_recall;
    UPDATE sense_closedday SET moved_at = NULL WHERE moved_at IS NOT NULL;
    UPDATE sense_historystore SET city = gen_random_uuid(), reason = '', told_at = NULL, readings = 0, bytes = 0
"""


class ClosedDaysChangedError(CityloopError):
    """Closed days changed while they were saved."""

    key = "Closed days of the second store changed while they were saved. Call the backup again, into another folder."
    status = 409


@contextmanager
def nothing_closes(dsn: str) -> Iterator[None]:
    """Keep days from being closed meanwhile, where some lie in the second store."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("SELECT EXISTS (SELECT 1 FROM sense_packedday WHERE stored IS NOT NULL)").fetchone()
        if row and row[0]:
            connection.execute("SELECT pg_advisory_lock(%s)", (CLOSING_LOCK,))
        yield


def save_closed_days(snapshot: Connection[Any], dsn: str, folder: Path, told: Told) -> int:
    """Write the rows of the second store's days into files; return how many.

    Args:
        snapshot: in the transaction whose moment the backup has.
        dsn: of the database; over it the days are recalled part by part.
        folder: of the backup.
        told: is told the progress.

    Raises:
        HistoryAwayError: if the second store does not give them.
        ClosedDaysChangedError: if one was changed since that moment.
    """
    wanted = snapshot.execute(_AWAY).fetchall()
    if wanted:
        (folder / FOLDER).mkdir(mode=0o700)
    with psycopg.connect(dsn, autocommit=True, options="-c TimeZone=UTC") as connection:
        for at in range(0, len(wanted), DAYS_TOGETHER):
            told(FOLDER, at, len(wanted))
            some = wanted[at : at + DAYS_TOGETHER]
            recall_here(connection, [(stream, day) for stream, day, _ in some])
            _save(connection, some, folder / FOLDER / f"{at:09d}.copy")
    return len(wanted)


def _save(connection: Connection[Any], some: list[tuple[int, date, int]], file: Path) -> None:
    streams, days, versions = ("{" + ",".join(str(row[number]) for row in some) + "}" for number in range(3))
    named = _NAMED.format(streams=streams, days=days, versions=versions)
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = connection.execute(f"SELECT count(*) {named} WHERE NOT p.away").fetchone()
        if row is None or row[0] != len(some):
            raise ClosedDaysChangedError
        with (
            file.open("wb") as target,
            connection.cursor().copy(f"COPY (SELECT p.* {named}) TO STDOUT (FORMAT binary)") as copy,
        ):
            for part in copy:
                target.write(part)


def restore_closed_days(dsn: str, folder: Path) -> bool:
    """Put the days of the second store into PostgreSQL and compare; return whether all are what was moved once.

    Args:
        dsn: of the restored database, which nobody else uses yet.
        folder: of the backup.
    """
    with psycopg.connect(dsn, autocommit=True, options="-c TimeZone=UTC") as connection:
        for file in sorted((folder / FOLDER).glob("*.copy")):
            with connection.transaction():
                connection.execute("CREATE TEMPORARY TABLE returned (LIKE sense_packedday) ON COMMIT DROP")
                with connection.cursor().copy("COPY returned FROM STDIN (FORMAT binary)") as copy:
                    copy.write(file.read_bytes())
                connection.execute(_INTO)
        if connection.execute(_LEFT).fetchone() != (0,):
            return False
        connection.execute(_AFRESH)
        for day, checksum, count in connection.execute(_PROMISED).fetchall():
            columns = columns_from(connection, _FOUND.format(day=day))
            if (len(columns), checksum_of(columns)) != (count, checksum):
                return False
    return True
