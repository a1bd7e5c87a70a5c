"""The compiled watches judge exactly as a plain loop would."""

import math
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide.rules import HOURS_OF_WEEK, Ladder, change_per_minute, hour_of_week
from cityloop.decide.stream import NO_TIME, Compiled, WatchOnStream
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import to_us
from cityloop.kernel.levels import Level

MEAN = np.where(np.arange(HOURS_OF_WEEK) % 3 == 0, np.nan, np.arange(HOURS_OF_WEEK) / 10)
DEVIATION = np.where(np.arange(HOURS_OF_WEEK) % 3 == 0, np.nan, 2.0)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    kind = draw(st.sampled_from([WatchKind.HIGH, WatchKind.LOW, WatchKind.RATE, WatchKind.BASELINE]))
    levels = sorted(draw(st.sets(st.sampled_from(list(Level)), min_size=1)), reverse=True)
    size = st.floats(0.5, 20, allow_nan=False)
    scores = sorted(draw(st.lists(size, min_size=len(levels), max_size=len(levels))))
    limits = dict(zip(levels, scores, strict=True))
    if kind is WatchKind.LOW:
        limits = {level: -score for level, score in limits.items()}
    return Ladder.of(kind, limits=limits, hysteresis=draw(st.sampled_from([0.0, 0.3, 5.0])), hold_s=0)


@st.composite
def cities(draw: st.DrawFn) -> list[WatchOnStream]:
    pairs = draw(st.sets(st.tuples(st.integers(1, 5), st.integers(1, 4)), max_size=8))
    watches = []
    for stream, watch in sorted(pairs):
        ladder = draw(ladders())
        based = ladder.kind is WatchKind.BASELINE
        watches.append(WatchOnStream(watch, stream, ladder, MEAN if based else None, DEVIATION if based else None))
    return watches


READINGS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 10_000_000), st.floats(-25, 25) | st.just(math.nan)), max_size=30
)
PREVIOUS = st.dictionaries(st.integers(1, 6), st.tuples(st.integers(-100, 5_000_000), st.floats(-25, 25)))


def model(watches, readings, previous, known):  # noqa: ANN001, ANN201  the plain reference
    bands, changes = dict(known), []
    for watch in sorted(watches, key=lambda w: (w.datastream_id, w.watch_id)):
        key, before = (watch.datastream_id, watch.watch_id), previous.get(watch.datastream_id)
        for row, (stream, at_s, value) in enumerate(readings):
            if stream != watch.datastream_id:
                continue
            judged = value
            if watch.ladder.kind is WatchKind.RATE:
                judged = math.nan
                if before is not None:
                    judged = change_per_minute(
                        value, at_s * 1_000_000, previous=before[1], previous_us=before[0] * 1_000_000
                    )
                before = (at_s, value)
            if watch.ladder.kind is WatchKind.BASELINE:
                hour = int(hour_of_week(np.array([at_s * 1_000_000]))[0])
                judged = (value - MEAN[hour]) / DEVIATION[hour]
            if math.isnan(judged):
                continue
            band = sum(edge <= watch.ladder.score(judged) for edge in watch.ladder.edges())
            if band != bands.get(key, 0):
                changes.append((key, row, bands.get(key, 0), band))
            bands[key] = band
    return changes


@given(cities(), READINGS, PREVIOUS, st.data())
def test_compiled_watches_judge_as_a_plain_loop_does(watches, readings, previous, data) -> None:  # noqa: ANN001
    readings = sorted({(stream, at_s): value for stream, at_s, value in readings}.items())
    readings = [(stream, at_s, value) for (stream, at_s), value in readings]
    compiled = Compiled(watches)
    known = {(w.datastream_id, w.watch_id): data.draw(st.integers(-1, 3)) for w in watches}
    streams = np.array([r[0] for r in readings], dtype=np.int64)
    at_us = np.array([r[1] * 1_000_000 for r in readings], dtype=np.int64)
    values = np.array([r[2] for r in readings], dtype=np.float64)
    before = [previous.get(r[0], (None, math.nan)) for r in readings]
    previous_us = np.array([NO_TIME if b[0] is None else b[0] * 1_000_000 for b in before], dtype=np.int64)
    previous_value = np.array([b[1] for b in before], dtype=np.float64)
    watched = np.flatnonzero(compiled.watched(streams))
    judged = compiled.judge(
        streams[watched],
        at_us[watched],
        values[watched],
        previous_us=previous_us[watched],
        previous_value=previous_value[watched],
    )
    bands = np.array(
        [known[s, w] for s, w in zip(compiled.datastream_id.tolist(), compiled.watch_id.tolist(), strict=True)],
        dtype=np.int64,
    )
    changed, was = judged.changes(bands)
    found = [
        (
            (int(compiled.datastream_id[judged.entry[n]]), int(compiled.watch_id[judged.entry[n]])),
            int(watched[judged.row[n]]),
            int(was[n]),
            int(judged.band[n]),
        )
        for n in np.flatnonzero(changed)
    ]
    assert found == model(watches, readings, previous, known)


def test_the_hour_of_the_week_is_the_citys() -> None:
    monday_midnight = datetime(2026, 11, 22, 16, tzinfo=UTC)
    sunday_evening = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    hours = hour_of_week(np.array([to_us(monday_midnight), to_us(sunday_evening)], dtype=np.int64))
    assert hours.tolist() == [0, HOURS_OF_WEEK - 1]


def test_nobody_watches_in_an_empty_city() -> None:
    assert not Compiled([]).watched(np.array([1, 2], dtype=np.int64)).any()


@given(cities())
def test_a_watch_on_a_stream_is_found_where_it_stands(found: list[WatchOnStream]) -> None:
    compiled = Compiled(found)
    for entry in found:
        row = compiled.entry_of(entry.datastream_id, entry.watch_id)
        assert row is not None
        assert (compiled.datastream_id[row], compiled.watch_id[row]) == (entry.datastream_id, entry.watch_id)
    assert compiled.entry_of(10**9, 1) is None
    assert compiled.entry_of(1, 10**9) is None
