"""The detector never looks ahead, and the scoring does what the benchmark's published rules say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.anomalies import attacks_of, windowed_gaussian
from bench.detector import Detector
from bench.scoring import STANDARD, Judged, probation_of, score_at, scored, worth

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)


def scores(values: list[float], **more: int) -> list[float]:
    detector = Detector(**({"readings_a_day": 24} | more))
    return [detector.score(value) for value in values]


def file_of(*detected: int, rows: int = 1000, windows: tuple[tuple[int, int], ...] = ((500, 599),)) -> Judged:
    score = np.zeros(rows)
    score[list(detected)] = 1.0
    return Judged(score, windows)


@given(VALUES, st.lists(st.floats(-1e6, 1e6), max_size=50), st.integers(0, 30))
def test_what_comes_later_changes_no_score(values: list[float], later: list[float], a_day: int) -> None:
    assert scores(values + later, readings_a_day=a_day)[: len(values)] == scores(values, readings_a_day=a_day)


@given(VALUES, st.integers(1, 50))
def test_a_score_is_told_where_it_is_the_highest_of_the_last(values: list[float], quiet_for: int) -> None:
    strength = scores(values, quiet_for=1)
    for row, told in enumerate(scores(values, quiet_for=quiet_for)):
        before = strength[max(0, row - quiet_for + 1) : row]
        assert told == (strength[row] if strength[row] > max(before, default=-1.0) else 0.0)


@given(st.floats(-1e6, 1e6), st.integers(1, 300))
def test_what_never_changes_is_never_unusual(value: float, count: int) -> None:
    assert max(scores([value] * count)) == pytest.approx(0.0, abs=1e-3)


def test_a_spike_scores_above_all_before_it() -> None:
    values = np.random.default_rng(5).normal(10, 1, 600).tolist()
    found = scores([*values, 30.0])
    assert found[-1] > max(found[:-1])


def test_an_early_detection_is_worth_more_than_a_late_one() -> None:
    early, middle, late = (score_at([file_of(row)], 0.5, STANDARD) for row in (500, 550, 599))
    assert early == pytest.approx(1.0)
    assert early > middle > late > 0
    assert score_at([file_of(500, 520, 599)], 0.5, STANDARD) == pytest.approx(early)


def test_a_missed_window_and_a_false_alarm_cost_what_the_profile_says() -> None:
    assert score_at([file_of()], 0.5, STANDARD) == -1.0
    assert score_at([file_of(300)], 0.5, STANDARD) == pytest.approx(-1.11)
    near, far = (score_at([file_of(row)], 0.5, STANDARD) + 1.0 for row in (600, 999))
    assert -0.1101 < far < near < 0
    assert score_at([file_of(900, windows=())], 0.5, STANDARD) == pytest.approx(-0.11)


def test_nothing_is_scored_in_the_probation() -> None:
    assert probation_of(1000) == 150
    assert probation_of(100_000) == 750
    assert score_at([file_of(149)], 0.5, STANDARD) == -1.0


def test_places_are_worth_what_the_sigmoid_says() -> None:
    assert worth(0.0) == 0.0
    assert worth(-1.0) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    assert worth(3.1) == -1.0


def test_perfect_is_a_hundred_and_silence_is_nothing() -> None:
    perfect = scored([file_of(500), file_of(windows=(), rows=300)])
    assert (perfect.score, perfect.hits, perfect.windows, perfect.false_alarms) == (pytest.approx(100), 1, 1, 0)
    nothing = scored([file_of(rows=1000)])
    assert (nothing.score, nothing.hits, nothing.threshold) == (0.0, 0, math.inf)


@given(st.lists(st.integers(0, 999), min_size=1, max_size=30), st.integers(0, 10**6))
def test_no_threshold_is_better_than_the_one_that_is_found(rows: list[int], seed: int) -> None:
    score = np.zeros(1000)
    score[rows] = np.random.default_rng(seed).random(len(rows))
    files = [Judged(score, ((200, 260), (700, 799)))]
    found = scored(files)
    raw = max(-2.0, *(score_at(files, threshold, STANDARD) for threshold in score[rows] if threshold > 0))
    assert found.score == pytest.approx((raw + 2) / 4 * 100, abs=1e-6)


def test_the_baseline_of_the_benchmark_knows_its_tail() -> None:
    found = windowed_gaussian([], np.array([*np.random.default_rng(1).normal(0, 1, 500), 9.0, 0.0]))
    assert found[-2] > 0.999999
    assert found[0] == 0.0


def test_attacks_are_spans_of_flags() -> None:
    assert attacks_of(["0", "1", "1", "-999", "0", "1"]) == [(1, 2), (5, 5)]
