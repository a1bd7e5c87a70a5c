"""Model cards: which streams are forecast, by which method, and how right that was."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloop.decide import facade
from cityloop.decide.facade import ForecastRecord, ModelCard
from cityloop.decide.views.alarms import PAGE_ROWS, page_asked
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import NotFoundError
from cityloop.registry.facade import Right, may, person_of, require, requires

PER_CENT = 100


@requires(Right.SEE_PROJECTS)
@require_safe
def model_cards(request: HttpRequest) -> HttpResponse:
    """List the streams that are forecast, each with its method and its error."""
    person, page = person_of(request), page_asked(request.GET.get("page", ""))
    ids = facade.forecast_stream_ids()
    shown = ids[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    rows = [
        {"row": row, "figures": _figures(row.record, row.stream.decimals) if row.record else None}
        for row in facade.model_card_rows(shown, day=_today())
        if may(person, Right.SEE_PROJECTS, area=row.stream.area)
    ]
    context = {"rows": rows, "page": page, "has_more": len(ids) > page * PAGE_ROWS}
    return render(request, "decide/model_cards.html", context)


@requires(Right.SEE_PROJECTS)
@require_safe
def model_card(request: HttpRequest, datastream_id: int) -> HttpResponse:
    """Show the card of a stream's model, with one forecast against what came."""
    card = facade.model_card(datastream_id, today=_today(), day=_day_asked(request))
    if card is None:
        raise NotFoundError(what=_("A forecast of this stream"))
    person, area = person_of(request), card.stream.area
    require(person, Right.SEE_PROJECTS, area=area, what=f"datastream {datastream_id}")
    decimals = card.stream.decimals
    context = {
        "card": card,
        "records": [(days, _figures(record, decimals)) for days, record in _records(card)],
        "learnt_from": card.forecast.starts_on - timedelta(days=card.forecast.learnt_days) if card.forecast else None,
        "chart": _chart(card),
        "table": _table(card),
        "may_trace": may(person, Right.SEE_TRACE, area=area),
    }
    return render(request, "decide/model_card.html", context)


def _today() -> date:
    return timezone.now().astimezone(CITY_ZONE).date()


def _day_asked(request: HttpRequest) -> date | None:
    try:
        return date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None


def _records(card: ModelCard) -> tuple[tuple[int, ForecastRecord], ...]:
    return (facade.SHORT_DAYS, card.short), (facade.LONG_DAYS, card.long)


def _figures(record: ForecastRecord, decimals: int) -> dict[str, Any]:
    """Return a record as a page shows it: errors in the unit and in per cent."""
    wape, naive_wape = record.wape, None
    if wape is not None and record.error and record.naive_error is not None:
        naive_wape = wape / record.error * record.naive_error * PER_CENT
    return {
        "days": record.days,
        "fell_back": record.fell_back,
        "error": record.error,
        "naive_error": record.naive_error,
        "bias": record.bias,
        "wape": wape * PER_CENT if wape is not None else None,
        "naive_wape": naive_wape,
        "inside": record.inside * PER_CENT if record.inside is not None else None,
        "decimals": decimals + 1,
    }


def _chart(card: ModelCard) -> dict[str, Any] | None:
    if card.forecast is None or not card.forecast.points:
        return None
    points = card.forecast.points
    return {
        "unit": card.stream.unit_symbol,
        "decimals": card.stream.decimals,
        "band": {
            "name": _("Band") + " (80 %)",
            "points": [[point.at.isoformat(), point.low, point.high] for point in points],
        },
        "series": [
            {"name": _("Actual"), "points": [[at.isoformat(), value] for at, value in card.came], "area": False},
            {"name": _("Forecast"), "points": [[point.at.isoformat(), point.value] for point in points]},
        ],
    }


def _table(card: ModelCard) -> list[tuple[datetime, float | None, float | None, float | None, float | None]]:
    came = dict(card.came)
    points = card.forecast.points if card.forecast is not None else ()
    return [(point.at, point.value, point.low, point.high, came.get(point.at)) for point in points]
