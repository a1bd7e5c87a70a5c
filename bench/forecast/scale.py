"""Thousands of streams: what a night of forecasts costs one core, in blocks and with effort as in the nightly job."""

import resource
import time
from datetime import date

import numpy as np

from bench.forecast import sets
from bench.forecast.table import progress, show
from cityloop.decide.rules.forecasting.bands import all_sides
from cityloop.decide.rules.forecasting.blend import averaged, learn, members, rehearse, shares_of
from cityloop.decide.rules.forecasting.grid import Past
from cityloop.decide.rules.forecasting.trees import LIGHT, Effort

STREAMS = 5000
BLOCKS = 10
BLOCK_STREAMS = 20
HISTORY_DAYS = 400
HEADS = ["work", "s a stream", f"min for {STREAMS:,} streams"]


def measure(*, effort: Effort) -> None:
    """Print seconds a stream and the memory, from real series moved in time and size so that no two are alike."""
    del effort  # thousands of streams are forecast with the light one
    sources = [stream.cleaned().past for stream in sets.water()]
    random = np.random.default_rng(date(2026, 1, 1).toordinal())
    spent = {"learning and forecasting": 0.0, "rehearsing: the first nights only": 0.0}
    with progress() as bar:
        task = bar.add_task("blocks of 20 streams", total=BLOCKS)
        for _ in range(BLOCKS):
            block = [_moved(sources[random.integers(len(sources))], random) for _ in range(BLOCK_STREAMS)]
            started = time.process_time()
            models = learn(block, effort=LIGHT)
            found = [members(model, past) for model, past in zip(models, block, strict=True)]
            spent["learning and forecasting"] += time.process_time() - started
            started = time.process_time()
            for parts, rehearsal in zip(found, rehearse(block, effort=LIGHT), strict=True):
                if rehearsal is not None:
                    shares = shares_of(rehearsal.parts, rehearsal.came)
                    all_sides(rehearsal.came[:, 0] - averaged(rehearsal.parts, shares=shares)[:, 0])
                    averaged(parts, shares=shares)
            spent["rehearsing: the first nights only"] += time.process_time() - started
            bar.advance(task)
    each = BLOCKS * BLOCK_STREAMS
    rows: list[list[object]] = [[name, s / each, f"{s / each * STREAMS / 60:.0f}"] for name, s in spent.items()]
    show(
        f"Forecasts of a week for streams with {HISTORY_DAYS} days of hours, one core, without reading the history",
        HEADS,
        rows,
    )
    print(f"  greatest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # noqa: T201


def _moved(past: Past, random: np.random.Generator) -> Past:
    start = int(random.integers(0, past.days - HISTORY_DAYS))
    values = (
        past.values[start : start + HISTORY_DAYS] * random.uniform(0.1, 10) * random.normal(1, 0.03, (HISTORY_DAYS, 24))
    )
    weather = None if past.weather is None else past.weather[start : start + HISTORY_DAYS + 7]
    return Past(values, past.marks.since(start).until(HISTORY_DAYS + 7), weather)
