"""Which streams a watch that a person makes looks at, and the unit it is in."""

from collections.abc import Iterable

from cityloop.decide.models import ForecastStream
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.terms import NO_TERMS, Terms
from cityloop.kernel.text import Text
from cityloop.sense import facade as sense

STREAMS_PER_WATCH_MAX = 1000
"""How many streams a watch that a person makes may look at."""

HALF_BAND = "q80"
"""Unit of a distance from a forecast: half of its 80 % band, so that 1 is the end of the band."""

_COUNTED = {WatchKind.COUNT: "×", WatchKind.MINUTES: "min", WatchKind.GROUP: "/4", WatchKind.STOP: "/4"}
"""Units of kinds that judge something else than the streams' own values; those may differ then.

A level is told as a grade of four: blue 1, yellow 2, orange 3, red 4."""


class StreamsUnfitError(CityloopError):
    """The streams that were named cannot be watched together."""

    key = "These streams cannot be watched: %(reason)s"
    status = 422


def streams_for(names: Iterable[str], kind: WatchKind, terms: Terms = NO_TERMS) -> tuple[list[sense.StreamView], str]:
    """Return the streams that are named and the unit a watch of them is in.

    Args:
        names: codes, `prefix*` patterns, `#id` numbers.
        kind: how the watch judges.
        terms: what it needs beside its limits.

    Raises:
        StreamsUnfitError: if there are none, too many, or the units of what is compared with a limit differ.
    """
    views = sense.streams_named(names, streams_max=STREAMS_PER_WATCH_MAX + 1)
    if not views:
        raise StreamsUnfitError(field="streams", reason=Text("没有名称相符的数据流。", "none has such a code."))
    if len(views) > STREAMS_PER_WATCH_MAX:
        raise StreamsUnfitError(field="streams", reason=Text("数据流过多，最多1000条。", "there are more than 1,000."))
    if kind in (WatchKind.STUCK, WatchKind.SILENT):
        return views, "s"
    if kind is WatchKind.SCHEDULE and terms.any_reading:
        return views, "×"
    if kind in _COUNTED:
        return views, _COUNTED[kind]
    if kind is WatchKind.BASELINE:
        return views, "σ"
    if kind is WatchKind.FORECAST:
        if not ForecastStream.objects.filter(datastream_id__in=[view.datastream_id for view in views]).exists():
            raise StreamsUnfitError(field="streams", reason=Text("这些数据流没有预测。", "none of them is forecast."))
        return views, HALF_BAND
    units = {view.unit_symbol for view in views}
    if len(units) > 1:
        raise StreamsUnfitError(field="streams", reason=Text("单位不一致。", "their units differ."))
    unit = units.pop() or "1"
    return views, f"{unit}/min" if kind is WatchKind.RATE else unit
