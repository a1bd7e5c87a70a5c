"""What stands in the morning brief (晨报), and how its numbers are written."""

from dataclasses import dataclass, fields
from datetime import datetime

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.days import Figure, LineCurve, LineDay

DASH = "–"
"""Stands where a number cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """A coordination request that is not closed yet, as one row of the brief.

    Attributes:
        number: its number.
        line: the line's name.
        quantity: how much is asked for.
        to_whom: who is asked.
        state: where it stands, in words.
        due_at: when an answer is due, None where none is awaited.
    """

    number: str
    line: Text
    quantity: Figure
    to_whom: str
    state: Text
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The morning brief, before it is laid out.

    Attributes:
        at: as of when.
        made_at: when it was made.
        made_by: who made it, as it is printed.
        days: the lines' rows of the daily sheet.
        curves: of the lines in trouble, in the order of `days`.
        requests: the coordination requests that are open, None where the reader may see none.
    """

    at: datetime
    made_at: datetime
    made_by: str
    days: tuple[LineDay, ...]
    curves: tuple[LineCurve, ...]
    requests: tuple[AskedFor, ...] | None

    @property
    def origins(self) -> tuple[Text, ...]:
        """Return where readings come from that are not live, each once."""
        return tuple(dict.fromkeys(origin for day in self.days for origin in day.origins))


def written(figure: Figure) -> str:
    """Return a figure's number as every page writes it: thousands set apart, a dash where there is none."""
    return DASH if figure.value is None else f"{figure.value:,.{figure.decimals}f}"


def in_trouble(day: LineDay) -> bool:
    """Return whether something about a line is graver than normal."""
    return day.level is not None


def figures_of(day: LineDay) -> tuple[Figure, ...]:
    """Return every figure of a row that can be told, in the order of the sheet."""
    found = (getattr(day, field.name) for field in fields(day))
    figures = (getattr(one, "figure", one) for one in found)
    return tuple(one for one in figures if isinstance(one, Figure) and one.value is not None)


__all__ = ["DASH", "AskedFor", "Brief", "figures_of", "in_trouble", "written"]
