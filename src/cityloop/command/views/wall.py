"""The wall screen, its data and its words."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from cityloop.command import facade
from cityloop.command.views.picture import bar_in_words, picture_in_words
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.levels import Level
from cityloop.registry.facade import Right, district_shapes, in_words, person_of, personal, reach_of, requires


@require_GET
@requires(Right.SEE_WALL)
@ensure_csrf_cookie
def wall(request: HttpRequest) -> HttpResponse:
    """Show the wall."""
    person = person_of(request)
    area = reach_of(person, Right.SEE_WALL)
    picture = facade.picture(area)
    duty = facade.on_duty(area)
    bar = bar_in_words(picture)
    bar["duty"] = {"officers": [in_words(duty.taking_over_name)] if duty else []}
    bar["may_act"] = Right.ACT_ON_ALARMS in person.rights
    bar["may_hand_over"] = Right.HAND_OVER_SHIFT in person.rights
    data = {**picture_in_words(picture), "may_act": bar["may_act"], "may_hand_over": bar["may_hand_over"]}
    return render(request, "command/wall.html", {"wall": bar, "data": data, "words": _words()})


@require_GET
@requires(Right.SEE_WALL)
@cache_control(no_store=True)
def wall_data(request: HttpRequest) -> HttpResponse:
    """Return the picture of this moment as JSON."""
    return JsonResponse(picture_in_words(facade.picture(reach_of(person_of(request), Right.SEE_WALL))))


@require_GET
@personal
@cache_control(private=True, max_age=3600)
def districts(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  every view takes its request
    """Return the outlines of the districts as GeoJSON, WGS 84."""
    return JsonResponse(district_shapes())


_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
RANGE_BYTES_MAX = 8 * 1024 * 1024
"""Longest part of the base map given at once."""


@require_GET
@personal
def base_map_file(request: HttpRequest) -> HttpResponseBase:
    """Return a part of the PMTiles file of this machine: browsers read such files by ranges."""
    file = Path(settings.CITYLOOP_BASE_MAP)
    if not settings.CITYLOOP_BASE_MAP or "://" in settings.CITYLOOP_BASE_MAP or not file.is_file():
        raise NotFoundError(what=gettext("The base map"))
    size, asked = file.stat().st_size, _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first = int(asked[1])
    last = min(int(asked[2] or size - 1), size - 1, first + RANGE_BYTES_MAX - 1)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    with file.open("rb") as opened:
        opened.seek(first)
        part = opened.read(last - first + 1)
    headers = {"Content-Range": f"bytes {first}-{last}/{size}", "Accept-Ranges": "bytes"}
    return HttpResponse(part, status=206, content_type="application/vnd.pmtiles", headers=headers)


def _words() -> dict[str, Any]:
    """Return every word the wall's script says."""
    return {
        "text": "en" if (get_language() or "").startswith("en") else "zh",
        "levels": {int(level): f"{in_words(level.colour)} {level.roman}" for level in Level},
        "none": gettext("none"),
        "none_open": gettext("no open alarm"),
        "states": {
            "raised": gettext("not acknowledged"),
            "acknowledged": gettext("acknowledged"),
            "shelved": gettext("shelved"),
            "cleared": gettext("cleared"),
        },
        "alarms_open": gettext("open alarms"),
        "more": gettext("and {n} more"),
        "seconds": gettext("{n} s ago"),
        "minutes": gettext("{n} min ago"),
        "hours": gettext("{n} h {m} min ago"),
        "days": gettext("{n} d {m} h ago"),
        "no_base_map": gettext("No base map is set"),
        "no_webgl": gettext("This browser cannot draw the base map"),
        "curve": gettext("curve of today and earlier days; the table below says the same"),
        "arrived": gettext("arrived"),
        "whole_day": gettext("whole day"),
        "no_history": gettext("no earlier day to compare"),
        "hour_from": gettext("from {at}"),
        "live_data": gettext("live"),
        "projects_open": gettext("{n} projects of the plan are not connected yet"),
        "connecting": gettext("connecting"),
        "live": gettext("live"),
        "old": gettext("Feed interrupted, reconnecting; last news {at}"),
        "sound_on": gettext("Sound on"),
        "sound_off": gettext("Sound off"),
        "sound_waits": gettext("Sound waits for a key"),
        "refused": gettext("The server has refused this."),
        "unreachable": gettext("The server cannot be reached."),
    }
