"""The whole day from its first hours, by the hour, on real series; how wide its band is and how often it holds."""

import numpy as np

from bench.forecast import sets
from bench.forecast.table import progress, show
from bench.forecast.walk import walk
from cityloop.decide.rules.forecasting.fullday import by_share, full_day
from cityloop.decide.rules.forecasting.grid import HOURS, Float64s
from cityloop.decide.rules.forecasting.trees import LIGHT, Effort

DAYS = 120
"""Days forecast; the last half is scored, by the errors of the sixty days before each."""

KNOWN_DAYS = 60
SHOWN_HOURS = (0, 3, 6, 8, 10, 12, 15, 18, 21, 23, 24)
HEADS = ["series", *(f"{hour:02}:00" for hour in SHOWN_HOURS)]


def measure(*, effort: Effort) -> None:
    """Print the error and the width of the band, percent of the day's total, and how often the band holds."""
    del effort  # the day-ahead forecasts it starts from are light ones
    streams = [one for one in sets.water() if one.name in {"area 4", "area 5"}]
    streams += [sets.new_york(), sets.victoria(), sets.heat()[0]]
    errors, by_hand, widths, holds = [], [], [], []
    with progress() as bar:
        task = bar.add_task("days", total=DAYS * len(streams))
        for stream in streams:
            past = stream.cleaned().past
            known = np.flatnonzero(np.isfinite(past.values).all(axis=1))
            found = walk(past.until(int(known[-1]) + 1), days=DAYS, effort=LIGHT, done=lambda: bar.advance(task))
            for rows, row in zip((errors, by_hand, widths, holds), _figures(found.came, found.model), strict=True):
                rows.append([stream.name, *row])
    show("Error of the estimate, % of the days' totals", HEADS, errors)
    show("The same by hand: what was used, divided by the usual share of these hours", HEADS, by_hand)
    show("Width of the 80 % band, % of the days' totals", HEADS, widths)
    show("How often the band holds, %", HEADS, holds)


def _figures(came: Float64s, expected: Float64s) -> list[list[object]]:
    scored = [day for day in range(KNOWN_DAYS, DAYS) if np.isfinite(came[day]).all()]
    rows: list[list[object]] = [[], [], [], []]
    totals = np.array([came[day].sum() for day in scored])
    for hours in SHOWN_HOURS:
        estimates, hands = [], []
        for day in scored:
            past = slice(day - KNOWN_DAYS, day)
            so_far = came[day, :hours]
            estimates.append(full_day(so_far, expected=expected[day], past=came[past], past_expected=expected[past]))
            hands.append(by_share(so_far, came[past]) if hours else float("nan"))
        away = np.array([one.total for one in estimates]) - totals
        low, high = (np.array([getattr(one, side) for one in estimates]) for side in ("low", "high"))
        inside = (totals >= low - HOURS * 1e-9) & (totals <= high + HOURS * 1e-9)
        figures = (np.abs(away), np.abs(np.array(hands) - totals), high - low)
        for row, figure in zip(rows[:3], figures, strict=True):
            row.append(f"{100 * np.sum(figure) / np.sum(totals):.1f}")
        rows[3].append(f"{100 * np.mean(inside):.0f}")
    return rows
