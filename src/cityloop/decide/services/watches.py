"""Watches: declared by projects, changed by people; every change is a new version."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import F, Q
from django.forms.models import model_to_dict

from cityloop.decide.models import Alarm, Compilation, Lookback, Pending, ScreenRow, Watch, WatchStream
from cityloop.decide.rules import Ladder, Step, check_terms, check_validity, is_asleep, stored_terms
from cityloop.decide.selectors.watches import WatchView, ladder_of, watch_view
from cityloop.decide.services import life
from cityloop.decide.services.choosing import StreamsUnfitError, streams_for
from cityloop.decide.services.machine import forget_bands, hold_lock
from cityloop.journal.facade import post
from cityloop.kernel.areas import CITY
from cityloop.kernel.declarations import JUDGING_ALARMS, Project, WatchKind, WatchSpec, matches_any
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts import new_fact_id
from cityloop.kernel.facts.decided import WatchChanged
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import NO_TERMS, Terms
from cityloop.kernel.text import Text
from cityloop.registry.facade import PersonView, Right, note_change, require
from cityloop.sense import facade as sense

WATCHES_CHANNEL = "cityloop_watches"
"""NOTIFY channel: screens load again; the payload is empty."""

DECLARER = "system:declaration"


class WatchChangedMeanwhileError(CityloopError):
    """Somebody else made a new version while a person edited."""

    key = "Somebody else has changed this watch meanwhile: look at version %(version)s and try again."
    status = 409


class UnknownWatchError(CityloopError):
    """A watch was to suppress one that is not there, or itself."""

    key = "There is no other watch %(watch)s."
    status = 422


class WatchRingError(CityloopError):
    """Declared watches would judge each other's alarms in a ring."""

    key = "The watch %(watch)s would judge its own alarms, by way of %(other)s."
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEdit:
    """What a person may change of a watch.

    Attributes:
        limits: the limit of each level, in the watch's unit.
        hysteresis: in the watch's unit.
        hold_s: seconds.
        basis: where the limits come from.
        confirmed: whether the authority has confirmed them.
        enabled: whether the watch judges.
        note: why.
        off_delay_s: seconds.
        steps: what single levels have of their own.
        starts_at, ends_at: since when and until when it judges, aware, None where that is not limited.
        suppresses: codes of the watches whose alarms are not called out while its own alarm stands.
        suppress_within: of which streams: `stream`, `thing` or `all`.
        terms: what the kind needs beside the limits.
        streams: what names the streams of a watch that a person has made, looked up anew; empty leaves them.
    """

    limits: Mapping[Level, float]
    hysteresis: float
    hold_s: float
    basis: Text
    confirmed: bool
    enabled: bool
    note: str
    off_delay_s: float = 0.0
    steps: Mapping[Level, Step] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    suppresses: tuple[str, ...] = ()
    suppress_within: str = "thing"
    terms: Terms = NO_TERMS
    streams: tuple[str, ...] = ()


def announce() -> None:
    """Tell every screen that the watches have changed, at the commit."""
    if not Compilation.objects.filter(pk=1).update(version=F("version") + 1):
        Compilation.objects.create(pk=1)
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {WATCHES_CHANNEL}")


_LIMITLESS = (WatchKind.SILENT, *JUDGING_ALARMS)
"""Kinds that have limits without saying any."""

_LATER = ("off_delay_s", "terms")
"""What declarations of an older product could not say; where it is not said they are the same as then."""


def fingerprint(spec: WatchSpec) -> str:
    """Return what tells two declarations of a watch apart."""
    told = {name: value for name, value in _values_of(spec).items() if value or name not in _LATER}
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


@transaction.atomic
def declare(project: Project, *, now: datetime) -> int:
    """Make a project's watches stand as declared, and bind them to its streams; idempotent.

    A declaration that has changed makes a new version; limits that a person has changed stay, unless the kind or the
    unit is another. A watch that is declared no more is taken out of force. A declaration that cannot be used raises
    `LimitsError` before anything is written.

    Args:
        project: what it declares; its streams stand already.
        now: when the versions come into force.

    Returns:
        How many watches changed.

    Raises:
        WatchRingError: if one of its watches would judge itself, by way of whichever project's; nothing is kept.
    """
    for spec in project.watches:
        if spec.limits or spec.kind not in _LIMITLESS:
            Ladder.of(
                spec.kind, limits=spec.limits, hysteresis=spec.hysteresis, hold_s=spec.hold_s,
                off_delay_s=spec.off_delay_s,
            )  # fmt: skip
        check_terms(spec.kind, spec.terms, limits=spec.limits, hysteresis=spec.hysteresis)
    hold_lock()
    streams = {view.code.removeprefix(f"{project.code}/"): view for view in sense.streams_of_project(project.code)}
    changed = 0
    for spec in project.watches:
        row, is_new = _declared(spec, project.code, now)
        bound = {view.datastream_id: view.period_s for code, view in streams.items() if matches_any(code, spec.streams)}
        changed += int(bind(row, bound, now) or is_new)
    gone = Watch.objects.filter(project=project.code, valid_until=None).exclude(
        code__in=[w.code for w in project.watches]
    )
    for row in gone:
        _retire(row, now)
        changed += 1
    _refuse_rings(spec.code for spec in project.watches)
    if changed:
        announce()
    return changed


def _refuse_rings(codes: Iterable[str]) -> None:
    """Refuse watches that judge themselves as all watches in force now stand."""
    rows = Watch.objects.filter(valid_until=None, terms__has_key="watches").values_list("code", "terms")
    judged = {code: terms["watches"] for code, terms in rows}
    for code in codes:
        seen, waiting = set[str](), [code]
        while waiting:
            one = waiting.pop()
            named = judged.get(one, ())
            if code in named:
                raise WatchRingError(watch=code, other=one)
            waiting += [other for other in named if other not in seen]
            seen.update(named)


def _declared(spec: WatchSpec, project: str, now: datetime) -> tuple[Watch, bool]:
    declared = fingerprint(spec)
    current = Watch.objects.filter(code=spec.code, valid_until=None).first()
    if current is not None and current.declared == declared:
        return current, False
    values = _values_of(spec) | {"project": project, "declared": declared}
    if current is None:
        return _first(spec.code, values, now), True
    if not current.changed_by.startswith("system:") and (current.kind, current.unit) == (spec.kind, spec.unit):
        for kept in ("limits", "hysteresis", "hold_s", "off_delay_s", "basis_zh", "basis_en", "confirmed", "terms"):
            values.pop(kept)
        return _supersede(current, values, actor=current.changed_by, note=current.change_note, now=now), True
    return _supersede(current, values | {"steps": {}}, actor=DECLARER, note="", now=now), True


def _values_of(spec: WatchSpec) -> dict[str, Any]:
    return {
        "title_zh": spec.title.zh,
        "title_en": spec.title.en,
        "kind": str(spec.kind),
        "patterns": list(spec.streams),
        "limits": _stored(spec.limits),
        "hysteresis": spec.hysteresis,
        "hold_s": spec.hold_s,
        "off_delay_s": spec.off_delay_s,
        "unit": spec.unit,
        "basis_zh": spec.basis.zh,
        "basis_en": spec.basis.en,
        "confirmed": spec.confirmed,
        "case_kind": spec.case_kind,
        "terms": stored_terms(spec.terms),
    }


def _stored(limits: Mapping[Level, float]) -> dict[str, float]:
    return {str(int(level)): float(limits[level]) for level in sorted(limits)}


def _first(code: str, values: dict[str, Any], now: datetime) -> Watch:
    """Make a watch, or take one that was retired into force again."""
    last = Watch.objects.filter(code=code).order_by("-version").first()
    version = last.version + 1 if last is not None else 1
    row = Watch.objects.create(code=code, version=version, valid_from=now, **({"changed_by": DECLARER} | values))
    _tell(row, now)
    return row


def _supersede(current: Watch, changes: dict[str, Any], *, actor: str, note: str, now: datetime) -> Watch:
    """Put a new version in the place of the one in force; what stands under the old one is judged again."""
    values = model_to_dict(current, exclude=["id", "version", "valid_from", "valid_until"]) | changes
    values |= {"changed_by": actor, "change_note": note, "version": current.version + 1, "valid_from": now}
    Watch.objects.filter(pk=current.pk).update(valid_until=now)
    row = Watch.objects.create(**values)
    WatchStream.objects.bulk_create(
        WatchStream(watch=row, datastream_id=old.datastream_id, period_s=old.period_s, bound_at=old.bound_at)
        for old in current.streams.all()
    )
    _judge_again(current, row)
    if not row.enabled or row.asleep:
        end_conditions(row.code, now)
    _tell(row, now)
    return row


def _judge_again(old: Watch, row: Watch) -> None:
    bands = ScreenRow.objects.filter(watch_id=old.pk)
    streams = set(bands.exclude(band=0).values_list("datastream_id", flat=True))
    streams |= set(Alarm.objects.filter(watch_code=row.code, closed_at=None).values_list("datastream_id", flat=True))
    bands.delete()
    Lookback.objects.filter(watch_id=old.pk).delete()
    forget_bands((stream, row.pk) for stream in streams)
    periods = dict(row.streams.values_list("datastream_id", "period_s"))
    for pending in Pending.objects.filter(watch_code=row.code):
        ladder = ladder_of(row, period_s=periods.get(pending.datastream_id))
        stays = ladder is not None and not pending.leaving and Level(pending.level) in ladder.reached(pending.value)
        if not stays:
            pending.delete()


def end_conditions(code: str, now: datetime, *, streams: Collection[int] | None = None) -> None:
    """Clear what stands under a watch that judges no more, at all or on some of its streams."""
    concerned = Q(watch_code=code) if streams is None else Q(watch_code=code, datastream_id__in=streams)
    Pending.objects.filter(concerned).delete()
    standing = Alarm.objects.select_for_update().filter(concerned, closed_at=None, cleared_at=None)
    for alarm in standing.order_by("pk"):
        alarm.cleared_at, alarm.clear_value = now, None
        facts = [life.cleared(alarm, observation_id=0, now=now)]
        alarm.save()
        post(*facts, *(closing := life.closed_if_done(alarm, actor=life.MACHINE_ACTOR, now=now)))
        if closing:
            alarm.save()


def _retire(row: Watch, now: datetime) -> None:
    ScreenRow.objects.filter(watch_id=row.pk).delete()
    Lookback.objects.filter(watch_id=row.pk).delete()
    Watch.objects.filter(pk=row.pk).update(valid_until=now)
    end_conditions(row.code, now)


def _tell(row: Watch, now: datetime) -> None:
    post(
        WatchChanged(
            fact_id=new_fact_id(),
            happened_at=now,
            actor=row.changed_by,
            area=CITY,
            watch_code=row.code,
            watch_version=row.version,
            title=Text(row.title_zh, row.title_en),
            note=row.change_note,
        )
    )


def bind(row: Watch, periods: Mapping[int, float | None], now: datetime) -> bool:
    """Let a version look at exactly these streams; return whether it looked at others."""
    known = {bound.datastream_id: bound for bound in row.streams.all()}
    gone: Sequence[int] = [stream for stream in known if stream not in periods]
    row.streams.filter(datastream_id__in=gone).delete()
    ScreenRow.objects.filter(watch_id=row.pk, datastream_id__in=gone).delete()
    Lookback.objects.filter(watch_id=row.pk, datastream_id__in=gone).delete()
    if gone:
        end_conditions(row.code, now, streams=gone)
    WatchStream.objects.bulk_create(
        WatchStream(watch=row, datastream_id=stream, period_s=period, bound_at=now)
        for stream, period in periods.items()
        if stream not in known
    )
    other_periods = [bound for stream, bound in known.items() if periods.get(stream, bound.period_s) != bound.period_s]
    for bound in other_periods:
        bound.period_s = periods[bound.datastream_id]
    WatchStream.objects.bulk_update(other_periods, ["period_s"])
    return bool(gone or other_periods or periods.keys() - known.keys())


@transaction.atomic
def edit_watch(code: str, *, person: PersonView, edit: WatchEdit, expected_version: int, now: datetime) -> WatchView:
    """Make a new version of a watch with a person's limits.

    Args:
        code: the watch.
        person: who changes it; needs the right to edit watches.
        edit: what it shall be.
        expected_version: the version the person has seen.
        now: when the version comes into force.

    Raises:
        NotFoundError: if there is no such watch.
        WatchChangedMeanwhileError: if another version is in force.
        LimitsError: if the limits cannot be used.
        TermsError: if what its kind needs is missing.
        ScheduleError: if its permitted hours cannot be read.
        ValidityError: if it ends before it begins.
        UnknownWatchError: if it shall suppress or judge a watch that is not there.
        StreamsUnfitError: if its streams are a project's, cannot be watched together or have another unit.
        AccessDeniedError: if the person may not.
    """
    require(person, Right.EDIT_WATCHES, what=f"watch {code}")
    hold_lock()
    current = Watch.objects.select_for_update().filter(code=code, valid_until=None).first()
    if current is None:
        raise NotFoundError(what=code)
    if current.version != expected_version:
        raise WatchChangedMeanwhileError(version=current.version)
    changes = checked(code, WatchKind(current.kind), edit, now)
    periods = _chosen(current, edit)
    if periods is not None:
        changes["patterns"] = list(edit.streams)
    row = _supersede(current, changes, actor=person.actor, note=edit.note, now=now)
    if periods is not None:
        bind(row, periods, now)
    note_change(person, Right.EDIT_WATCHES, what=f"watch {code} version {row.version}")
    announce()
    return watch_view(row)


def _chosen(current: Watch, edit: WatchEdit) -> dict[int, float | None] | None:
    """Return the streams a changed watch shall look at, with their periods; None where they stay."""
    if not edit.streams:
        return None
    if current.project:
        raise StreamsUnfitError(field="streams", reason=Text("由项目声明。", "a project declares them."))
    views, unit = streams_for(edit.streams, WatchKind(current.kind), edit.terms)
    if unit != current.unit:
        raise StreamsUnfitError(field="streams", reason=Text("与规则的单位不同。", "their unit is another."))
    return {view.datastream_id: view.period_s for view in views}


def checked(code: str, kind: WatchKind, edit: WatchEdit, now: datetime) -> dict[str, Any]:
    """Return the columns of a change that can be used."""
    if edit.limits or kind not in _LIMITLESS:
        Ladder.of(
            kind, limits=edit.limits, hysteresis=edit.hysteresis, hold_s=edit.hold_s, off_delay_s=edit.off_delay_s,
            steps=edit.steps,
        )  # fmt: skip
    check_terms(kind, edit.terms, limits=edit.limits, hysteresis=edit.hysteresis)
    check_validity(edit.starts_at, edit.ends_at)
    known = set(Watch.objects.filter(code__in=edit.suppresses, valid_until=None).values_list("code", flat=True))
    if unknown := [other for other in edit.suppresses if other not in known or other == code]:
        raise UnknownWatchError(field="suppresses", watch=unknown[0])
    _check_watches(code, kind, edit.terms.watches)
    return {
        "limits": _stored(edit.limits),
        "hysteresis": edit.hysteresis,
        "hold_s": edit.hold_s,
        "off_delay_s": edit.off_delay_s,
        "steps": _stored_steps(edit.steps),
        "basis_zh": edit.basis.zh,
        "basis_en": edit.basis.en,
        "confirmed": edit.confirmed,
        "enabled": edit.enabled,
        "starts_at": edit.starts_at,
        "ends_at": edit.ends_at,
        "asleep": is_asleep(now, starts_at=edit.starts_at, ends_at=edit.ends_at),
        "suppresses": sorted(set(edit.suppresses)),
        "suppress_within": edit.suppress_within,
        "terms": stored_terms(edit.terms),
    }


def _check_watches(code: str, kind: WatchKind, named: Sequence[str]) -> None:
    """Refuse terms that name a watch that is not there, or one that judges this one in turn."""
    found = {row.code: row for row in Watch.objects.filter(code__in=named, valid_until=None)}
    field = f"{kind}_watches"
    if unknown := [other for other in named if other not in found or other == code]:
        raise UnknownWatchError(field=field, watch=unknown[0])
    seen, waiting = set(named), list(found.values())
    while waiting:
        judged = [one for one in waiting.pop().terms.get("watches", ()) if one not in seen]
        if code in judged:
            raise UnknownWatchError(field=field, watch=code)
        seen |= set(judged)
        waiting += Watch.objects.filter(code__in=judged, valid_until=None)


def _stored_steps(steps: Mapping[Level, Step]) -> dict[str, dict[str, float]]:
    given = {str(int(level)): asdict(steps[level]) for level in sorted(steps)}
    filled = {
        level: {name: value for name, value in step.items() if value is not None} for level, step in given.items()
    }
    return {level: step for level, step in filled.items() if step}


def first_version(code: str, values: dict[str, Any], *, periods: Mapping[int, float | None], now: datetime) -> Watch:
    """Make the first version of a watch, bound to streams with their reporting periods."""
    row = _first(code, values, now)
    bind(row, periods, now)
    return row
