"""Load, day-ahead at midnight, the last 60 days of each set."""

from bench.forecast import sets
from bench.forecast.table import progress, show
from bench.forecast.walk import walk, wape
from cityloop.decide.rules.forecasting.bands import covered
from cityloop.decide.rules.forecasting.trees import Effort

DAYS = 60
TOTAL = "ISO NE CA"
"""The total of New England learns beside its eight zones: it has sixty days of history only."""

AIMS = {
    ("New York City", True): 2.8,
    ("New York City", False): 4.3,
    ("Victoria", True): 2.3,
    ("Victoria", False): 4.0,
    ("PJM East", False): 5.4,
    ("ISO NE CA", True): 2.5,
    ("ISO NE CA", False): 3.7,
}
HEADS = ["set", "WAPE %", "aim %", "yesterday %", "band holds %", "fell back"]


def measure(*, effort: Effort, end: int = 0) -> None:
    """Print the figures; `end` leaves out so many last days, to choose a design on other days."""
    zones = sets.new_england()
    streams = [
        sets.new_york(),
        sets.victoria(),
        sets.pjm(),
        *(one for one in zones if one.name == TOTAL and not end),
    ]
    runs = [
        (one, with_heat)
        for one in streams
        for with_heat in (True, False)
        if one.past.weather is not None or not with_heat
    ]
    rows = []
    with progress() as bar:
        task = bar.add_task("days", total=len(runs) * DAYS)
        for stream, with_heat in runs:
            asked = stream if with_heat else stream.without_weather()
            past = asked.past.until(asked.past.days - end)
            beside = [one for one in zones if stream.name == TOTAL and one.name != TOTAL]
            others = [(one if with_heat else one.without_weather()).past for one in beside]
            found = walk(past, days=DAYS, effort=effort, beside=others, done=lambda: bar.advance(task))
            name = f"{stream.name}, {'temperature of the day' if with_heat else 'no temperature'}"
            holds = 100 * covered(found.came - found.shown, found.sides)
            aim = AIMS[stream.name, with_heat]
            rows.append(
                [name, wape(found.shown, found.came), aim, wape(found.naive, found.came), holds, found.fell_back]
            )
    show("Load, day-ahead at 00:00, last 60 days", HEADS, rows)
    print("  The temperature of the day is the observed one, so these errors are a lower bound.")  # noqa: T201
