"""Whatever a client writes, a filter is read or refused; times are read alike one by one and in columns."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.sense.stream.sta.changes import patched
from cityloop.sense.stream.sta.names import BY_COLLECTION
from cityloop.sense.stream.sta.options import read_options
from cityloop.sense.stream.sta.paths import read_path
from cityloop.sense.stream.sta.reading import plan_of
from cityloop.sense.stream.sta.times import column_us, duration_us, instant_us, interval_us, text_of

WORDS = [
    "name",
    "result",
    "phenomenonTime",
    "Datastreams/name",
    "Thing/Locations/location",
    "properties/a/0",
    "id",
    "eq",
    "ne",
    "gt",
    "and",
    "or",
    "not",
    "add",
    "div",
    "mod",
    "in",
    "(",
    ")",
    ",",
    "'text'",
    "''",
    "1",
    "-2.5",
    "1e9",
    "null",
    "true",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z/P1D",
    "2026-01-01",
    "12:30:00",
    "duration'PT1H'",
    "geography'POINT(1 2)'",
    "geo.distance(",
    "st_within(",
    "substringof(",
    "year(",
    "now()",
    "length(",
    "before(",
    "'",
    "%",
    "$",
    "\\",
    "\0",
    "值",
]


def is_answered(read: Callable[[], object], *statuses: int) -> bool:
    """Return whether something is read, or refused with one of the statuses."""
    try:
        read()
    except CityloopError as error:
        return error.status in statuses
    return True


COLLECTIONS = st.sampled_from(sorted(BY_COLLECTION))


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    COLLECTIONS,
    st.sampled_from(["filter", "orderby", "expand", "select"]),
)
def test_any_row_of_words_is_read_or_refused(text: str, collection: str, option: str) -> None:
    quoted = text.replace("%", "%25").replace("&", "%26").replace("#", "%23")
    assert is_answered(lambda: plan_of.__wrapped__(collection, f"${option}={quoted}", 100, 1000), 400, 404, 501)


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60), COLLECTIONS)
def test_any_text_is_read_or_refused(text: str, collection: str) -> None:
    for query in (f"$filter={text}", f"$expand={text}", f"$orderby={text}", text):
        assert is_answered(partial(plan_of.__wrapped__, collection, query, 100, 1000), 400, 501)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="Thingsames()/1'$refvalu%\0", max_size=40))
def test_any_path_is_read_or_refused(path: str) -> None:
    assert is_answered(lambda: read_path(path), 400, 404)


@given(st.text(max_size=30).filter(lambda text: "\0" not in text))
def test_a_text_of_a_filter_travels_as_a_value_and_never_in_the_statement(text: str) -> None:
    marked = f"needle{text}needle"
    quoted = "".join(f"%{byte:02X}" for byte in marked.replace("'", "''").encode("utf-8", "surrogatepass"))
    _, plan = plan_of.__wrapped__("Things", f"$filter=name%20eq%20'{quoted}'", 100, 1000)
    assert "needle" not in plan.sql
    if text.isprintable() and text.isascii():
        assert marked in plan.statement.parameters.values


@pytest.mark.parametrize(
    "chain", [" or ".join(["1 eq 1"] * 500), "not " * 500 + "true", "(" * 500, "1 add " * 500 + "1", "-" * 500]
)
def test_what_is_too_deep_or_too_long_is_refused_in_words(chain: str) -> None:
    with pytest.raises(CityloopError):
        read_options(f"$filter={chain}", page_size=100, page_max=1000)


YEARS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001  the zone is added


@given(YEARS, st.integers(-720, 720))
def test_an_instant_comes_back_as_it_was(moment: datetime, offset_min: int) -> None:
    us = to_us(moment.replace(tzinfo=UTC))
    assert instant_us(text_of(us)) == us
    sign, hours, minutes = "-" if offset_min < 0 else "+", abs(offset_min) // 60, abs(offset_min) % 60
    local = f"{moment.isoformat(timespec='microseconds')}{sign}{hours:02}:{minutes:02}"
    assert instant_us(local) == us - offset_min * 60_000_000


@given(st.lists(YEARS, min_size=8, max_size=30), st.booleans())
def test_a_column_of_times_is_read_as_each_alone(moments: list[datetime], milli: bool) -> None:  # noqa: FBT001  drawn
    texts = [moment.isoformat(timespec="milliseconds" if milli else "seconds") + "Z" for moment in moments]
    column = column_us(texts)
    assert column is not None
    assert np.array_equal(column, [instant_us(text) for text in texts])


@given(st.lists(st.text(alphabet="0123456789-T:Z.", min_size=20, max_size=20), min_size=8, max_size=8))
def test_a_column_of_no_times_is_left_to_the_careful_way(texts: list[str]) -> None:
    column = column_us(texts)
    if column is not None:
        assert np.array_equal(column, [instant_us(text) for text in texts])


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "",
        "x",
        "P1D",
        "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the text itself is the message
        interval_us(text)


def test_durations_are_nominal() -> None:
    assert duration_us("P1DT2H3M4.5S") == ((26 * 60 + 3) * 60 + 4.5) * 1e6
    assert duration_us("-P1W") == -7 * 86_400_000_000
    assert interval_us("P1D/2026-01-02T00:00:00Z") == interval_us("2026-01-01T00:00:00Z/2026-01-02T00:00:00Z")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["op", "path", "value", "from"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_json_patch_is_applied_or_refused(operations: object) -> None:
    assert is_answered(lambda: patched({"name": "x", "list": [1]}, operations), 400)
