"""Reads of watches."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, QuerySet

from cityloop.decide.models import Watch, WatchStream
from cityloop.decide.rules import Ladder, Step, terms_of
from cityloop.decide.rules.points import grades
from cityloop.kernel.declarations import JUDGING_ALARMS, WatchKind
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import NO_TERMS, Terms
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchView:
    """One version of a watch.

    Attributes:
        watch_id: the version's row.
        code: the watch, the same in all versions.
        version: from 1.
        project: code of the application project that declared it.
        title: its name, the title of its alarms.
        kind: how it judges.
        limits: the limit of each level, in `unit`; empty for a `silent` watch that follows the reporting period.
        hysteresis: in `unit`.
        hold_s: seconds.
        unit: unit symbol.
        basis: where the limits come from.
        confirmed: whether the authority has confirmed them.
        off_delay_s: seconds.
        steps: what single levels have of their own.
        enabled: whether it judges at all.
        starts_at, ends_at: since when and until when it judges, None where that is not limited.
        asleep: whether the present lies outside of that.
        suppresses: codes of the watches whose alarms are not called out while its own alarm stands.
        suppress_within: of which streams: `stream` the same, `thing` those of the same device, `all`.
        case_kind: kind of case its alarms open, empty for none.
        changed_by: actor code of whoever made the version.
        change_note: why.
        valid_from: since when the version is in force.
        valid_until: until when it was, None for the version in force.
        streams: how many streams it looks at.
        terms: what its kind needs beside the limits.
        patterns: codes, `prefix*` patterns and `#id` numbers its streams were looked up by.
    """

    watch_id: int
    code: str
    version: int
    project: str
    title: Text
    kind: WatchKind
    limits: dict[Level, float]
    hysteresis: float
    hold_s: float
    unit: str
    basis: Text
    confirmed: bool
    enabled: bool
    case_kind: str
    changed_by: str
    change_note: str
    valid_from: datetime
    valid_until: datetime | None
    streams: int = 0
    off_delay_s: float = 0.0
    steps: dict[Level, Step] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    asleep: bool = False
    suppresses: tuple[str, ...] = ()
    suppress_within: str = "thing"
    terms: Terms = NO_TERMS
    patterns: tuple[str, ...] = ()


def limits_of(stored: dict[str, float]) -> dict[Level, float]:
    """Return limits as they are stored, gravest level first."""
    return {Level(int(level)): float(limit) for level, limit in sorted(stored.items())}


def watch_view(row: Watch) -> WatchView:
    """Return a version's row as others see it."""
    return WatchView(
        watch_id=row.pk,
        code=row.code,
        version=row.version,
        project=row.project,
        title=Text(row.title_zh, row.title_en),
        kind=WatchKind(row.kind),
        limits=limits_of(row.limits),
        hysteresis=row.hysteresis,
        hold_s=row.hold_s,
        unit=row.unit,
        basis=Text(row.basis_zh, row.basis_en),
        confirmed=row.confirmed,
        enabled=row.enabled,
        case_kind=row.case_kind,
        changed_by=row.changed_by,
        change_note=row.change_note,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        streams=getattr(row, "stream_count", 0),
        off_delay_s=row.off_delay_s,
        steps={Level(int(level)): Step(**step) for level, step in sorted(row.steps.items())},
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        asleep=row.asleep,
        suppresses=tuple(row.suppresses),
        suppress_within=row.suppress_within,
        terms=terms_of(row.terms),
        patterns=tuple(row.patterns),
    )


def watches(*, project: str | None = None) -> list[WatchView]:
    """Return the watches in force, also those switched off, by project and code."""
    rows = Watch.objects.filter(valid_until=None).annotate(stream_count=Count("streams")).order_by("project", "code")
    return [watch_view(row) for row in (rows.filter(project=project) if project is not None else rows)]


def watch(code: str) -> WatchView:
    """Return the version of a watch that is in force.

    Raises:
        NotFoundError: if there is no such watch.
    """
    rows = Watch.objects.filter(code=code, valid_until=None).annotate(stream_count=Count("streams"))
    row = rows.first()
    if row is None:
        raise NotFoundError(what=code)
    return watch_view(row)


def streams_of_watch(code: str) -> tuple[int, ...]:
    """Return the streams the version in force looks at, by number."""
    bound = WatchStream.objects.filter(watch__code=code, watch__valid_until=None).order_by("datastream_id")
    return tuple(bound.values_list("datastream_id", flat=True))


def watch_versions(code: str) -> list[WatchView]:
    """Return all versions of a watch, newest first."""
    rows = Watch.objects.filter(code=code).annotate(stream_count=Count("streams")).order_by("-version")
    return [watch_view(row) for row in rows]


def watch_version(watch_id: int) -> WatchView | None:
    """Return one version by its row, None where it is gone."""
    row = Watch.objects.filter(pk=watch_id).annotate(stream_count=Count("streams")).first()
    return watch_view(row) if row is not None else None


_WATCH = "watch:"


def actor_names(actors: Iterable[str]) -> dict[str, Text]:
    """Return what to call the actors of facts, watches by their titles.

    Args:
        actors: codes `kind:key`, such as `person:17`, `watch:lifelines.water-pressure-low`.
    """
    names = registry.actor_names(actors)
    codes = {actor.removeprefix(_WATCH) for actor in names if actor.startswith(_WATCH)}
    rows = Watch.objects.filter(code__in=codes).order_by("version") if codes else ()
    for row in rows:
        names[f"{_WATCH}{row.code}"] = Text(f"监测规则“{row.title_zh}”", f"watch “{row.title_en}”")
    return names


def in_use() -> QuerySet[Watch]:
    """Return the rows that judge at present: in force, switched on, within their time."""
    return Watch.objects.filter(valid_until=None, enabled=True, asleep=False)


def in_force(codes: Iterable[str]) -> dict[str, Watch]:
    """Return the rows that judge at present, by code."""
    return {row.code: row for row in in_use().filter(code__in=set(codes))}


def codes_of(watch_ids: Iterable[int]) -> dict[int, str]:
    """Return the watch each version belongs to."""
    return dict(Watch.objects.filter(pk__in=set(watch_ids)).values_list("pk", "code"))


SILENT_PERIODS = 3
"""A `silent` watch without limits of its own takes this many reporting periods (domain reference, section 2)."""

SILENT_LEVEL = Level.BLUE
"""The level it then raises (house default, to be confirmed by the authority)."""


def usual_limits(kind: str, period_s: float | None, terms: Terms = NO_TERMS) -> dict[Level, float]:
    """Return the limits of a watch that has none of its own on a stream; none where it follows no period.

    Args:
        kind: how it judges.
        period_s: the stream's reporting period, seconds; None where it is not known.
        terms: what the kind needs; of one that judges alarms the levels its table makes, as grades.
    """
    if kind in JUDGING_ALARMS:
        return grades(terms.table)
    return {SILENT_LEVEL: SILENT_PERIODS * period_s} if kind == WatchKind.SILENT and period_s else {}


def ladder_of(row: Watch, *, period_s: float | None = None) -> Ladder | None:
    """Return the ladder of a version on a stream.

    Args:
        row: the version.
        period_s: the stream's reporting period, seconds; None where it is not known.

    Returns:
        None where there is nothing to judge by: a `silent` watch without limits on a stream without a period, or
        limits that cannot be used.
    """
    usual = {} if row.limits else usual_limits(row.kind, period_s, terms_of(row.terms))
    return Ladder.stored(
        row.kind,
        limits=row.limits or {str(int(level)): limit for level, limit in usual.items()},
        hysteresis=row.hysteresis,
        hold_s=row.hold_s,
        off_delay_s=row.off_delay_s,
        steps=row.steps,
    )


def bindings_of(watch_ids: Iterable[int]) -> dict[tuple[int, int], float | None]:
    """Return the reporting period, in seconds, of each (version, stream) that is bound."""
    rows = WatchStream.objects.filter(watch_id__in=set(watch_ids))
    return {
        (watch_id, stream): period
        for watch_id, stream, period in rows.values_list("watch_id", "datastream_id", "period_s")
    }
