"""The vocabulary all rooms share."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel import areas, instants, levels, observation_ids
from cityloop.kernel.declarations import matches
from cityloop.kernel.errors import CityloopError, InvalidFieldError, NotFoundError
from cityloop.kernel.facts import Ref, RefKind, fact_kind, new_fact_id, registered_facts
from cityloop.kernel.facts.sensed import ReadingsKept
from cityloop.kernel.text import Text

DIGITS = st.text("0123456789", min_size=1, max_size=16)
CODES = st.sampled_from([6, 9, 12, 15]).flatmap(lambda n: st.text("123456789", min_size=n, max_size=n))


@given(DIGITS)
def test_a_place_code_has_6_9_12_or_15_digits(text: str) -> None:
    if len(text) in {6, 9, 12, 15}:
        assert areas.area_code(text) == text
    else:
        with pytest.raises(ValueError, match="place code"):
            areas.area_code(text)


@pytest.mark.parametrize("text", ["11010a", "１１０１０１", "", "110101 "])
def test_a_place_code_is_ascii_digits_only(text: str) -> None:
    with pytest.raises(ValueError, match="place code"):
        areas.area_code(text)


@given(CODES.map(areas.AreaCode))
def test_every_area_lies_within_its_parent_and_its_district(code: areas.AreaCode) -> None:
    parent = areas.parent_of(code)
    assert parent is not None
    assert areas.lies_within(code, parent)
    assert areas.lies_within(code, areas.district_of(code))
    assert areas.level_of(parent) == areas.level_of(code) - 1


def test_the_city_has_no_parent_and_holds_its_districts_only() -> None:
    assert areas.parent_of(areas.CITY) is None
    assert areas.level_of(areas.CITY) is areas.AreaLevel.CITY
    assert areas.lies_within(areas.AreaCode("110101"), areas.CITY)
    assert not areas.lies_within(areas.AreaCode("310101"), areas.CITY)
    assert not areas.lies_within(areas.CITY, areas.AreaCode("110101"))


@given(st.sampled_from(levels.Level), st.sampled_from(levels.Level))
def test_red_is_the_gravest_level(one: levels.Level, other: levels.Level) -> None:
    assert one.is_graver_than(other) == (one.value < other.value)
    assert one.is_graver_than(None)


def test_a_level_has_its_words() -> None:
    red = levels.Level.RED
    assert (red.roman, red.colour.en, red.colour.zh, red.grade.zh, red.cap_severity) == (
        "I",
        "red",
        "红",
        "特别重大",
        "Extreme",
    )


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001  hypothesis wants naive bounds
def test_an_instant_survives_as_microseconds(instant: datetime) -> None:
    assert instants.from_us(instants.to_us(instant)) == instant


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        instants.to_us(datetime(2026, 1, 1))  # noqa: DTZ001  that is the point


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(-3_000_000, 3_000_000)), max_size=12))
def test_observation_ids_rise_strictly_even_when_the_clock_goes_back(steps: list[tuple[int, int]]) -> None:
    source, now_us, last = observation_ids.ObservationIds(node=3, writer=2), 1_790_000_000_000_000, -1
    for count, jump_us in steps:
        now_us += jump_us
        runs = source.reserve(count, now_us=now_us)
        assert sum(length for _, length in runs) == count
        for first, length in runs:
            assert first > last
            last = first + length - 1
            assert observation_ids.node_of(last) == 3
            assert 0 < last < 2**63


def test_an_observation_id_tells_when_it_was_ingested() -> None:
    now_us = instants.to_us(datetime(2026, 11, 22, 4, 5, 6, 789_000, tzinfo=UTC))
    ((first, _),) = observation_ids.ObservationIds(node=0, writer=0).reserve(1, now_us=now_us)
    assert observation_ids.ingested_at_us(first) == now_us
    low, beyond = observation_ids.id_range(from_us=now_us, until_us=now_us + 1000)
    assert low <= first < beyond


@given(st.integers(0, 63), st.integers(0, 31), st.integers(0, 63), st.integers(0, 31))
def test_two_writers_never_give_the_same_id(node: int, writer: int, other_node: int, other_writer: int) -> None:
    ids = [
        observation_ids.ObservationIds(node=n, writer=w).reserve(1, now_us=1_790_000_000_000_000)[0][0]
        for n, w in ((node, writer), (other_node, other_writer))
    ]
    assert (ids[0] == ids[1]) == ((node, writer) == (other_node, other_writer))


@pytest.mark.parametrize(("node", "writer"), [(64, 0), (-1, 0), (0, 32), (0, -1)])
def test_a_writer_beyond_its_range_is_refused(node: int, writer: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        observation_ids.ObservationIds(node=node, writer=writer)


def test_a_text_needs_both_languages() -> None:
    with pytest.raises(ValueError, match="both languages"):
        Text("水", " ")
    assert Text("水", "water").in_language("en-gb") == "water"
    assert Text("水", "water").in_language("zh-hans") == "水"


def test_an_error_says_its_sentence_and_its_field() -> None:
    assert str(CityloopError()) == "Something went wrong."
    assert str(NotFoundError(what="Case 7")) == "Case 7 was not found."
    error = InvalidFieldError("result", "must be a number")
    assert (error.field, str(error), error.status) == ("result", "result: must be a number", 400)


def test_a_reference_says_what_it_points_at() -> None:
    fact_id = new_fact_id()
    assert Ref.fact(fact_id) == Ref(RefKind.FACT, str(fact_id))
    assert Ref.observation(7).key == "7"
    assert Ref.aggregate("journal.facts", {"kind": "x"}, as_of="1:2").as_of == "1:2"


def test_a_kind_of_fact_is_known_by_its_stage_and_name() -> None:
    assert fact_kind(ReadingsKept) == "sensed.ReadingsKept"
    assert registered_facts()["sensed.ReadingsKept"] is ReadingsKept


@pytest.mark.parametrize(
    ("code", "pattern", "expected"),
    [
        ("water.a", "water.*", True),
        ("water.a", "water.a", True),
        ("water.ab", "water.a", False),
        ("heat", "water*", False),
    ],
)
def test_a_pattern_ends_in_a_star_or_is_exact(code: str, pattern: str, *, expected: bool) -> None:
    assert matches(code, pattern) is expected


def test_the_ids_of_a_later_moment_are_greater() -> None:
    now_us = 1_790_000_000_000_000
    one, other = observation_ids.ObservationIds(node=63, writer=31), observation_ids.ObservationIds(node=0, writer=0)
    ((early, _),) = one.reserve(1, now_us=now_us)
    ((late, _),) = other.reserve(1, now_us=now_us + timedelta(milliseconds=1) // timedelta(microseconds=1))
    assert late > early
