"""A migrated database whose history is empty, with streams of one thing, and readings written as the pipeline does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection

from cityloop.sense.stream.history.partitions import DAY_US, DayPartition

STREAMS = (1, 2, 3, 70_000, 5_000_000_000)
DAY = 20_700
"""The day of the tests, counted from 1970-01-01: 2026-09-04."""

START_US = DAY * DAY_US
COLUMNS = (
    "datastream_id, phenomenon_time, id, result, quality, feature_id, result_time, phenomenon_end, "
    "result_json, valid_from, valid_until, result_quality, parameters"
)
_TABLES = (
    "sense_observation, sense_closedday, sense_packedday, sense_packedid, sense_latest, sense_datastream, sense_thing"
)


@dataclass(frozen=True)
class Store:
    """The database as a test asks it."""

    dsn: str

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.dsn, options="-c TimeZone=UTC") as connection:
            return connection.execute(statement, parameters).fetchall()

    def run(self, statement: str, *parameters: Any) -> None:
        """Run a statement."""
        with psycopg.connect(self.dsn, options="-c TimeZone=UTC") as connection:
            connection.execute(statement, parameters)

    def readings(self) -> list[tuple[Any, ...]]:
        """Return all readings as exact text, hot and packed, ordered."""
        return self.rows(f"SELECT r::text FROM (SELECT {COLUMNS} FROM sense_reading ORDER BY 1, 2, 3) r")

    def count(self, table: str) -> int:
        """Return the number of rows."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    def make_day(self, day: int) -> None:
        """Make the partition of a day."""
        for statement in DayPartition.of(day).make:
            self.run(statement)


@pytest.fixture
def store(transactional_db: None) -> Iterator[Store]:  # noqa: ARG001  migrates
    """Yield the empty store."""
    settings = django_connection.settings_dict
    password = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
    store = Store(f"postgresql://{settings['USER']}{password}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}")
    _clear(store)
    yield store
    _clear(store)


def _clear(store: Store) -> None:
    store.run(f"TRUNCATE {_TABLES} CASCADE")
    names = store.rows(
        "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
        "WHERE inhparent = 'sense_observation'::regclass AND relname <> 'sense_observation_other'"
    )
    for (name,) in names:
        store.run(f"DROP TABLE {name}")
