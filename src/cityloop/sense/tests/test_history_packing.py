"""The binary formats say what PostgreSQL's own says."""

import numpy as np
import psycopg
import pytest
from django.db import connection as django_connection
from hypothesis import given
from hypothesis import strategies as st

from cityloop.sense.models import Observation
from cityloop.sense.stream.history.arrays import float8_array, int8_array, register_arrays, timestamp_array
from cityloop.sense.stream.history.duplicates import duplicates, folded
from cityloop.sense.stream.history.packing import COLUMNS, OTHER_COLUMNS

pytestmark = pytest.mark.django_db


def test_copy_writes_the_columns_the_model_has() -> None:
    columns = {field.column for field in Observation._meta.local_concrete_fields}
    assert set(COLUMNS + OTHER_COLUMNS) == columns


@pytest.mark.parametrize("count", [0, 1, 3])
def test_packed_arrays_are_read_as_what_they_were(count: int, db: None) -> None:  # noqa: ARG001  the server runs
    settings = django_connection.settings_dict
    whole, numbers = np.arange(count) * 10**17 - 5, np.arange(count) * 0.1
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
    ) as connection:
        register_arrays(connection.adapters)
        row = connection.execute(
            "SELECT %s, %s, (SELECT array_agg((extract(epoch FROM t) * 1000000)::bigint) FROM unnest(%s) t)",
            (int8_array(whole), float8_array(numbers), timestamp_array(np.arange(count) * 10**14)),
        ).fetchone()
    assert row == (whole.tolist(), numbers.tolist(), (np.arange(count) * 10**14).tolist() or None)


ROW = st.tuples(st.integers(1, 3), st.integers(0, 3), st.booleans())


@given(st.lists(ROW, max_size=12), st.sets(st.tuples(st.integers(1, 3), st.integers(0, 3))))
def test_folding_keeps_what_keeping_one_by_one_would(
    rows: list[tuple[int, int, bool]], stored: set[tuple[int, int]]
) -> None:
    stream, time = (np.array([row[n] for row in rows], dtype=np.int64) for n in (0, 1))
    idempotent = np.array([row[2] for row in rows], dtype=np.bool_)
    grouping = folded(np.arange(len(rows)), datastream_id=stream, phenomenon_us=time)
    known = np.array([(stream[row], time[row]) in stored for row in grouping.first], dtype=np.bool_)
    again = duplicates(grouping, idempotent=idempotent, known=known)
    expected, seen = set(), set(stored)
    for number, (one, at, same) in enumerate(rows):
        if same and (one, at) in seen:
            expected.add(number)
        seen.add((one, at))
    assert set(grouping.order[again].tolist()) == expected
