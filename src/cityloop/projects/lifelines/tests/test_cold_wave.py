"""The cold wave is made by rule from a seed, and the published figures are in it."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloop.projects.lifelines.rules.cold_wave import (
    EASED_AT,
    ESTIMATED_AT,
    FLOW,
    GATES,
    LINEPACK,
    LINEPACK_MIN,
    STREAMS,
    TEMPERATURE,
    PlayedReadings,
    cold_wave,
)
from cityloop.projects.lifelines.rules.estimate import Float64s, by_shares, similar_days

HOUR_US, CITY_HOURS = 3_600_000_000, 8
FOURTH, FIFTH, SIXTH = date(2010, 1, 4), date(2010, 1, 5), date(2010, 1, 6)
NEW_YEAR = date(2010, 1, 1)


def days_of(readings: PlayedReadings, code: str) -> Mapping[date, Float64s]:
    mine = readings.stream == STREAMS.index(code)
    day = (readings.at_us[mine] // HOUR_US + CITY_HOURS) // 24
    epoch = date(1970, 1, 1)
    return {epoch + timedelta(days=int(one)): readings.value[mine][day == one] for one in np.unique(day)}


@pytest.fixture(scope="module")
def played() -> PlayedReadings:
    return cold_wave()


def test_the_same_seed_makes_the_same_readings(played: PlayedReadings) -> None:
    again = cold_wave()
    assert np.array_equal(again.at_us, played.at_us)
    assert np.array_equal(again.value, played.value)
    assert not np.array_equal(cold_wave(1).value, played.value)


def test_the_readings_come_in_order_each_instant_once(played: PlayedReadings) -> None:
    assert (np.diff(played.at_us) >= 0).all()
    assert len({*zip(played.at_us.tolist(), played.stream.tolist(), strict=True)}) == len(played.at_us)
    assert np.isfinite(played.value).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_published_figures_come_out_of_every_seed(seed: int) -> None:
    readings = cold_wave(seed)
    flow, air = days_of(readings, FLOW), days_of(readings, TEMPERATURE)
    totals = {day: float(hours.sum()) for day, hours in flow.items()}
    before = {day: total for day, total in totals.items() if day < date(2009, 6, 1)}
    assert max(before.values()) == pytest.approx(4414, abs=0.1)
    assert totals[FOURTH] == pytest.approx(5300, abs=0.1)
    assert max(total for day, total in totals.items() if day < FIFTH) == totals[FOURTH]
    days = [FIFTH - timedelta(days=number) for number in range(60, 0, -1)]
    off = np.array([day.weekday() >= 5 or day == NEW_YEAR for day in days])
    chosen = similar_days(
        np.ones(len(days), bool), off, np.array([air[day].mean() for day in days]), off_today=False,
        today_c=float(air[FIFTH][:10].mean()),
    )  # fmt: skip
    estimate = by_shares(flow[FIFTH][:10], np.array([flow[days[place]] for place in chosen]))
    assert estimate is not None
    assert estimate.total == pytest.approx(5700, abs=6)
    assert estimate.low is not None
    assert estimate.low < 5700 < (estimate.high or 0)


def test_the_line_pack_falls_in_the_wave_and_comes_back(played: PlayedReadings) -> None:
    flow, held = days_of(played, FLOW), days_of(played, LINEPACK)
    gates = [days_of(played, gate) for gate in GATES]
    inflow = {day: sum(gate[day] for gate in gates) for day in (FIFTH, SIXTH)}
    assert held[FIFTH][9] < held[FOURTH][9] < held[FOURTH][0]
    assert held[FIFTH].min() > LINEPACK_MIN
    assert held[SIXTH][-1] > held[FIFTH][-1]
    assert held[SIXTH][5] - held[SIXTH][4] == pytest.approx(inflow[SIXTH][5] - flow[SIXTH][5], abs=0.01)
    hours = (held[FIFTH][9] - LINEPACK_MIN) / (flow[FIFTH][9] - inflow[FIFTH][9])
    assert 6 < hours < 12


def test_a_part_of_the_readings_is_cut_by_time(played: PlayedReadings) -> None:
    first, then, last = (
        played.between(None, ESTIMATED_AT), played.between(ESTIMATED_AT, EASED_AT), played.between(EASED_AT, None)
    )  # fmt: skip
    assert len(first.at_us) + len(then.at_us) + len(last.at_us) == len(played.at_us)
    assert len(then.at_us) == 4 * 6
    assert first.at_us[-1] < ESTIMATED_AT.timestamp() * 1e6 <= then.at_us[0]
