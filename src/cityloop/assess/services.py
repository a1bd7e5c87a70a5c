"""Writes of assess: what facts say of cases, values, shortfalls."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from cityloop.assess.models import CaseScore, Indicator, Value
from cityloop.assess.rules import (
    INDICATORS,
    ON_TIME_CLOSING,
    Counts,
    is_short,
    period_before,
    period_of,
    share,
    span_of,
)
from cityloop.assess.selectors import counts_by_district, indicator
from cityloop.journal.facade import deliver, horizon, post
from cityloop.kernel.areas import CITY, AreaCode, AreaLevel, district_of, level_of
from cityloop.kernel.declarations import IndicatorSpec
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.facts import Fact, Ref, fact_kind, new_fact_id
from cityloop.kernel.facts.assessed import IndicatorValued, ShortfallFound
from cityloop.kernel.facts.responded import CaseClosed, CaseOpened, CaseStepped

LISTENER = "assess.case_scores"
"""The cursor under which the case facts are read."""

BATCH = 200
"""How many facts are read at once."""

ACTOR = "system:assess"
"""Who values indicators."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('assess.values'))"
_NOT_COUNTED_STATES = frozenset({"rejected", "void"})
_REOPENED, _FINISHED, _FAILED = "reopen", "finish", "fail_check"


def declare_indicators() -> None:
    """Bring the definitions of the indicators to what this release declares; what differs is a new version."""
    with transaction.atomic():
        for spec in INDICATORS:
            _declare(spec)


def _declare(spec: IndicatorSpec) -> None:
    values = {
        "title_zh": spec.title.zh,
        "title_en": spec.title.en,
        "unit": spec.unit,
        "higher_is_better": spec.higher_is_better,
        "target": spec.target,
        "denominator_min": spec.denominator_min,
        "basis_zh": spec.basis.zh,
        "basis_en": spec.basis.en,
        "confirmed": spec.confirmed,
    }
    current = Indicator.objects.select_for_update().filter(code=spec.code, is_current=True).first()
    if current is not None and all(getattr(current, name) == value for name, value in values.items()):
        return
    if current is not None:
        Indicator.objects.filter(pk=current.pk).update(is_current=False)
    Indicator.objects.create(code=spec.code, version=current.version + 1 if current else 1, **values)


def hear_cases() -> int:
    """Take in what the journal has said of cases since the last time, in its order, and return how many facts."""
    heard = 0
    while (count := deliver(LISTENER, note_fact, kinds=tuple(_NOTERS), limit=BATCH)) > 0:
        heard += count
    return heard


def note_fact(fact: Fact) -> None:
    """Take in one fact about a case; facts of a case come in order, each moves its score on."""
    assert isinstance(fact, CaseOpened | CaseStepped | CaseClosed)  # noqa: S101  the kinds that were asked for
    score, _ = CaseScore.objects.select_for_update().get_or_create(
        case_id=fact.case_id,
        defaults={
            "number": fact.case_number,
            "area": fact.area,
            "district": district_of(fact.area),
            "last_fact": fact.fact_id,
        },
    )
    _NOTERS[type(fact)](score, fact)
    period = period_of(score.due_at) if score.due_at else ""
    if score.period not in {"", period}:
        score.periods_left = f"{score.periods_left} {score.period}".strip()
    score.period = period
    score.last_fact = fact.fact_id
    score.is_counted = False
    score.save()


def _note_opened(score: CaseScore, fact: CaseOpened) -> None:
    score.kind = fact.case_kind
    score.opened_at = fact.happened_at
    score.state = "reported"


def _note_stepped(score: CaseScore, fact: CaseStepped) -> None:
    score.state = fact.state
    score.due_at = None if fact.state in _NOT_COUNTED_STATES else fact.due_at
    if fact.step == _FINISHED:
        score.handled = True
    if fact.step == _FAILED:
        score.reworked += 1
    if fact.step == _REOPENED:
        score.closed_at = score.on_time = None


def _note_closed(score: CaseScore, fact: CaseClosed) -> None:
    score.kind = fact.case_kind
    score.opened_at = fact.opened_at
    score.due_at = fact.due_at
    score.closed_at = fact.closed_at
    score.on_time = fact.on_time
    score.reworked = fact.reworked
    score.handled = True


_NOTERS: dict[type[Fact], Callable[[CaseScore, Any], None]] = {
    CaseOpened: _note_opened,
    CaseStepped: _note_stepped,
    CaseClosed: _note_closed,
}


_TAKE_UNCOUNTED = """
    WITH touched AS (SELECT case_id, period, periods_left FROM assess_casescore WHERE NOT is_counted FOR UPDATE),
    marked AS (
        UPDATE assess_casescore SET is_counted = true, periods_left = ''
        WHERE case_id IN (SELECT case_id FROM touched)
    )
    SELECT period, periods_left FROM touched
"""


def uncounted_periods() -> set[str]:
    """Return the months that cases came to or left since they were counted, and mark those cases as counted."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UNCOUNTED)
        return {period for row in cursor.fetchall() for periods in row for period in periods.split()}


def compute_values(now: datetime) -> int:
    """Bring all values up to an instant and return how many changed; a second time nothing does.

    The month that runs and the one before are always looked at, for a limit may pass without any fact; others when a
    case came to them or left them.
    """
    hear_cases()
    with transaction.atomic():
        _lock()
        spec = _definition()
        this = period_of(now)
        asked = uncounted_periods() | {this, period_before(this)}
        return sum(_compute_month(spec, period, now=now) for period in sorted(asked))


def compute_around(area: AreaCode, period: str, *, now: datetime) -> int:
    """Bring the values of a district and of the city for a month up to an instant; return how many changed."""
    hear_cases()
    with transaction.atomic():
        _lock()
        spec = _definition()
        return _compute_month(spec, period, now=now, only={district_of(area), CITY})


def _definition() -> IndicatorSpec:
    """Return the definition in force; a city that was never told declares it now."""
    try:
        return indicator(ON_TIME_CLOSING.code)
    except NotFoundError:
        declare_indicators()
        return indicator(ON_TIME_CLOSING.code)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)


def _compute_month(spec: IndicatorSpec, period: str, *, now: datetime, only: Iterable[AreaCode] | None = None) -> int:
    counts = counts_by_district(period, now=now)
    whole = Counts()
    for count in counts.values():
        whole = whole.plus(count)
    counts[CITY] = whole
    standing = {AreaCode(row.area): row for row in Value.objects.filter(indicator=spec.code, period=period)}
    areas = (set(counts) | set(standing)) if only is None else set(only)
    changed = 0
    for area in sorted(areas):
        count = counts.get(area, Counts())
        if area in standing or count.should_close:
            changed += _write_value(spec, standing.get(area) or _fresh(spec, area, period), count, now=now)
    return changed


def _fresh(spec: IndicatorSpec, area: AreaCode, period: str) -> Value:
    return Value(indicator=spec.code, area=area, period=period, numerator=-1, denominator=-1, target=spec.target)


def _write_value(spec: IndicatorSpec, row: Value, count: Counts, *, now: datetime) -> int:
    beside = (count.closed, count.handled, count.reworked)
    value_stands = (row.numerator, row.denominator, row.target) == (
        count.closed_on_time,
        count.should_close,
        spec.target,
    )
    if value_stands and beside == (row.closed, row.handled, row.reworked):
        return 0
    row.closed, row.handled, row.reworked = beside
    if not value_stands:
        row.numerator, row.denominator, row.target = count.closed_on_time, count.should_close, spec.target
        row.value = share(row.numerator, row.denominator)
        row.as_of = str(horizon())
        row.computed_at = now
        row.fact_id = _post_value(spec, row, now=now)
        _find_shortfall(spec, row, now=now)
    row.save()
    return 0 if value_stands else 1


def _post_value(spec: IndicatorSpec, row: Value, *, now: datetime) -> UUID:
    fact = IndicatorValued(
        fact_id=new_fact_id(),
        happened_at=now,
        actor=ACTOR,
        area=AreaCode(row.area),
        causes=(_closings(row),),
        indicator=spec.code,
        title=spec.title,
        period=row.period,
        numerator=row.numerator,
        denominator=row.denominator,
        value=row.value,
        unit=spec.unit,
        target=spec.target,
    )
    post(fact)
    return fact.fact_id


def _closings(row: Value) -> Ref:
    """Return the closings a value is made of: those of the cases whose limit falls in its month."""
    first, after = span_of(row.period)
    parameters = {
        "kind": fact_kind(CaseClosed),
        "area": row.area,
        "by": "due_at",
        "from": first.isoformat(),
        "until": after.isoformat(),
    }
    return Ref.aggregate("journal.facts", parameters, as_of=row.as_of)


def _find_shortfall(spec: IndicatorSpec, row: Value, *, now: datetime) -> None:
    """Post a shortfall when a district's value crosses its target from above; once until it has recovered."""
    short = is_short(row.value, denominator=row.denominator, spec=spec)
    crossed = short and not row.is_short
    row.is_short = short
    if not crossed or row.value is None or level_of(AreaCode(row.area)) is AreaLevel.CITY:
        return
    post(
        ShortfallFound(
            fact_id=new_fact_id(),
            happened_at=now,
            actor=ACTOR,
            area=AreaCode(row.area),
            causes=(Ref.fact(row.fact_id),),
            indicator=spec.code,
            title=spec.title,
            period=row.period,
            value=row.value,
            target=spec.target,
            unit=spec.unit,
        )
    )
