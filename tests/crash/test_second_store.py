"""Closed days in ClickHouse: moved while the city runs, saved, destroyed, restored with the same readings."""

import shutil
from pathlib import Path

import httpx
import psycopg

from bench.city import new_home
from cityloop.sense.stream.archive.checksums import checksum_of
from cityloop.sense.stream.archive.exact import columns_from
from cityloop.sense.stream.archive.recalling import asked_here
from tests.city import City, eventually, running_city
from tests.crash.test_backup import command, made_stream

DAYS, A_DAY = 3, 40
_ALL = "SELECT * FROM sense_reading WHERE phenomenon_time < '2026-04-01'"


def sums(dsn: str) -> tuple[int, int]:
    """Return count and checksum of all readings, wherever they lie."""
    with psycopg.connect(dsn, autocommit=True, options="-c TimeZone=UTC") as connection:
        columns = asked_here(connection, lambda: columns_from(connection, _ALL))
    return len(columns), checksum_of(columns)


def one(dsn: str, statement: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def filled(city: City) -> None:
    """Load some days of the past, which are packed at once."""
    stream = made_stream(city, city.token("writer", "read", "write"))
    file = city.home / "old.csv"
    rows = [
        f"{stream},2026-03-{day + 1:02d}T{number // 2:02d}:{30 * (number % 2):02d}:00Z,{number / 8}"
        for day in range(DAYS)
        for number in range(A_DAY)
    ]
    file.write_text("\n".join(["datastream_id,phenomenon_time,result", *rows]) + "\n", encoding="utf-8")
    assert "120 readings kept" in city.run("--lang", "en", "load", str(file))


def test_days_move_there_and_back_and_a_destroyed_city_has_them_again(
    tmp_path: Path,
) -> None:
    store, folder = tmp_path / "store", tmp_path / "backup"
    with running_city(HISTORY_DSN=f"chdb://{store}") as city:
        filled(city)
        assert "Both are alike." in city.run("--lang", "en", "history", "move", "--to", "clickhouse")
        assert one(city.dsn, "SELECT count(*) FROM sense_packedday WHERE away") == DAYS
        before = sums(city.dsn)
        assert before[0] == DAYS * A_DAY
        assert "120" in city.run("--lang", "en", "history", "status")
        assert httpx.get(f"{city.address}/health").json()["history"] == "up"
        told = city.run("--lang", "en", "history", "move", "--to", "postgres")
        assert "Both are alike." in told
        assert one(city.dsn, "SELECT count(stored) FROM sense_packedday") == 0
        assert sums(city.dsn) == before
        city.run("--lang", "en", "history", "move", "--to", "clickhouse")
        assert "rows of" in city.run("--lang", "en", "backup", str(folder))
    shutil.rmtree(store)
    home = new_home()
    told = command(home, "restore", str(folder))
    assert told.returncode == 0, told.stderr
    with running_city(home, HISTORY_DSN=f"chdb://{store}") as city:
        assert sums(city.dsn) == before
        eventually(
            lambda: one(city.dsn, "SELECT count(*) FROM sense_packedday WHERE stored IS NOT NULL") == DAYS,
            what="the days move into a store of its own",
        )
        assert sums(city.dsn) == before
