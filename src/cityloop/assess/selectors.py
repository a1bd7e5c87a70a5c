"""Reads of assess: indicators, values, and the cases behind a value."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from cityloop.assess.models import CaseScore, Indicator, Value
from cityloop.assess.rules import Counts, share
from cityloop.kernel.areas import AreaCode, AreaLevel, level_of
from cityloop.kernel.declarations import IndicatorSpec
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text

SCORES_SHOWN_MAX = 500
"""How many cases behind a value are listed at once, rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueView:
    """A value of an indicator.

    Attributes:
        indicator: its code.
        area: whose.
        period: the month.
        numerator: what counts.
        denominator: out of how many.
        value: in the indicator's unit, None where the denominator is 0.
        target: what was aimed at when it was computed.
        status: `draft` until it is submitted.
        closing_rate: closed out of should-close, percent.
        rework_rate: reworked out of handled, percent.
        is_short: whether it misses its target with enough cases.
        computed_at: when it last changed.
        fact_id: the fact about it, where its trace begins.
    """

    indicator: str
    area: AreaCode
    period: str
    numerator: float
    denominator: float
    value: float | None
    target: float
    status: str
    closing_rate: float | None
    rework_rate: float | None
    is_short: bool
    computed_at: datetime
    fact_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreView:
    """A case behind a value; `last_fact` is where its trace begins."""

    case_id: int
    number: str
    area: AreaCode
    state: str
    due_at: datetime
    closed_at: datetime | None
    on_time: bool | None
    reworked: int
    last_fact: UUID


def spec_of(row: Indicator) -> IndicatorSpec:
    """Return an indicator's row as its declaration."""
    return IndicatorSpec(
        code=row.code,
        title=Text(row.title_zh, row.title_en),
        unit=row.unit,
        higher_is_better=row.higher_is_better,
        target=row.target,
        denominator_min=row.denominator_min,
        basis=Text(row.basis_zh, row.basis_en),
        confirmed=row.confirmed,
    )


def indicators() -> list[IndicatorSpec]:
    """Return the indicators in force, by code."""
    return [spec_of(row) for row in Indicator.objects.filter(is_current=True).order_by("code")]


def indicator(code: str) -> IndicatorSpec:
    """Return the indicator in force of a code.

    Raises:
        NotFoundError: if there is none.
    """
    row = Indicator.objects.filter(code=code, is_current=True).first()
    if row is None:
        raise NotFoundError(what=code)
    return spec_of(row)


def _value_view(row: Value) -> ValueView:
    return ValueView(
        indicator=row.indicator,
        area=AreaCode(row.area),
        period=row.period,
        numerator=row.numerator,
        denominator=row.denominator,
        value=row.value,
        target=row.target,
        status=row.status,
        closing_rate=share(row.closed, row.denominator),
        rework_rate=share(row.reworked, row.handled),
        is_short=row.is_short,
        computed_at=row.computed_at,
        fact_id=row.fact_id,
    )


def values(code: str, period: str) -> dict[AreaCode, ValueView]:
    """Return the values of an indicator for a month, by area; areas without any case are absent."""
    rows = Value.objects.filter(indicator=code, period=period)
    return {AreaCode(row.area): _value_view(row) for row in rows}


def history(code: str, area: AreaCode) -> list[ValueView]:
    """Return the values of an indicator for an area, oldest month first."""
    return [_value_view(row) for row in Value.objects.filter(indicator=code, area=area).order_by("period")]


def periods(code: str) -> list[str]:
    """Return the months an indicator has values for, newest first."""
    rows = Value.objects.filter(indicator=code).order_by("-period")
    return list(rows.values_list("period", flat=True).distinct())


def _counted(period: str, now: datetime) -> QuerySet[CaseScore]:
    """Return the cases that should be closed: the limit falls in the month, and it has passed or they are closed."""
    return CaseScore.objects.filter(period=period).filter(Q(due_at__lte=now) | Q(closed_at__isnull=False))


def counts_by_district(period: str, *, now: datetime) -> dict[AreaCode, Counts]:
    """Return what the cases of a month add up to, by district; cases of the whole city under the city."""
    rows = (
        _counted(period, now)
        .values("district")
        .annotate(
            should_close=Count("pk"),
            closed_on_time=Count("pk", filter=Q(closed_at__isnull=False, on_time=True)),
            closed=Count("pk", filter=Q(closed_at__isnull=False)),
            handled=Count("pk", filter=Q(handled=True)),
            reworked=Count("pk", filter=Q(reworked__gt=0)),
        )
    )
    return {AreaCode(row.pop("district")): Counts(**row) for row in rows.order_by("district")}


def _of_area(rows: QuerySet[CaseScore], area: AreaCode) -> QuerySet[CaseScore]:
    return rows if level_of(area) is AreaLevel.CITY else rows.filter(area__startswith=area)


def scores(area: AreaCode, period: str, *, now: datetime) -> list[ScoreView]:
    """Return the cases behind a value, those that hurt it first.

    Args:
        area: the city, a district or below.
        period: the month.
        now: cases whose limit lies ahead of it count only if they are closed.
    """
    rows = _of_area(_counted(period, now), area).order_by("on_time", "due_at", "pk")
    return [
        ScoreView(
            case_id=row.case_id,
            number=row.number,
            area=AreaCode(row.area),
            state=row.state,
            due_at=row.due_at,
            closed_at=row.closed_at,
            on_time=row.on_time if row.closed_at else None,
            reworked=row.reworked,
            last_fact=row.last_fact,
        )
        for row in rows[:SCORES_SHOWN_MAX]
        if row.due_at is not None
    ]
