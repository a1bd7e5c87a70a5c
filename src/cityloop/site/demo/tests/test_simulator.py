"""The seeded city is the same everywhere, and behaves as the domain reference says."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloop.kernel.instants import to_us
from cityloop.projects.lifelines.project import PROJECT
from cityloop.site.demo import simulator
from cityloop.site.demo.simulator import DAY_US, HOUR_US, SimulatedTrack

JANUARY = to_us(datetime(2026, 1, 12, tzinfo=UTC)) // DAY_US * DAY_US - 8 * HOUR_US
JULY = to_us(datetime(2026, 7, 13, tzinfo=UTC)) // DAY_US * DAY_US - 8 * HOUR_US
POINTS = sorted(stream.thing.removeprefix("water.") for stream in PROJECT.streams if stream.code.endswith(".pressure"))


def hours(start_us: int, days: int = 7) -> np.ndarray:
    return np.arange(start_us, start_us + days * DAY_US, HOUR_US, dtype=np.int64)


def track(seed: int = 1) -> SimulatedTrack:
    return SimulatedTrack(PROJECT.streams, seed)


def test_the_simulator_knows_every_stream_of_the_lifelines() -> None:
    rules = {spec.code: simulator.rule_of(spec.code, seed=1, points=POINTS) for spec in PROJECT.streams}
    assert [code for code, rule in rules.items() if rule is None] == []
    assert simulator.rule_of("gas.gate.flow", seed=1, points=POINTS) is None


@given(seed=st.integers(0, 1000), start=st.integers(0, 4 * 10**15), cut=st.integers(1, 3599))
@settings(max_examples=30, deadline=None)
def test_a_span_cut_in_two_yields_the_same_readings(seed: int, start: int, cut: int) -> None:
    end = start + HOUR_US
    whole = track(seed).between(start, end, shift=0)
    first = track(seed).between(start, start + cut * 1_000_000, shift=0)
    second = track(seed).between(start + cut * 1_000_000, end, shift=0)
    assert whole.time_us.tolist() == [*first.time_us.tolist(), *second.time_us.tolist()]
    assert whole.value.tolist() == [*first.value.tolist(), *second.value.tolist()]
    assert np.isfinite(whole.value).all()


def test_another_seed_is_another_city() -> None:
    ours, theirs = (track(seed).between(JANUARY, JANUARY + HOUR_US, shift=0).value for seed in (1, 2))
    assert ours.tolist() != theirs.tolist()


def test_the_readings_of_a_moment_never_change() -> None:
    code = "power.grid.load"
    rule = simulator.rule_of(code, seed=2012, points=POINTS)
    assert np.round(rule(np.array([JANUARY, JULY])), 1).tolist() == [5412.4, 4737.9]


def test_water_peaks_in_the_hour_from_eight_as_on_the_record_day() -> None:
    inflow = simulator.zone_inflow_lps(hours(JULY), seed=1, zone="5").reshape(7, 24)
    assert (inflow.argmax(axis=1) == 8).all()
    assert inflow.max() / inflow.mean() == pytest.approx(172_000 * 24 / 3_040_000, rel=0.05)
    assert np.mean(simulator.WATER_SHAPE) == pytest.approx(1, abs=0.01)


def test_heat_follows_the_cold_and_rests_in_summer() -> None:
    cold, warm = (
        simulator.heat_reading(hours(start), seed=1, substation="l4", point="power") for start in (JANUARY, JULY)
    )
    outside = simulator.heat_reading(hours(JANUARY), seed=1, substation="l4", point="outdoor")
    assert np.corrcoef(cold, outside)[0, 1] < -0.9
    assert warm.max() == 0
    supply, back = (
        simulator.heat_reading(hours(JANUARY), seed=1, substation="l4", point=point)
        for point in ("supply-secondary", "return-secondary")
    )
    assert (supply > back).all()
    assert 35 < supply.mean() < 60


def test_the_grid_draws_less_at_the_weekend_and_at_night() -> None:
    load = simulator.grid_load_mw(hours(JANUARY), seed=1).reshape(7, 24)
    assert load[5:].mean() < load[:5].mean()
    assert load[:, 3].mean() < load[:, 18].mean() * 0.8
    assert 4000 < load.min() < load.max() < 9000


def test_pressure_is_lower_when_the_city_draws_and_falls_in_an_incident_only() -> None:
    times = np.arange(JANUARY, JANUARY + 30 * DAY_US, 60_000_000, dtype=np.int64)
    calm, low = [], 0
    for point in POINTS:
        pressure = simulator.network_pressure_mpa(times, seed=1, point=point, points=POINTS)
        depth = simulator.incident_depth_mpa(times, seed=1, point=point, points=POINTS)
        calm.append((pressure[depth == 0].min(), pressure[depth == 0].max()))
        low += int((pressure < 0.10).any())
    assert min(lowest for lowest, _ in calm) > 0.20
    assert max(highest for _, highest in calm) < 0.55
    assert low > 0


def test_an_incident_hits_one_district_at_a_time() -> None:
    times = np.arange(JANUARY, JANUARY + 3 * DAY_US, 60_000_000, dtype=np.int64)
    hit = np.array([simulator.incident_depth_mpa(times, seed=1, point=point, points=POINTS) > 0 for point in POINTS])
    assert hit.sum(axis=0).max() == 1
    assert hit.any(axis=1).sum() > 3


def test_the_far_past_is_coarse_and_the_last_day_is_dense() -> None:
    specs = PROJECT.streams_matching(("water.point-110101.*",))
    city = SimulatedTrack(specs, 1, dense_after_us=JANUARY)
    times = city.between(JANUARY - HOUR_US, JANUARY + HOUR_US, shift=0).time_us
    assert (times <= JANUARY).sum() == 12
    assert (times > JANUARY).sum() == 720
    assert city.next_after(JANUARY, shift=0) == JANUARY + 5_000_000
    assert city.shift_for(JANUARY) == 0


def test_haze_comes_in_spells_and_air_is_cold_in_january() -> None:
    dust = simulator.fine_particles(hours(JANUARY, 60), seed=1, place="dongsi")
    assert 3 <= dust.min() < 60 < dust.max() <= 500
    winter, summer = (simulator.air_temperature_c(hours(start), seed=1).mean() for start in (JANUARY, JULY))
    assert -9 < winter < 3
    assert 22 < summer < 32


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_demo_opens_with_an_incident_at_one_point_that_passes(hour: int) -> None:
    opening_us = JANUARY + hour * HOUR_US
    pressures = tuple(spec for spec in PROJECT.streams if spec.code.endswith(".pressure"))
    until_us = opening_us + int(simulator.OPENING_S * 1e6) + 60_000_000
    played, usual = (
        SimulatedTrack(pressures, 2012, opening_us=opening).between(opening_us - 60_000_000, until_us, shift=0)
        for opening in (opening_us, 0)
    )
    hit = np.flatnonzero((played.value < 0.10) & (usual.value >= 0.10))
    (point,) = {pressures[number].code for number in played.stream[hit]}
    assert point == f"water.{simulator.opening_point(POINTS, seed=2012)}.pressure"
    assert played.value.min() > 0.0
    since_s = (played.time_us[hit] - opening_us) / 1e6
    assert 10 <= since_s.min() <= 30
    assert since_s.max() < simulator.OPENING_S


TOLD = tuple(spec for spec in PROJECT.streams if ".dispatch." in spec.code)


def test_what_dispatchers_tell_comes_once_a_day_at_the_citys_midnight() -> None:
    played = SimulatedTrack(TOLD, seed=1)
    found = played.between(JANUARY, JANUARY + 3 * DAY_US, shift=0)
    assert set(found.time_us.tolist()) == {JANUARY + day * DAY_US for day in (1, 2, 3)}
    assert len(found.time_us) == 3 * len(TOLD)
    assert played.next_after(JANUARY, shift=0) == JANUARY + DAY_US
    assert played.next_after(JANUARY - 1, shift=0) == JANUARY
    assert (found.value > 0).all()


def test_a_group_without_pressure_points_plays_when_an_opening_is_planned() -> None:
    gas = tuple(spec for spec in PROJECT.streams if spec.code.startswith("gas."))
    plain, opening = (
        SimulatedTrack(gas, 1, opening_us=at).between(JANUARY, JANUARY + DAY_US, shift=0) for at in (0, JANUARY)
    )
    assert plain.value.tolist() == opening.value.tolist()


def test_the_simulated_lines_hold_on_a_usual_winter_day() -> None:
    def of(code: str) -> np.ndarray:
        rule = simulator.rule_of(code, seed=1, points=POINTS)
        assert rule is not None
        return rule(hours(JANUARY, days=30)).reshape(30, 24)

    used = of("gas.city.flow").sum(axis=1)
    supply = sum(of(f"gas.dispatch.{told}")[:, 0] for told in ("nominated", "withdrawal", "own"))
    assert (supply > used).all()
    assert 2500 < used.mean() < 6000
    assert (of("gas.city.linepack") > of("gas.dispatch.linepack-min")).all()
