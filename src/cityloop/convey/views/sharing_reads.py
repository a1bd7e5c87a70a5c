"""The log of reads for the owner, and the exchange between authorities."""

import csv
import io
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloop.convey.facade import sharing
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, in_words, person_of, requires
from cityloop.sense import facade as sense

STATISTICS_DAYS = 30
"""How far back the exchange is counted, days."""

NUMBER_DIGITS_MAX = 18
CHART_LINES_MAX = 6
"""Most curves of the chart; the table has all."""


@requires(Right.SHARE_DATA)
@require_safe
def read_log(request: HttpRequest) -> HttpResponse:
    """List who read the data of the person's organisations."""
    asked, choices = _asked(request, person_of(request))
    before = request.GET.get("before", "")
    before_id = int(before) if before.isdecimal() and len(before) <= NUMBER_DIGITS_MAX else None
    rows = sharing.reads(asked, before_id=before_id)
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "rows": _named(rows),
        "number": sharing.read_number(asked),
        "asked": asked,
        "query": query.urlencode(),
        "next_before": rows[-1].read_id if len(rows) == sharing.READS_PAGE_ROWS else None,
        "term": sharing.sharing_term("access_log_days"),
        **choices,
    }
    return render(request, "convey/dataset_reads.html", context)


@requires(Right.SHARE_DATA)
@require_safe
def read_log_csv(request: HttpRequest) -> HttpResponse:
    """Give the log of reads as CSV."""
    asked, _choices = _asked(request, person_of(request))
    text = io.StringIO()
    writer = csv.writer(text)
    heads = [
        _("Time"),
        _("Organisation"),
        _("Machine"),
        _("Path"),
        _("Address"),
        _("Rows"),
        _("Data sets"),
        _("Contracts"),
    ]
    writer.writerow(heads)
    for one in sharing.reads(asked, limit=sharing.READS_CSV_ROWS_MAX):
        sets, contracts = " ".join(one.datasets), " ".join(map(str, one.contracts))
        at = timezone.localtime(one.at).isoformat(timespec="milliseconds")
        cells = [at, one.organisation, one.reader, one.kind, one.path, one.rows, sets, contracts]
        writer.writerow([_harmless(cell) for cell in cells])
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="reads.csv"'
    return answer


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: paths and names come from strangers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _asked(request: HttpRequest, person: PersonView) -> tuple[sharing.ReadFilter, dict[str, Any]]:
    mine = sharing.bodies_sharing(person)
    sets = [one for one in sharing.visible_datasets(person) if one.owner in mine]
    kinds = [(kind.value, title) for kind, title in sharing.READ_KIND_TITLES.items()]
    contract = request.GET.get("contract", "")
    chosen, kind = request.GET.get("dataset", ""), request.GET.get("kind", "")
    asked = sharing.ReadFilter(
        owners=mine,
        contract_id=int(contract) if contract.isdecimal() and len(contract) <= NUMBER_DIGITS_MAX else 0,
        dataset=chosen if chosen in {one.code for one in sets} else "",
        organisation=request.GET.get("organisation", "")[:60],
        kind=kind if kind in dict(kinds) else "",
    )
    readers = sorted({one.asker for one in sharing.contracts(sides=mine) if one.owner in mine})
    names = [(code, registry.organisation_name(code)) for code in readers]
    return asked, {"datasets": sets, "kinds": kinds, "readers": names}


def _named(rows: list[sharing.ReadView]) -> list[Any]:
    names = {code: registry.organisation_name(code) for code in {one.organisation for one in rows if one.organisation}}
    return [(one, names.get(one.organisation)) for one in rows]


@requires(Right.SEE_CATALOGUE)
@require_safe
def statistics(request: HttpRequest) -> HttpResponse:
    """Show who gives and who reads how much, with what it is out of."""
    now = timezone.now()
    tallies, by_day = sharing.exchange_statistics(days=STATISTICS_DAYS, now=now)
    days: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for one in by_day:
        days[one.day][0] += one.reads
        days[one.day][1] += one.rows
    context = {
        "rows": [(one, registry.organisation_name(one.organisation)) for one in tallies],
        "days": sorted(days.items(), reverse=True),
        "chart": _chart(by_day, now),
        "span_days": STATISTICS_DAYS,
        "has_streams": bool(sense.owner_tallies()),
    }
    return render(request, "convey/catalogue_statistics.html", context)


def _chart(by_day: list[sharing.Exchange], now: datetime) -> dict[str, Any]:
    totals: dict[str, int] = defaultdict(int)
    points: dict[str, dict[Any, int]] = defaultdict(lambda: defaultdict(int))
    for one in by_day:
        totals[one.reader] += one.rows
        points[one.reader][one.day] += one.rows
    readers = sorted(totals, key=lambda code: -totals[code])[:CHART_LINES_MAX]
    today = timezone.localdate(now)
    span = [today - timedelta(days=back) for back in range(STATISTICS_DAYS, -1, -1)]
    return {
        "unit": "",
        "decimals": 0,
        "min": 0,
        "series": [
            {
                "name": in_words(registry.organisation_name(code)) if code else _("without a token"),
                "points": [[day.isoformat(), points[code].get(day, 0)] for day in span],
                "area": False,
            }
            for code in readers
        ],
        "limits": [],
    }
