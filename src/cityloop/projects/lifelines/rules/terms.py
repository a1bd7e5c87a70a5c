"""How long an answer may take, by level: the house's defaults, which versions in the database replace."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

TERM_HOURS_MIN, TERM_HOURS_MAX = 0.25, 240.0
"""Bounds of a deadline for an answer, hours: a quarter of an hour, ten days."""


class TermUnfitError(CityloopError):
    """A deadline was to be set to a span that makes no sense."""

    key = "The deadline must lie between %(least)s and %(most)s hours."
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """How long the party upstream has to answer.

    Attributes:
        level: of which level; None for a line that is in order.
        hours: natural hours from sending to answer.
        basis: where it comes from.
        confirmed: whether the authority has confirmed it.
        version: 0 for the house's default.
    """

    level: Level | None
    hours: float
    basis: Text
    confirmed: bool = False
    version: int = 0


_GRAVE = Text(
    "红、橙级默认 2 小时（平台默认值，待主管部门确认）",
    "Two hours for red and orange: default of the platform, to be confirmed by the authority",
)
_LESSER = Text(
    "黄、蓝级及未定级为平台默认值，待主管部门确认",
    "Yellow, blue and no level: default of the platform, to be confirmed by the authority",
)

DEFAULT_TERMS: dict[Level | None, Term] = {
    Level.RED: Term(level=Level.RED, hours=2.0, basis=_GRAVE),
    Level.ORANGE: Term(level=Level.ORANGE, hours=2.0, basis=_GRAVE),
    Level.YELLOW: Term(level=Level.YELLOW, hours=6.0, basis=_LESSER),
    Level.BLUE: Term(level=Level.BLUE, hours=12.0, basis=_LESSER),
    None: Term(level=None, hours=24.0, basis=_LESSER),
}
"""Source: domain reference, section 4.3, rule 6, for the grave ones."""


def check_hours(hours: float) -> None:
    """Refuse a deadline that makes no sense.

    Raises:
        TermUnfitError: outside `TERM_HOURS_MIN..TERM_HOURS_MAX`, or not a number.
    """
    if not TERM_HOURS_MIN <= hours <= TERM_HOURS_MAX:
        raise TermUnfitError(field="hours", least=f"{TERM_HOURS_MIN:g}", most=f"{TERM_HOURS_MAX:g}")


def answer_due(sent_at: datetime, term: Term) -> datetime:
    """Return when an answer is due."""
    return sent_at + timedelta(hours=term.hours)
