"""Baselines learnt piece by piece are those learnt at once, and faulty readings do not spoil them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.decide.rules import Moments, clipped, faded, merged, moments_of

SAMPLES = st.lists(st.floats(-1e4, 1e4), max_size=40)


@given(SAMPLES, SAMPLES, SAMPLES)
def test_pieces_merge_to_the_whole(first: list[float], second: list[float], third: list[float]) -> None:
    pieces = [moments_of(np.array(piece, dtype=float)) for piece in (first, second, third)]
    together = merged(merged(pieces[0], pieces[1]), pieces[2])
    whole = moments_of(np.array([*first, *second, *third], dtype=float))
    assert together.n == whole.n
    assert together.mean == pytest.approx(whole.mean, abs=1e-6)
    assert together.deviation == pytest.approx(whole.deviation, rel=1e-6, abs=1e-5)


def test_a_faulty_sensor_cannot_spoil_what_is_known() -> None:
    known = moments_of(np.array([10.0, 11.0, 9.0, 10.0, 10.5, 9.5]))
    kept = clipped(np.array([10.0, 99999.0]), known=known, known_min=4)
    assert kept.max() < known.mean + 6 * known.deviation
    assert kept[0] == 10.0


def test_while_little_is_known_the_samples_themselves_tell_what_is_faulty() -> None:
    kept = clipped(np.array([10.0, 11.0, 9.0, 10.2, 1e6]), known=Moments(), known_min=4)
    assert kept.max() < 30
    same = np.array([5.0, 5.0, 5.0])
    assert clipped(same, known=Moments(), known_min=4) is same
    assert len(clipped(np.array([]), known=Moments(), known_min=4)) == 0


@given(st.lists(st.floats(-100, 100), min_size=5, max_size=40))
def test_old_weeks_fade_without_changing_mean_and_spread(samples: list[float]) -> None:
    whole = moments_of(np.array(samples))
    less = faded(whole, n_max=4)
    assert less.n == 4
    assert less.mean == whole.mean
    assert less.deviation == pytest.approx(whole.deviation)
    assert faded(less, n_max=4) is less
