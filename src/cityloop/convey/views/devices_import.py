"""Lists of devices: sent, judged row by row, reported."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.convey.facade import devices as facade
from cityloop.convey.facade.devices import Datum, Imported
from cityloop.convey.forms.devices import ImportForm
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, in_words, person_of, requires, sentence_of

ROWS_SHOWN_MAX = 500
"""How many rows of a report the page shows; the file has all."""

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""

_EXAMPLE = {
    "code": "PUMP-0001",
    "title_zh": "东坝泵站 1 号压力计",
    "title_en": "Dongba pumping station, pressure meter 1",
    "organisation": "water-group",
    "longitude": "116.5468",
    "latitude": "39.9587",
    "datum": "GCJ02",
    "vendor": "Acme",
    "model": "PT-100",
    "period_s": "60",
    "channel": "pressure",
    "property": "lifelines/water_pressure",
    "unit": "MPa",
    "valid_min": "0",
    "valid_max": "1.6",
}


@requires(Right.MANAGE_DEVICES)
@require_http_methods(["GET", "HEAD", "POST"])
def import_devices(request: HttpRequest) -> HttpResponse:
    """Take in a list of devices, or show how one is written and what became of earlier ones."""
    form = ImportForm(request.POST or None, request.FILES or None)
    done: Imported | None = None
    if request.method == "POST" and form.is_valid():
        done = _taken_in(form, person_of(request))
    status = REFUSED if request.method == "POST" and done is None else 200
    return render(request, "convey/devices_import.html", _context(request, form, done), status=status)


def _taken_in(form: ImportForm, person: PersonView) -> Imported | None:
    file = form.cleaned_data["file"]
    try:
        return facade.import_devices(
            file.read(),
            file=file.name,
            now=timezone.now(),
            person=person,
            all_or_none=form.cleaned_data["all_or_none"],
        )
    except CityloopError as error:
        form.add_error("file", sentence_of(error))
        return None


def _context(request: HttpRequest, form: ImportForm, done: Imported | None) -> dict[str, Any]:
    return {
        "form": form,
        "done": done,
        "keys": _text_of([["code", "key"], *([one.code, one.key] for one in done.made)]) if done else "",
        "refusals": done.refusals[:ROWS_SHOWN_MAX] if done else (),
        "columns": [(name, also, name in facade.NEEDED) for name, also in facade.COLUMNS.items()],
        "units": ", ".join(facade.UNITS),
        "datums": ", ".join(Datum),
        "earlier": [
            (one, registry.actor_name(one.actor))
            for one in facade.imports()
            if Right.OPERATE_PLATFORM in person_of(request).rights or one.actor == person_of(request).actor
        ],
    }


def _text_of(rows: list[list[str]]) -> str:
    return facade.written_sheet(rows).decode("utf-8-sig")


@requires(Right.MANAGE_DEVICES)
@require_safe
def example(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  a view
    """Give an empty list with one row as an example."""
    return _file([list(facade.COLUMNS), [_EXAMPLE.get(name, "") for name in facade.COLUMNS]], "devices.csv")


@requires(Right.MANAGE_DEVICES)
@require_safe
def report(request: HttpRequest, import_id: int) -> HttpResponse:
    """Give what became of each row of a list; keys are not in it, they were shown once.

    Whoever runs the platform reads all reports, everybody else their own.
    """
    person, found = person_of(request), facade.import_of(import_id)
    if found.actor != person.actor and Right.OPERATE_PLATFORM not in person.rights:
        raise NotFoundError(what=Text(f"导入报告 {import_id}", f"report of list {import_id}"))
    heading = [_("line"), _("code"), _("result"), _("column"), _("reason")]
    rows = [
        [
            str(row.line),
            row.code,
            _("made") if row.made else _("refused"),
            row.column,
            in_words(row.reason) if row.reason else "",
        ]
        for row in found.rows
    ]
    return _file([heading, *rows], f"devices-{import_id}.csv")


def _file(rows: list[list[str]], name: str) -> HttpResponse:
    answer = HttpResponse(facade.written_sheet(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
