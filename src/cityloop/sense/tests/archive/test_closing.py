"""Closed days are packed without loss, whatever happens meanwhile."""

import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ObservationIds
from cityloop.sense.stream.archive.closing import close_day
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.tests.archive.conftest import COLUMNS, DAY, START_US, STREAMS, Store

pytestmark = pytest.mark.django_db(transaction=True)

_PLACES = f"{', '.join(['%s'] * 8)}, %s::jsonb, %s, %s, %s::jsonb, %s::jsonb"
_INSERT = f"INSERT INTO sense_observation ({COLUMNS}) VALUES ({_PLACES})"
_offsets = st.one_of(
    st.integers(0, DAY_US - 1),
    st.integers(0, DAY_US // 60_000_000 - 1).map(lambda minute: minute * 60_000_000),
    st.integers(0, DAY_US // 1000 - 1).map(lambda milli: milli * 1000),
)
_instants = st.one_of(
    st.none(),
    st.integers(-62_000_000_000_000_000, 253_000_000_000_000_000).map(from_us),
    st.just(from_us(START_US + 86_399_999_999)),
)
_numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53), 2**53).map(float),
    st.decimals(-5000, 5000, places=2).map(float),
    st.sampled_from([0.0, -0.0, 1e-320, 0.1, 2**31 - 1.0, -(2.0**31)]),
)
_jsons = st.one_of(
    st.none(), st.sampled_from(['"offline"', "null", "12345678901234567890", '{"a": [1, 1.0, 1.10]}', '"漏水"'])
)
_readings = st.lists(
    st.tuples(
        st.sampled_from(STREAMS),
        _offsets,
        st.one_of(_numbers.map(lambda value: (value, None)), _jsons.map(lambda text: (None, text))),
        st.integers(0, 7),
        st.sampled_from([1, 2, 9_000_000_000]),
        _instants, _instants, _instants, _instants, _jsons, _jsons,
        st.integers(0, 40 * DAY_US),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


def _keep(store: Store, rows: list[Any]) -> None:
    writers = [ObservationIds(node=3, writer=number) for number in range(3)]
    for number, (stream, offset, (value, text), quality, feature, *others, lag) in enumerate(rows):
        ((key, _),) = writers[number % 3].reserve(1, now_us=START_US + offset + lag)
        result_time, end, since, until, result_quality, parameters = others
        store.run(
            _INSERT, stream, from_us(START_US + offset), key, value, quality, feature,
            result_time, end, text, since, until, result_quality, parameters,
        )  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_readings, own=st.booleans())
def test_a_packed_day_gives_back_every_bit_of_every_reading(store: Store, rows: list[Any], *, own: bool) -> None:
    store.run("TRUNCATE sense_observation, sense_packedday, sense_packedid, sense_closedday")
    if own and not store.rows("SELECT to_regclass('sense_observation_20260904')")[0][0]:
        store.make_day(DAY)
    _keep(store, rows)
    before = store.readings()
    closed = close_day(store.dsn, DAY)
    assert (closed.packed, closed.left) == (len(rows), 0)
    assert store.count("sense_observation") == 0
    assert store.readings() == before
    for key, stream in store.rows("SELECT id, datastream_id FROM sense_reading"):
        assert store.rows("SELECT * FROM sense_packed_place(%s)", key) == [(stream, from_us(START_US).date())]


_MANY = """
    INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)
    SELECT s, %s::timestamptz + m * interval '1 minute', 4000000000000000 + m * 1000 + s, m / 8.0, 1
    FROM generate_series(0, 1439) m, generate_series(1, 40) s
"""
_CLOSE = """
import sys
from cityloop.sense.stream.archive import closing
closing.PART_READINGS_MAX = 1440
closing.close_day(sys.argv[1], int(sys.argv[2]), on_part=lambda n: print(n, flush=True))
"""


def _closing(store: Store) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _CLOSE, store.dsn, str(DAY)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603  our own program


def test_a_kill_in_the_middle_of_packing_loses_and_doubles_nothing(store: Store) -> None:
    store.make_day(DAY)
    store.run(_MANY, from_us(START_US))
    before = store.readings()
    for parts in (3, 9):
        process = _closing(store)
        assert process.stdout is not None
        for _ in range(parts):
            process.stdout.readline()
        process.kill()
        process.wait(30)
        process.stdout.close()
        assert store.readings() == before
    assert 0 < store.count("sense_observation") < len(before)
    closed = close_day(store.dsn, DAY)
    assert (closed.left, closed.dropped) == (0, True)
    assert (store.count("sense_observation"), store.readings() == before) == (0, True)
    for key, stream in store.rows("SELECT id, datastream_id FROM sense_reading ORDER BY random() LIMIT 50"):
        assert (stream, from_us(START_US).date()) in store.rows("SELECT * FROM sense_packed_place(%s)", key)


_LATE = """
    INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id) VALUES (%s, %s, 9, 1, 1)
"""


def test_what_comes_while_a_day_is_packed_stays_and_is_merged_the_next_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.run(_MANY, from_us(START_US))
    arrived: list[int] = []

    def arrive(readings: int) -> None:
        if not arrived:
            for stream in (1, 40):
                store.run(_LATE, stream, from_us(START_US + 1))
        arrived.append(readings)

    monkeypatch.setattr("cityloop.sense.stream.archive.closing.PART_READINGS_MAX", 5000)
    close_day(store.dsn, DAY, on_part=arrive)
    assert (sum(arrived), store.count("sense_observation"), store.count("sense_reading")) == (57_600, 2, 57_602)
    before = store.readings()
    assert close_day(store.dsn, DAY).packed == 2
    assert (store.count("sense_observation"), store.readings() == before) == (0, True)


def test_a_part_whose_reading_is_changed_meanwhile_stays_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.run(_MANY, from_us(START_US))
    changed: list[int] = []

    def change(_: int) -> None:
        if not changed:
            store.run("UPDATE sense_observation SET result = -1 WHERE datastream_id = 40 AND id = 4000000000000040")
        changed.append(1)

    monkeypatch.setattr("cityloop.sense.stream.archive.closing.PART_READINGS_MAX", 1440)
    closed = close_day(store.dsn, DAY, on_part=change)
    assert (closed.left, store.count("sense_observation")) == (1440, 1440)
    assert close_day(store.dsn, DAY).left == 0
    changed_to = store.rows("SELECT result FROM sense_reading WHERE id = 4000000000000040 AND datastream_id = 40")
    assert changed_to == [(-1.0,)]
