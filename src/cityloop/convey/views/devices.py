"""The ledger of devices: map, rates, who is silent, one device with all that is known of it."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloop.convey.facade import devices as facade
from cityloop.convey.facade.devices import DeviceState, DeviceView, Tally
from cityloop.convey.forms.devices import CalibrationForm, DeviceFilterForm, ReasonForm, SecretForm
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, in_words, may, person_of, requires
from cityloop.sense import facade as sense

PAGE_ROWS = 50
"""How many devices a page of the list shows."""

SILENT_ROWS = 10
"""How many devices the offline top list shows."""

REJECTED_ROWS = 20
"""How many refused messages of a device are shown."""

PAGE_DIGITS_MAX = 6
"""Longest page number that is looked at, digits."""

PAYLOAD_CHARACTERS_MAX = 300
"""How much of a refused message is shown, characters."""

OFFLINE_LEVEL = 3
"""Offline devices stand on the map in yellow, in the shape of that level."""

NOWHERE = Text("未填写", "not given")


@requires(Right.SEE_DEVICES)
@require_safe
def device_list(request: HttpRequest) -> HttpResponse:
    """Show the devices of the person's area and organisation: map, counts, rates, who is silent longest, the list."""
    who, now = person_of(request), timezone.now()
    by_project, by_area, by_vendor = (facade.tallies(who, by=by, now=now) for by in ("project", "area", "vendor"))
    form = DeviceFilterForm(
        request.GET,
        areas=_areas_of(who),
        projects=[tally.key for tally in by_project if tally.key],
        vendors=[tally.key for tally in by_vendor if tally.key],
    )
    number = _page_asked(request.GET.get("page", ""))
    asked = form.asked()
    page = facade.ledger_page(who, asked, now=now, after=(number - 1) * PAGE_ROWS, limit=PAGE_ROWS, silent=SILENT_ROWS)
    query = request.GET.copy()
    query.pop("page", None)
    names = registry.area_names({one.area for one in (*page.devices, *page.silent)} | _codes(by_area))
    context = {
        "form": form,
        "ledger": page,
        "rows": [(one, names.get(one.area)) for one in page.devices],
        "silent": [(one, names.get(one.area)) for one in page.silent],
        "counts": [(state, number) for state, number in page.counts.items()],
        "groups": _groups(by_project, by_area, by_vendor, names),
        "total": _total(by_project),
        "map": _map(page.points, who),
        "page": number,
        "query": query.urlencode(),
        "has_more": number * PAGE_ROWS < page.number,
        "may_manage": may(who, Right.MANAGE_DEVICES),
        "is_narrowed": any(request.GET.get(name) for name in form.fields),
        "basis": facade.terms()["silent_periods"],
    }
    return render(request, "convey/devices.html", context)


def _page_asked(text: str) -> int:
    is_page = text.isdecimal() and len(text) <= PAGE_DIGITS_MAX
    return max(1, int(text)) if is_page else 1


def _areas_of(who: PersonView) -> list[tuple[AreaCode, Text]]:
    views = [view for view in registry.districts() if may(who, Right.SEE_DEVICES, area=view.code)]
    return [(view.code, Text(view.name_zh, view.name_en)) for view in views]


def _codes(tallies: Iterable[Tally]) -> set[AreaCode]:
    return {AreaCode(tally.key) for tally in tallies}


def _groups(
    by_project: list[Tally], by_area: list[Tally], by_vendor: list[Tally], names: dict[AreaCode, Text]
) -> list[tuple[str, list[tuple[Any, Tally]]]]:
    return [
        (_("By project"), [(tally.key or NOWHERE, tally) for tally in by_project]),
        (_("By district"), [(names.get(AreaCode(tally.key), tally.key), tally) for tally in by_area]),
        (_("By vendor"), [(tally.key or NOWHERE, tally) for tally in by_vendor]),
    ]


def _total(tallies: list[Tally]) -> Tally:
    return Tally(
        key="",
        devices=sum(tally.devices for tally in tallies),
        in_service=sum(tally.in_service for tally in tallies),
        online=sum(tally.online for tally in tallies),
        received=sum(tally.received for tally in tallies),
        expected=sum(tally.expected for tally in tallies),
    )


def _map(points: Iterable[DeviceView], who: PersonView) -> dict[str, Any]:
    return {
        "districts": {
            code: {"name": in_words(name), "level": None, "count": 0}
            for code, name in ((view.code, Text(view.name_zh, view.name_en)) for view in registry.districts())
            if may(who, Right.SEE_DEVICES, area=code)
        },
        "points": [
            {
                "name": f"{in_words(one.title)} · {in_words(one.state.words)}",
                "longitude": one.longitude,
                "latitude": one.latitude,
                "level": OFFLINE_LEVEL if one.state is DeviceState.OFFLINE else None,
            }
            for one in points
        ],
    }


@requires(Right.SEE_DEVICES)
@require_safe
def device(request: HttpRequest, code: str) -> HttpResponse:
    """Show one device: its life, last readings, refused messages, channels, credentials, and what can be done."""
    return device_page(request, facade.device(code, person=person_of(request)))


def device_page(request: HttpRequest, found: DeviceView, *, status: int = 200, **more: Any) -> HttpResponse:
    """Return the page of a device.

    Args:
        request: who asks.
        found: the device.
        status: of the answer.
        more: what an act adds: a form with faults, a key that is shown this once.
    """
    who, now = person_of(request), timezone.now()
    channels, changes = _with_latest(facade.channels_of(found)), facade.changes_of(found)
    heard = [found.last_heard_at, *(latest.received_at for _channel, _stream, latest in channels if latest)]
    manages = facade.may_manage(who, found)
    need = facade.need_at(now)
    context = {
        "device": found,
        "place": registry.area_name(found.area),
        "owner": registry.organisation_name(found.organisation) if found.organisation else None,
        "channels": channels,
        "heard_at": max((at for at in heard if at is not None), default=None),
        "changes": [(one, registry.actor_name(one.actor)) for one in changes],
        "rejected": [
            (one, one.payload[:PAYLOAD_CHARACTERS_MAX].decode("utf-8", "replace"))
            for one in facade.rejected_of(found, limit=REJECTED_ROWS)
        ],
        "keys": facade.credentials_of(found) if manages else [],
        "manages": manages,
        "may_trace": may(who, Right.SEE_TRACE),
        "acts": facade.acts_from(found.state) if manages else (),
        "may_speak": found.state not in facade.SILENCED,
        "is_overdue": found.calibration_due_on is not None and found.calibration_due_on < timezone.localdate(now),
        "is_skewed": found.clock_skew_s is not None and abs(found.clock_skew_s) > need.clock_skew_s,
        "is_impossible": found.impossible_count >= need.impossible,
        "terms": facade.terms(),
        "now": now,
        "reason_form": ReasonForm(),
        "calibration_form": CalibrationForm(),
        "secret_form": SecretForm(),
        **more,
    }
    return render(request, "convey/device.html", context, status=status)


def _with_latest(channels: list[facade.ChannelView]) -> list[tuple[Any, Any, Any]]:
    latest = sense.latest_of(channel.datastream_id for channel in channels)
    return [(channel, _stream(channel.datastream_id), latest.get(channel.datastream_id)) for channel in channels]


def _stream(datastream_id: int) -> sense.StreamView | None:
    try:
        return sense.stream_view(datastream_id)
    except NotFoundError:
        return None
