"""A migrated database whose history is empty, with ten streams of one thing."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection as django_connection

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.readings import NO_TIME, OtherParts, Readings
from cityloop.site.pipeline import Pipeline, open_pipeline

STREAMS = tuple(range(1, 11))
NOWHERE = 99
"""A stream of a thing without location."""

_EMPTY = """
    TRUNCATE sense_observation, sense_latest, sense_idempotency, sense_rejected, sense_rejectedcount,
      convey_streamposition, journal_fact, journal_cause, sense_feature, sense_thing, sense_sensor,
      sense_observedproperty, sense_datastream, sense_location CASCADE
"""
_FILL = """
    INSERT INTO sense_thing (id, name, description) VALUES (1, 'pump house', ''), (2, 'lost box', '');
    INSERT INTO sense_location (id, name, description, encoding_type, location, west, south, east, north)
      VALUES (1, 'there', '', 'application/geo+json', '{"type": "Point", "coordinates": [116.4, 39.9]}',
              116.4, 39.9, 116.4, 39.9);
    INSERT INTO sense_thinglocation (thing_id, location_id) VALUES (1, 1);
    INSERT INTO sense_sensor (id, name, description, encoding_type, metadata) VALUES (1, 's', '', 'text/plain', '""');
    INSERT INTO sense_observedproperty (id, name, definition, description) VALUES (1, 'p', 'http://p', '');
"""
_STREAM = """
    INSERT INTO sense_datastream (id, name, description, observation_type, unit_name, unit_symbol, unit_definition,
      thing_id, sensor_id, observed_property_id)
    VALUES (%s, 'd', '', 'OM_Measurement', 'kilopascal', 'kPa', '', %s, 1, 1)
"""


@dataclass(frozen=True)
class Store:
    """The database as a test asks it."""

    dsn: str

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement, parameters).fetchall()

    def run(self, statement: str, *parameters: Any) -> None:
        """Run a statement."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement, parameters)

    def observations(self) -> list[tuple[Any, ...]]:
        """Return stream, time, result of all observations, ordered."""
        return self.rows("SELECT datastream_id, phenomenon_time, result FROM sense_observation ORDER BY 1, 2, id")

    def count(self, table: str = "sense_observation") -> int:
        """Return the number of rows."""
        return self.rows(f"SELECT count(*) FROM {table}")[0][0]


@pytest.fixture
def store(db: None) -> Iterator[Store]:  # noqa: ARG001  migrates
    """Yield the empty store."""
    settings = django_connection.settings_dict
    password = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
    store = Store(f"postgresql://{settings['USER']}{password}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}")
    with psycopg.connect(store.dsn) as connection:
        connection.execute(_EMPTY)
        connection.execute(_FILL)
        for stream in (*STREAMS, NOWHERE):
            connection.execute(_STREAM, (stream, 2 if stream == NOWHERE else 1))
            connection.execute("INSERT INTO sense_latest (datastream_id) VALUES (%s)", (stream,))
    yield store
    with psycopg.connect(store.dsn) as connection:
        connection.execute(_EMPTY)
        partitions = connection.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
            "WHERE inhparent = 'sense_observation'::regclass AND relname <> 'sense_observation_other'"
        ).fetchall()
        for (name,) in partitions:
            connection.execute(f"DROP TABLE {name}")


class RecordingJudge:
    """A screen that remembers what it was shown; it watches every stream, or none."""

    def __init__(self, *, watching: bool = True) -> None:
        """Begin empty."""
        self.watching = watching
        self.judged: list[tuple[int, int, float]] = []

    async def judge(self, connection: Any, **columns: Any) -> int:  # noqa: ARG002  the port
        """Remember stream, time and value, where it watches."""
        if not self.watching:
            return 0
        parts = (columns[name].tolist() for name in ("datastream_id", "phenomenon_us", "value"))
        self.judged += zip(*parts, strict=True)
        return 0

    def watches(self, datastream_id: Any) -> bool:  # noqa: ARG002  the port
        """Watch all streams or none."""
        return self.watching

    async def reload_if_changed(self, connection: Any) -> bool:  # noqa: ARG002  the port
        """Know no watches."""
        return False


@pytest.fixture(params=[True, False], ids=["watched", "unwatched"])
def judge(request: pytest.FixtureRequest) -> RecordingJudge:
    """Return a screen that remembers; unwatched streams go the short way."""
    return RecordingJudge(watching=request.param)


@pytest.fixture
async def pipeline(store: Store, judge: RecordingJudge) -> AsyncIterator[Pipeline]:
    """Yield a pipeline that serves."""
    pipeline = await open_pipeline(store.dsn, node=0, process="web", judge=judge)
    yield pipeline
    await pipeline.close()


def now_us() -> int:
    """Return the present, microseconds since the Unix epoch."""
    return to_us(datetime.now(UTC))


def readings(
    rows: Sequence[tuple[int, int, float]],
    *,
    received_us: int | None = None,
    others: dict[int, OtherParts] | None = None,
    feature: Callable[[int], int] = lambda _: 0,
    result_us: int = NO_TIME,
) -> Readings:
    """Return a batch of (stream, phenomenon time in microseconds, value)."""
    return Readings(
        datastream_id=np.array([row[0] for row in rows], dtype=np.int64),
        phenomenon_us=np.array([row[1] for row in rows], dtype=np.int64),
        result=np.array([row[2] for row in rows], dtype=np.float64),
        quality=np.zeros(len(rows), dtype=np.uint8),
        result_us=np.full(len(rows), result_us, dtype=np.int64),
        feature_id=np.array([feature(number) for number in range(len(rows))], dtype=np.int64),
        received_us=now_us() if received_us is None else received_us,
        others=others or {},
    )
