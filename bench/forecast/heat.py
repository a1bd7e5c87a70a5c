"""Heat of three substations, day-ahead at midnight, trained and run on raw counters."""

import numpy as np

from bench.forecast import sets
from bench.forecast.table import progress, show
from bench.forecast.walk import walk, wape
from cityloop.decide.rules.forecasting.bands import covered
from cityloop.decide.rules.forecasting.trees import Effort

DAYS = 60
HEADS = [
    "substation",
    "WAPE %",
    "aim %",
    "yesterday %",
    "WAPE of its own hours %",
    "yesterday %",
    "band holds %",
    "fell back",
]


def measure(*, effort: Effort, end: int = 0) -> None:
    """Print the figures; `end` leaves out so many last days, to choose a design on other days."""
    rows = []
    streams = sets.heat()
    with progress() as bar:
        task = bar.add_task("days", total=2 * len(streams) * DAYS)
        for stream in streams:
            clean = stream.cleaned()
            last = int(np.flatnonzero(np.isfinite(stream.truth).any(axis=1))[-1]) + 1 - end
            for with_heat in (True, False):
                past = clean.past if with_heat else clean.without_weather().past
                found = walk(past.until(last), days=DAYS, effort=effort, done=lambda: bar.advance(task))
                truth = stream.truth[last - DAYS : last]
                naive = wape(found.naive, truth)
                name = f"{stream.name}, {'temperature of the day' if with_heat else 'no temperature'}"
                holds = 100 * covered(found.came - found.shown, found.sides)
                own = wape(found.shown, found.came), wape(found.naive, found.came)
                rows.append([name, wape(found.shown, truth), naive * 2 / 3, naive, *own, holds, found.fell_back])
    show(
        "Heat, day-ahead at 00:00, last 60 days with heating, from raw counters, held against the cleaned hours",
        HEADS,
        rows,
    )
