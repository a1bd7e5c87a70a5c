"""Gradient-boosted trees under the absolute error: one model over all streams of a block, and one of each stream."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cityloop.decide.rules.forecasting.features import DAYS_MIN, Rows, learnable, pairs_of, rows_of
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, HOURS, Float64s, Past

if TYPE_CHECKING:
    import lightgbm

FAR = 8.0
"""Distances from the profile beyond this are learnt as this, in units of the stream's restlessness."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much time a model may cost.

    Attributes:
        rows_max: hours a stream's own model learns from.
        rounds: trees of a stream's own model.
        shared_rows_max: hours of each stream that the model of the block learns from.
        shared_rounds: trees of the block's model.
        leaves: of each tree.
        half_life_days: after how many days an hour counts half.
    """

    rows_max: int = 30_000
    rounds: int = 250
    shared_rows_max: int = 13_000
    shared_rounds: int = 300
    leaves: int = 31
    half_life_days: float = 180.0


FULL = Effort()
"""About three seconds a stream."""

LIGHT = Effort(rows_max=6_000, rounds=100, shared_rows_max=2_000, shared_rounds=150, leaves=15)
"""For thousands of streams."""


@dataclass(frozen=True, slots=True)
class Trees:
    """A model that has learnt.

    Attributes:
        booster: the trees.
        rows: how many hours it has learnt from.
    """

    booster: "lightgbm.Booster"
    rows: int


def can_grow() -> bool:
    """Return whether trees can grow here: the library wants the system's OpenMP (libgomp), which bare images lack."""
    try:
        import lightgbm  # noqa: F401, PLC0415  a second and 60 MB, where trees grow alone; the web has none
    except (ImportError, OSError):
        return False
    return True


def own_trees(past: Past, *, scale: float, effort: Effort, days_ahead: int = DAYS_AHEAD) -> Trees | None:
    """Return a model of one stream, None where its history is too short."""
    sample = _sample(past, scale=scale, rows_max=effort.rows_max, effort=effort, days_ahead=days_ahead)
    return _learnt([sample], effort.rounds, effort, numbered=False) if sample is not None else None


def shared_trees(
    pasts: list[Past], *, scales: list[float], effort: Effort, days_ahead: int = DAYS_AHEAD
) -> Trees | None:
    """Return a model over streams of one kind, told apart by their place in the list; None without history."""
    samples = [
        _sample(past, scale=scale, rows_max=effort.shared_rows_max, effort=effort, days_ahead=days_ahead)
        for past, scale in zip(pasts, scales, strict=True)
    ]
    found = [(number, sample) for number, sample in enumerate(samples) if sample is not None]
    if not found:
        return None
    numbered = [(np.c_[seen, np.full(len(seen), number)], z, weight) for number, (seen, z, weight) in found]
    return _learnt(numbered, effort.shared_rounds, effort, numbered=True)


Sample = tuple[Float64s, Float64s, Float64s]


def _sample(past: Past, *, scale: float, rows_max: int, effort: Effort, days_ahead: int) -> Sample | None:
    origin, ahead = pairs_of(past.days)
    asked = ahead < days_ahead
    origin, ahead = origin[asked], ahead[asked]
    if len(origin) < DAYS_MIN:
        return None
    forecasts_max = max(DAYS_MIN, rows_max // HOURS)
    if len(origin) > forecasts_max:  # evenly spread over time, and over the days ahead
        chosen = np.random.default_rng(len(origin)).permutation(len(origin))[:forecasts_max]
        origin, ahead = origin[np.sort(chosen)], ahead[np.sort(chosen)]
    rows = rows_of(past, origin, ahead, scale=scale)
    fit = learnable(rows)
    if fit.sum() < DAYS_MIN * HOURS:
        return None
    weight = 0.5 ** ((past.days - rows.day[fit]) / effort.half_life_days)
    z = np.clip((rows.value[fit] - rows.profile[fit]) / scale, -FAR, FAR)
    return rows.seen[fit], z, weight


def _learnt(samples: list[Sample], rounds: int, effort: Effort, *, numbered: bool) -> Trees | None:
    if not can_grow():
        return None
    import lightgbm  # noqa: PLC0415  as above

    seen, z, weight = (np.concatenate(column) for column in zip(*samples, strict=True))
    settings = {
        "objective": "l1",
        "num_leaves": effort.leaves,
        "learning_rate": 0.05 if rounds >= FULL.rounds else 0.1,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "max_bin": 63,
        "num_threads": 1,  # two threads beside another job are twenty times slower (measured)
        "seed": 1,
        "deterministic": True,
        "verbose": -1,
    }
    kinds = [seen.shape[1] - 1] if numbered else []
    data = lightgbm.Dataset(seen, z, weight=weight, categorical_feature=kinds, free_raw_data=True)
    return Trees(lightgbm.train(settings, data, rounds), len(z))


def trees_forecast(
    trees: Trees, past: Past, *, scale: float, number: int | None = None, days_ahead: int = DAYS_AHEAD
) -> Float64s:
    """Return the forecast of the days after midnight in the stream's unit, shape (days ahead, 24).

    Args:
        trees: what has learnt, today or some days ago.
        past: what is known.
        scale: the stream's restlessness when the trees learnt.
        number: the stream's place in the list of a shared model, None for its own.
        days_ahead: how many days.
    """
    rows = rows_to_come(past, scale=scale, days_ahead=days_ahead)
    return trees_at(trees, rows, scale=scale, number=number).reshape(days_ahead, HOURS)


def trees_at(trees: Trees, rows: Rows, *, scale: float, number: int | None = None) -> Float64s:
    """Return the forecasts of hours, in the stream's unit, shape (n,); arguments as `trees_forecast`."""
    seen = rows.seen if number is None else np.c_[rows.seen, np.full(len(rows.seen), number)]
    far = np.asarray(trees.booster.predict(seen, num_threads=1), dtype=np.float64)
    return rows.profile + scale * far


def rows_to_come(past: Past, *, scale: float, days_ahead: int) -> Rows:
    """Return the hours of the days after midnight as the models see them."""
    return rows_of(past, np.full(days_ahead, past.days), np.arange(days_ahead), scale=scale)
