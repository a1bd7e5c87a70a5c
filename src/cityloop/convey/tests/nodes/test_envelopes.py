"""What travels between nodes comes out as it went in, whatever it is; garbage is refused and harms nobody."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.nodes.envelope import (
    LAYOUT,
    ROW_READINGS_MAX,
    Answer,
    EnvelopeUnreadableError,
    Request,
    Row,
    Status,
    answer_of,
    encoded,
    packed,
    request_of,
    unpacked,
)
from cityloop.sense.stream.readings import NO_TIME, OtherParts, Readings

INT64 = st.integers(-(2**63), 2**63 - 1)
PARTS = st.builds(
    OtherParts,
    result_json=st.none() | st.binary(max_size=20),
    phenomenon_end_us=st.none() | INT64,
    parameters_json=st.none() | st.binary(max_size=20),
)


@st.composite
def batches(draw: st.DrawFn) -> Readings:
    count = draw(st.integers(0, 20))

    def column(values: st.SearchStrategy[object], kind: type) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=count, max_size=count)), dtype=kind)

    rows = st.integers(0, max(0, count - 1))
    return Readings(
        datastream_id=column(INT64, np.int64),
        phenomenon_us=column(INT64, np.int64),
        result=column(st.floats(), np.float64),
        quality=column(st.integers(0, 255), np.uint8),
        result_us=column(st.just(NO_TIME) | INT64, np.int64),
        feature_id=np.zeros(count, dtype=np.int64),
        received_us=0,
        others=draw(st.dictionaries(rows, PARTS, max_size=5)) if count else {},
    )


@given(batches())
def test_readings_come_out_as_they_went_in(readings: Readings) -> None:
    out = [unpacked(payload, node=5, received_us=7) for _, payload in packed(readings, np.arange(len(readings)))]
    assert sum(len(one) for one in out) == len(readings)
    for one in out:
        for name in ("datastream_id", "phenomenon_us", "quality", "result_us"):
            assert getattr(one, name).tolist() == getattr(readings, name).tolist()
        assert one.result.tobytes() == readings.result.tobytes()
        assert one.received_us == 7
        assert one.others == readings.others


def test_only_the_rows_that_are_new_travel_and_none_are_too_many() -> None:
    count = ROW_READINGS_MAX + 10
    numbers = np.arange(count, dtype=np.int64)
    zeros = np.zeros(count, dtype=np.int64)
    readings = Readings(numbers, zeros, numbers.astype(float), zeros.astype(np.uint8), zeros, zeros, 0)
    parts = list(packed(readings, numbers[5:]))
    assert [size for size, _ in parts] == [ROW_READINGS_MAX, 5]
    assert unpacked(parts[0][1], node=1, received_us=0).datastream_id[0] == 5


@given(st.binary(max_size=200))
def test_garbage_is_refused_with_one_error(data: bytes) -> None:
    for read in (request_of, answer_of, lambda given, node: unpacked(given, node=node, received_us=0)):
        with contextlib.suppress(EnvelopeUnreadableError):
            read(data, node=5)


def test_a_request_comes_out_as_it_went_in_and_a_newer_layout_is_refused() -> None:
    request = Request(5, "a", 3, Status("0.1", 1, 2, 3, None), [Row(4, "readings", 9, b"x")])
    assert request_of(encoded(request), node=5) == request
    newer = Request(5, "a", 3, Status("0.1", 1), [], LAYOUT + 1)
    with pytest.raises(EnvelopeUnreadableError):
        request_of(encoded(newer), node=5)
    assert answer_of(encoded(Answer(through=4)), node=0).through == 4


def test_columns_of_different_length_are_refused() -> None:
    zeros = np.zeros(2, dtype=np.int64)
    readings = Readings(zeros, zeros, zeros.astype(float), zeros.astype(np.uint8), zeros, zeros, 0)
    (_, payload), *_ = packed(readings, np.arange(2))
    broken = payload.replace(b"\x02", b"\x01", 1)
    with pytest.raises(EnvelopeUnreadableError):
        unpacked(broken, node=5, received_us=0)
