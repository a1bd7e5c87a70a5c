"""How the lines stand, as the wall and the project's page are told."""

from datetime import datetime

from cityloop.kernel.declarations import LineStanding
from cityloop.projects.lifelines.rules.balance import State
from cityloop.projects.lifelines.rules.days import LineDay
from cityloop.projects.lifelines.selectors.days import line_days


def line_standings(at: datetime) -> dict[str, LineStanding]:
    """Return how each line of which anything is known stands by its row of the daily sheet, by code."""
    return {str(day.line): _standing(day) for day in line_days(at) if day.state is not State.UNKNOWN}


def _standing(day: LineDay) -> LineStanding:
    return LineStanding(
        state=day.state.words,
        level=day.level,
        estimate=day.estimate.value,
        low=day.estimate_low.value,
        high=day.estimate_high.value,
        unit=day.estimate.unit,
        decimals=day.estimate.decimals,
        change_percent=day.change_percent.value,
        against=day.last_year.words,
        trace=day.estimate.trace,
        link=f"/projects/lifelines/lines/{day.line}/",
    )


__all__ = ["line_standings"]
