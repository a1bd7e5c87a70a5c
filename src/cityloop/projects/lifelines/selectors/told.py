"""What was told of a line's day, every figure with those it replaced."""

from dataclasses import dataclass
from datetime import date, timedelta

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.lines import MAKES, Told
from cityloop.projects.lifelines.selectors.history import PROJECT, midnight_of
from cityloop.sense import facade as sense
from cityloop.sense.facade import Given, StreamView


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRow:
    """A figure of a day and what was told of it.

    Attributes:
        told: which figure.
        title: its name.
        stream: the day stream that holds it.
        given: what was told of the day, oldest first; the last one counts.
    """

    told: Told
    title: Text
    stream: StreamView
    given: tuple[Given, ...]


def told_rows(line: Line, day: date) -> tuple[ToldRow, ...]:
    """Return what was told of a line's day, figure by figure."""
    make = MAKES[line]
    views = {view.code.removeprefix(f"{PROJECT}/"): view for view in sense.streams_of_project(PROJECT)}
    mine = {told: views[make.code_of(told)] for told in make.told if make.code_of(told) in views}
    last = midnight_of(day + timedelta(days=1)) - timedelta(microseconds=1)
    given = sense.given_of_many([view.datastream_id for view in mine.values()], since=midnight_of(day), until=last)
    return tuple(
        ToldRow(
            told=told,
            title=make.title_of(told),
            stream=view,
            given=tuple(one for one in given if one.datastream_id == view.datastream_id),
        )
        for told, view in mine.items()
    )


__all__ = ["ToldRow", "told_rows"]
