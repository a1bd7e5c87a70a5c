"""What the rules of the duty room promise."""

import importlib
import pkgutil
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.command.rules import chain, days, lights, lines, words
from cityloop.kernel import facts
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.facts import Ref, registered_facts
from cityloop.kernel.facts.commanded import ShiftHandedOver
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def _handover(area: str = "110105", at: datetime = NOON) -> ShiftHandedOver:
    return ShiftHandedOver(
        fact_id=uuid4(), happened_at=at, actor="person:1", area=AreaCode(area), handover_id=1, to="person:2",
        open_alarms=0, open_cases=0, note="",
    )  # fmt: skip


def test_the_lunar_date_names_month_day_and_the_solar_term_of_the_day() -> None:
    assert days.lunar_date(date(2026, 11, 22)) == Text("农历十月十四 小雪", "Lunar month 10, day 14 (Minor Snow)")


def test_a_leap_month_is_said_to_be_one() -> None:
    assert days.lunar_date(date(2025, 8, 1)) == Text("农历闰六月初八", "Lunar leap month 6, day 8")


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)))
def test_every_day_has_a_lunar_date_in_both_languages_and_earlier_days_fall_on_the_same_weekday(day: date) -> None:
    assert days.lunar_date(day).zh.startswith("农历")
    assert days.same_day_last_year(day).weekday() == day.weekday() == days.same_day_last_week(day).weekday()


def test_every_solar_term_has_an_english_name() -> None:
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert sum("(" in days.lunar_date(day).en for day in year) == 24


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0.001, 1000))
def test_a_mean_lies_between_its_streams_and_a_sum_is_the_mean_times_their_number(
    values: list[float], factor: float
) -> None:
    mean = lines.combined(values, "mean", factor=factor)
    total = lines.combined(values, "sum", factor=factor)
    assert min(values) * factor - 1e-3 <= mean <= max(values) * factor + 1e-3
    assert total == pytest.approx(mean * len(values), abs=1e-3)


def test_a_line_of_no_readings_is_absent_and_never_nought() -> None:
    assert lines.combined([], "sum", factor=1) is None
    assert lines.share_percent(0, 0) is None
    assert lines.change_percent(3, 0) is None
    assert lines.change_percent(None, 2) is None


def test_a_line_is_a_sum_or_a_mean() -> None:
    with pytest.raises(ValueError, match="median"):
        lines.combined([1.0], "median", factor=1)


def test_an_hour_with_too_few_streams_is_a_gap_in_the_curve() -> None:
    later = NOON + timedelta(hours=1)
    curve = lines.curve_of([(NOON, 1.0), (NOON, 3.0), (later, 2.0)], streams=2, how="sum", factor=10)
    assert curve == (lines.Point(NOON, 40.0), lines.Point(later, None))
    assert lines.last_known(curve) == lines.Point(NOON, 40.0)
    assert lines.value_at(curve, NOON) == 40.0
    assert lines.value_at(curve, NOON - timedelta(hours=1)) is None


def test_change_is_in_per_cent_of_the_earlier_value() -> None:
    assert lines.change_percent(110, 100) == pytest.approx(10)
    assert lines.change_percent(-90, -100) == pytest.approx(10)


def test_a_change_from_next_to_nought_is_told_in_the_unit_and_not_in_per_cent() -> None:
    assert lines.change_percent(0, 1.3, greatest=1200) is None
    assert lines.change_in_words(-41.3, None, unit="kW", decimals=0).en == "▼ 41 kW"
    assert lines.change_in_words(-0.3, None, unit="kW", decimals=0).zh == "持平"
    assert lines.change_in_words(0.4, 0.01, unit="m³/h", decimals=0).en == "no change"
    assert lines.change_in_words(18.4, 3.14, unit="m³/h", decimals=0).en == "▲ 3.1%"


def test_a_change_of_temperature_is_told_in_degrees() -> None:
    assert lines.change_in_words(-1.94, -60.2, unit="°C", decimals=1).en == "▼ 1.9 °C"


@given(st.floats(0, 1e9), st.floats(0.001, 1e9))
def test_the_share_that_arrived_is_never_above_the_whole(received: float, expected: float) -> None:
    assert 0 <= lines.share_percent(received, expected) <= 100


def test_a_light_follows_the_gravest_alarm_and_is_dark_without_data() -> None:
    assert lights.light_of(Level.ORANGE, has_data=True) is lights.Light.RED
    assert lights.light_of(Level.BLUE, has_data=False) is lights.Light.YELLOW
    assert lights.light_of(None, has_data=True) is lights.Light.GREEN
    assert lights.light_of(None, has_data=False) is lights.Light.DARK
    assert all(light.words.zh and light.words.en for light in lights.Light)


def test_every_kind_of_fact_and_every_field_has_its_words() -> None:
    for module in pkgutil.iter_modules(facts.__path__):
        importlib.import_module(f"{facts.__name__}.{module.name}")
    kinds = {name: kind for name, kind in registered_facts().items() if kind.__module__.startswith("cityloop.kernel")}
    shown = {name: kind for name, kind in kinds.items() if "._" not in name}
    assert shown.keys() <= words.FACT_TITLES.keys()
    for kind in shown.values():
        assert set(words.fields_of(kind)) <= words.FIELD_TITLES.keys()


def test_an_unknown_kind_or_field_is_shown_by_its_code() -> None:
    assert words.title_of("planned.Thing").en == "planned.Thing"
    assert words.field_title("moon").zh == "moon"


def test_an_aggregate_counts_what_fits_its_kind_area_and_time() -> None:
    asked = {"kind": "commanded.ShiftHandedOver", "area": "110000", "from": "2026-11-01T00:00:00+08:00",
             "until": "2026-12-01T00:00:00+08:00"}  # fmt: skip
    ref = Ref.aggregate("journal.facts", asked, as_of="7:1")
    assert chain.counts(ref, _handover())
    assert not chain.counts(ref, _handover(at=NOON + timedelta(days=30)))
    assert not chain.counts(ref, _handover(at=NOON - timedelta(days=30)))
    assert not chain.counts(Ref.aggregate("journal.facts", {**asked, "area": "110101"}, as_of=""), _handover())
    assert not chain.counts(Ref.aggregate("journal.facts", {**asked, "kind": "x.Y"}, as_of=""), _handover())
    assert not chain.counts(Ref.fact(uuid4()), _handover())


def test_an_aggregate_is_written_in_an_address_and_read_back() -> None:
    ref = Ref.aggregate("journal.facts", {"kind": "a.B", "area": "110101"}, as_of="7:1")
    address = chain.address_of(ref)
    assert address == "/trace/facts/?kind=a.B&area=110101&as_of=7%3A1"
    assert chain.aggregate_from({"kind": "a.B", "area": "110101", "as_of": "7:1"}) == ref
    assert chain.address_of(Ref.fact(uuid4())) == ""


@pytest.mark.parametrize("query", [{}, {"kind": "a.B", "from": "yesterday"}, {"kind": "a.B", "until": "2026-11-01"}])
def test_an_address_that_names_no_aggregate_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        chain.aggregate_from(query)
