"""The terms of a watch: checked, and as they are stored."""

import math
from collections.abc import Mapping
from typing import Any

from cityloop.decide.rules.counting import EVENTS_MAX, SPAN_S_MAX
from cityloop.decide.rules.ladder import LimitsError
from cityloop.decide.rules.nearing import MINUTES_MAX, READINGS_MAX, READINGS_MIN
from cityloop.decide.rules.points import POINTS_MAX, ROWS_MAX
from cityloop.decide.rules.schedule import spans_of
from cityloop.kernel.declarations import JUDGING_ALARMS, WatchKind
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import NO_TERMS, Rise, Terms
from cityloop.kernel.text import Text

WATCHES_MAX = 50
"""How many watches the terms of one name at the most."""


WITHIN = ("all", "district")
"""Whose alarms stop a thing: everybody's, or those of its own district."""


class TermsError(CityloopError):
    """Terms that a kind of watch cannot be used with."""

    key = "This watch lacks something: %(reason)s"
    status = 422


def check_terms(kind: WatchKind, terms: Terms, *, limits: Mapping[Level, float], hysteresis: float) -> None:
    """Refuse terms that a kind cannot be used with.

    Args:
        kind: how the watch judges.
        terms: what it needs beside its limits.
        limits: the limit of each level, in the watch's unit.
        hysteresis: dead band, in the watch's unit.

    Raises:
        TermsError: if something is missing or out of bounds.
        LimitsError: if the limits cannot be reached, or would chatter.
        ScheduleError: if a line of a schedule cannot be read.
    """
    numbers = [terms.span_s, *([] if terms.limit is None else [terms.limit])]
    if not all(math.isfinite(number) for number in numbers) or len(terms.watches) > WATCHES_MAX:
        raise TermsError(reason=Text("数值或规则过多。", "a number is not finite, or it names too many watches."))
    if kind in JUDGING_ALARMS:
        _check_table(terms, hysteresis)
    if not limits:
        return  # a ladder without limits is refused as such
    if kind is WatchKind.COUNT:
        _check_count(terms, limits, hysteresis)
    elif kind is WatchKind.MINUTES:
        _check_minutes(terms, limits, hysteresis)
    elif kind is WatchKind.SCHEDULE:
        _check_schedule(terms, limits, hysteresis)


def _check_count(terms: Terms, limits: Mapping[Level, float], hysteresis: float) -> None:
    if not 0 < terms.span_s <= SPAN_S_MAX:
        raise TermsError(field="count_span_s", reason=Text("时间窗须在31天以内。", "a window of up to 31 days."))
    if (terms.limit is None) == (not terms.watches):
        said = Text("要么读数限值，要么报警规则。", "either a limit of readings or watches whose alarms count.")
        raise TermsError(field="count_limit", reason=said)
    if max(limits.values()) > EVENTS_MAX:
        raise LimitsError(reason=Text("次数不能超过1000。", "no more than 1,000 events are counted."))
    if hysteresis >= min(limits.values()):
        raise LimitsError(reason=Text("回差须小于限值。", "the dead band must be below the limits."))


def _check_minutes(terms: Terms, limits: Mapping[Level, float], hysteresis: float) -> None:
    if terms.limit is None:
        raise TermsError(field="minutes_limit", reason=Text("须有要到达的限值。", "the limit that is neared."))
    if not READINGS_MIN <= terms.readings <= READINGS_MAX:
        said = Text("斜率须取3至30个读数。", "a slope of 3 to 30 readings.")
        raise TermsError(field="minutes_readings", reason=said)
    if not 0 <= terms.span_s <= SPAN_S_MAX:
        raise TermsError(field="minutes_span_s", reason=Text("时间窗须在31天以内。", "a window of up to 31 days."))
    if hysteresis <= 0:
        raise LimitsError(reason=Text("分钟数会跳动，须有回差。", "minutes left jump about: a dead band is needed."))
    if max(limits.values()) + hysteresis >= MINUTES_MAX:
        raise LimitsError(reason=Text("限值和回差须在一周以内。", "limits and dead band stay below a week."))


def _check_schedule(terms: Terms, limits: Mapping[Level, float], hysteresis: float) -> None:
    spans_of(terms.permitted)
    if hysteresis >= min(limits.values()):
        raise LimitsError(reason=Text("回差须小于限值。", "the dead band must be below the limits."))
    if terms.any_reading and max(limits.values()) > 1:
        said = Text("任何读数都算时，限值不超过1。", "where any reading counts no limit is above 1.")
        raise LimitsError(reason=said)


def _check_table(terms: Terms, hysteresis: float) -> None:
    if not terms.watches:
        raise TermsError(reason=Text("须有其报警参与判断的规则。", "watches whose alarms it judges."))
    if not 1 <= len(terms.table) <= ROWS_MAX or not all(1 <= rise.points <= POINTS_MAX for rise in terms.table):
        raise TermsError(reason=Text("须有1至16行的级别表。", "a table of levels of 1 to 16 rows."))
    if hysteresis:
        raise LimitsError(reason=Text("此类规则没有回差，可用延时。", "this kind has no dead band; delay it instead."))
    if terms.within not in WITHIN:
        raise TermsError(reason=Text("范围须为全部或本区。", "a reach: all, or the district."))


def stored_terms(terms: Terms) -> dict[str, Any]:
    """Return terms as they are stored: JSON values, without what stays as it is."""
    told = {name: getattr(terms, name) for name in Terms.__dataclass_fields__}
    told["table"] = [[rise.points, int(rise.at), int(rise.makes)] for rise in terms.table]
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
    return {name: value for name, value in plain.items() if value != _PLAIN[name]}


_PLAIN: dict[str, Any] = {
    name: [] if getattr(NO_TERMS, name) == () else getattr(NO_TERMS, name) for name in Terms.__dataclass_fields__
}


def terms_of(stored: Mapping[str, Any]) -> Terms:
    """Return terms as they were stored."""
    told: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    if "table" in told:
        told["table"] = tuple(Rise(points, Level(at), Level(makes)) for points, at, makes in stored["table"])
    return Terms(**told)
