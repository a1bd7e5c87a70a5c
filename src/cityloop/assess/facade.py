"""The door of assess."""

from datetime import datetime

from django.utils import timezone

from cityloop.assess import services
from cityloop.assess.rules import ON_TIME_CLOSING, is_short, period_before, period_of, ranks, span_of
from cityloop.assess.selectors import (
    SCORES_SHOWN_MAX,
    ScoreView,
    ValueView,
    history,
    indicator,
    indicators,
    periods,
    scores,
    values,
)
from cityloop.assess.services import declare_indicators
from cityloop.kernel.facts.responded import CaseClosed


def score_case(fact: CaseClosed, *, now: datetime | None = None) -> None:
    """Bring the values of the closed case's district and of the city up to date.

    Idempotent: the cases are read from the journal under a cursor of their own, so that the same fact again, or late,
    changes nothing.
    """
    services.compute_around(fact.area, period_of(fact.due_at), now=now or timezone.now())


def compute_indicators(now: datetime | None = None) -> int:
    """Bring all values up to an instant, limits that have passed without a closing too; return how many changed.

    Idempotent.
    """
    return services.compute_values(now or timezone.now())


__all__ = [
    "ON_TIME_CLOSING",
    "SCORES_SHOWN_MAX",
    "ScoreView",
    "ValueView",
    "compute_indicators",
    "declare_indicators",
    "history",
    "indicator",
    "indicators",
    "is_short",
    "period_before",
    "period_of",
    "periods",
    "ranks",
    "score_case",
    "scores",
    "span_of",
    "values",
]
