"""Water: the inflow of ten areas, a week ahead from Monday 00:00, by the competition's three indicators."""

from datetime import date, timedelta

import numpy as np

from bench.forecast import sets
from bench.forecast.table import progress, show
from cityloop.decide.rules.forecasting.blend import averaged, learn, members, rehearse, shares_of
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD, Float64s, Past
from cityloop.decide.rules.forecasting.naive import Naive, naive_forecast
from cityloop.decide.rules.forecasting.trees import Effort

PUBLISHED = date(2022, 7, 25)
"""The week whose scores are published."""

WEEKS = tuple(date(2022, 2, 14) + timedelta(weeks=4 * number) for number in range(10))
"""Every fourth week of what the set holds; the design was chosen on the weeks between them."""

DEVELOPMENT = tuple(date(2022, 2, 28) + timedelta(weeks=4 * number) for number in range(9))
"""The weeks the design was chosen on."""

HEADS = ["week", "first day MAE", "max", "days 2-7 MAE", "naive", "max", "days 2-7", "of naive", "max", "days 2-7"]


def indicators(forecast: Float64s, came: Float64s) -> list[float]:
    """Return mean and greatest absolute error of the first day and mean of the other six, L/s."""
    away = np.abs(forecast - came)
    return [float(np.nanmean(away[0])), float(np.nanmax(away[0])), float(np.nanmean(away[1:]))]


def week_of(streams: list[sets.Stream], monday: date, *, effort: Effort) -> tuple[np.ndarray, np.ndarray]:
    """Return the indicators of a week, mean of the areas: the model's and those of naive last week."""
    pasts = [_known(stream.cleaned(), monday) for stream in streams]
    rehearsals = rehearse(pasts, effort=effort)
    models = learn(pasts, effort=effort)
    scores, naive = [], []
    for stream, past, model, rehearsal in zip(streams, pasts, models, rehearsals, strict=True):
        shares = shares_of(rehearsal.parts, rehearsal.came)
        came = stream.truth[past.days : past.days + DAYS_AHEAD]
        scores.append(indicators(averaged(members(model, past), shares=shares), came))
        raw = stream.past.until(past.days).values
        naive.append(indicators(naive_forecast(raw, kind=Naive.LAST_WEEK, days_ahead=DAYS_AHEAD), came))
    return np.mean(scores, axis=0), np.mean(naive, axis=0)


def _known(stream: sets.Stream, monday: date) -> Past:
    return stream.past.until(stream.day(monday))


def measure(*, effort: Effort, weeks: tuple[date, ...] = (PUBLISHED, *WEEKS)) -> None:
    """Print the figures of each week and of all, and the published teams beside them."""
    streams = sets.water()
    found = {}
    with progress() as bar:
        task = bar.add_task("weeks", total=len(weeks))
        for monday in weeks:
            found[monday] = week_of(streams, monday, effort=effort)
            bar.advance(task)
    rows: list[list[object]] = [
        [monday.isoformat(), *map(float, model), *map(float, naive), *map(float, model / naive)]
        for monday, (model, naive) in found.items()
    ]
    model, naive = (np.mean([pair[which] for pair in found.values()], axis=0) for which in (0, 1))
    rows.append(["all", *map(float, model), *map(float, naive), *map(float, model / naive)])
    show(
        "Water, ten areas, a week ahead from Monday 00:00, L/s (weather as observed, as the competition gave it)",
        HEADS,
        rows,
    )
    if PUBLISHED in found:
        teams = _teams()
        ours = list(map(float, found[PUBLISHED][0]))
        place = [1 + sum(team[one] < ours[one] for team in teams[:-1]) for one in range(3)]
        rows = [["Cityloop", *ours, "/".join(map(str, place))]]
        rows += [[f"team {number}", *team, ""] for number, team in enumerate(teams[:-1], 1)]
        rows.append(["naive", *teams[-1], ""])
        show(f"Week of {PUBLISHED}, the 31 teams", ["who", "first day MAE", "max", "days 2-7 MAE", "place"], rows)


def _teams() -> list[list[float]]:
    table = sets.rows_of("water-bwdf/reference_team_scores_W1.csv")
    ranks = sorted({int(row["rank"]) for row in table})
    names = ("PI1", "PI2", "PI3")
    return [
        [float(np.mean([float(row[name]) for row in table if int(row["rank"]) == rank])) for name in names]
        for rank in ranks
    ]
