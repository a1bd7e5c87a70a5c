"""What happens to one alarm: each function changes the row in memory and returns the fact that says so.

The caller saves the row and posts the facts in one transaction.
"""

from datetime import datetime
from uuid import UUID

from cityloop.decide.models import Alarm, Watch
from cityloop.decide.rules import AlarmState, Event, Ladder, is_done, state_of
from cityloop.decide.selectors.streams import Place
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.facts import Fact, Ref, new_fact_id
from cityloop.kernel.facts.decided import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmClosed,
    AlarmLevelChanged,
    AlarmRaised,
    AlarmReleased,
    AlarmRepeated,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
    ShelvingDeclined,
    ShelvingRequested,
)
from cityloop.kernel.instants import from_us
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

MACHINE_ACTOR = "system:alarm-machine"


def reading(observation_id: int) -> tuple[Ref, ...]:
    """Return the reference to a reading, none where there is no reading."""
    return (Ref.observation(observation_id),) if observation_id else ()


def settle(alarm: Alarm) -> None:
    """Bring an alarm's state in line with what has happened to it."""
    alarm.state = state_of(
        acknowledged=alarm.acknowledged_at is not None,
        shelved=alarm.shelved_until is not None,
        suppressed=alarm.suppressed_at is not None,
        cleared=alarm.cleared_at is not None,
        closed=alarm.closed_at is not None,
    )


def _after(alarm: Alarm, fact: Fact) -> None:
    alarm.last_fact = fact.fact_id
    settle(alarm)


def _past(alarm: Alarm, *more: Ref) -> tuple[Ref, ...]:
    before = (Ref.fact(alarm.last_fact),) if isinstance(alarm.last_fact, UUID) else ()
    return (*before, *more)


def _points(alarm: Alarm) -> tuple[Ref, ...]:
    """Return the references to what raised the points of an alarm that several make."""
    return tuple(Ref.fact(UUID(point["fact"])) for point in alarm.points if point["fact"])


def new_alarm(watch: Watch, ladder: Ladder, event: Event, *, datastream_id: int, place: Place, now: datetime) -> Alarm:  # noqa: PLR0913  each says one thing
    """Return the unsaved alarm of a rise."""
    rung = ladder.rung(event.level)
    return Alarm(
        watch_id=watch.pk,
        watch_code=watch.code,
        watch_version=watch.version,
        watch_kind=watch.kind,
        project=watch.project,
        title_zh=watch.title_zh,
        title_en=watch.title_en,
        case_kind=watch.case_kind,
        datastream_id=datastream_id,
        observation_id=event.sample.observation_id,
        area=place.area,
        longitude=place.longitude,
        latitude=place.latitude,
        thing_zh=place.thing.zh,
        thing_en=place.thing.en,
        state=AlarmState.RAISED,
        level=event.level,
        level_worst=event.level,
        value=event.sample.value,
        threshold=ladder.limit_of(event.level),
        unit=watch.unit,
        hysteresis=rung.dead_band,
        hold_s=rung.on_us / 1_000_000,
        off_delay_s=rung.off_us / 1_000_000,
        first_at=from_us(event.sample.at_us),
        last_at=from_us(event.at_us),
        raised_at=now,
    )


def raised(alarm: Alarm, *, now: datetime) -> AlarmRaised:
    """Return the fact that a saved alarm stands."""
    fact = AlarmRaised(
        fact_id=new_fact_id(),
        happened_at=now,
        actor=f"watch:{alarm.watch_code}",
        area=AreaCode(alarm.area),
        causes=_past(alarm, *reading(alarm.observation_id), *_points(alarm)),
        alarm_id=alarm.pk,
        title=Text(alarm.title_zh, alarm.title_en),
        level=Level(alarm.level),
        watch_code=alarm.watch_code,
        watch_version=alarm.watch_version,
        project=alarm.project,
        datastream_id=alarm.datastream_id,
        thing_name=Text(alarm.thing_zh, alarm.thing_en),
        value=alarm.value,
        threshold=alarm.threshold,
        unit=alarm.unit,
        longitude=alarm.longitude,
        latitude=alarm.latitude,
        case_kind=alarm.case_kind,
    )
    alarm.raised_fact = fact.fact_id
    _after(alarm, fact)
    return fact


def level_changed(alarm: Alarm, *, level_before: Level, now: datetime) -> AlarmLevelChanged:
    """Return the fact that a standing alarm has another level; the row holds it already."""
    fact = AlarmLevelChanged(
        fact_id=new_fact_id(), happened_at=now, actor=f"watch:{alarm.watch_code}", area=AreaCode(alarm.area),
        causes=_past(alarm, *reading(alarm.observation_id), *_points(alarm)), alarm_id=alarm.pk,
        title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), level_before=level_before,
        value=alarm.value,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def repeated(alarm: Alarm, *, now: datetime) -> AlarmRepeated:
    """Return the fact that the condition of an open alarm came back; the row counts it already."""
    fact = AlarmRepeated(
        fact_id=new_fact_id(), happened_at=now, actor=f"watch:{alarm.watch_code}", area=AreaCode(alarm.area),
        causes=_past(alarm, *reading(alarm.observation_id)), alarm_id=alarm.pk,
        title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), count=alarm.count, value=alarm.value,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def cleared(alarm: Alarm, *, observation_id: int, now: datetime) -> AlarmCleared:
    """Return the fact that the condition has ended; the row holds the return already."""
    fact = AlarmCleared(
        fact_id=new_fact_id(), happened_at=now, actor=f"watch:{alarm.watch_code}", area=AreaCode(alarm.area),
        causes=_past(alarm, *reading(observation_id)), alarm_id=alarm.pk,
        title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), value=alarm.clear_value,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def acknowledged(alarm: Alarm, *, actor: str, note: str, now: datetime) -> AlarmAcknowledged:
    """Note that a person has taken note."""
    alarm.acknowledged_at, alarm.acknowledged_by, alarm.note = now, actor, note
    fact = AlarmAcknowledged(
        fact_id=new_fact_id(), happened_at=now, actor=actor, area=AreaCode(alarm.area), causes=_past(alarm),
        alarm_id=alarm.pk, title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), note=note,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def shelved(  # noqa: PLR0913  each says one thing
    alarm: Alarm, *, actor: str, reason: str, until: datetime, consented_by: str, now: datetime
) -> AlarmShelved:
    """Silence an alarm until a moment."""
    alarm.shelved_at, alarm.shelved_by, alarm.shelved_until = now, actor, until
    alarm.shelve_reason, alarm.shelve_level, alarm.shelve_consent_by = reason, alarm.level, consented_by
    fact = AlarmShelved(
        fact_id=new_fact_id(), happened_at=now, actor=actor, area=AreaCode(alarm.area), causes=_past(alarm),
        alarm_id=alarm.pk, title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), reason=reason,
        until=until.isoformat(), consented_by=consented_by,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def unshelved(alarm: Alarm, *, actor: str, reason: str, now: datetime) -> AlarmUnshelved:
    """Bring a silenced alarm back; why it was silenced stays on the row."""
    alarm.shelved_until = None
    fact = AlarmUnshelved(
        fact_id=new_fact_id(), happened_at=now, actor=actor, area=AreaCode(alarm.area), causes=_past(alarm),
        alarm_id=alarm.pk, title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), reason=reason,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def shelving_requested(alarm: Alarm, *, actor: str, reason: str, until: datetime, now: datetime) -> ShelvingRequested:
    """Return the fact that somebody asks for a grave alarm to be shelved."""
    fact = ShelvingRequested(
        fact_id=new_fact_id(), happened_at=now, actor=actor, area=AreaCode(alarm.area), causes=_past(alarm),
        alarm_id=alarm.pk, title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), reason=reason,
        until=until.isoformat(),
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def shelving_declined(alarm: Alarm, *, actor: str, outcome: str, note: str, now: datetime) -> ShelvingDeclined:
    """Return the fact that a request to shelve came to nothing."""
    fact = ShelvingDeclined(
        fact_id=new_fact_id(), happened_at=now, actor=actor, area=AreaCode(alarm.area), causes=_past(alarm),
        alarm_id=alarm.pk, title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), outcome=outcome,
        note=note,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def suppressed(alarm: Alarm, *, by: str, now: datetime) -> AlarmSuppressed:
    """Let an alarm call nobody while the alarm of another watch stands."""
    alarm.suppressed_at, alarm.suppressed_by = now, by
    fact = AlarmSuppressed(
        fact_id=new_fact_id(), happened_at=now, actor=f"watch:{by}", area=AreaCode(alarm.area),
        causes=_past(alarm, *reading(alarm.observation_id)), alarm_id=alarm.pk,
        title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), suppressed_by=by, value=alarm.value,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def released(alarm: Alarm, *, now: datetime) -> AlarmReleased:
    """Let a suppressed alarm call again."""
    by = alarm.suppressed_by
    alarm.suppressed_at, alarm.suppressed_by = None, ""
    fact = AlarmReleased(
        fact_id=new_fact_id(), happened_at=now, actor=MACHINE_ACTOR, area=AreaCode(alarm.area), causes=_past(alarm),
        alarm_id=alarm.pk, title=Text(alarm.title_zh, alarm.title_en), level=Level(alarm.level), suppressed_by=by,
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def closed(alarm: Alarm, *, actor: str, now: datetime, causes: tuple[Ref, ...] = ()) -> AlarmClosed:
    """Close an alarm."""
    alarm.closed_at, alarm.closed_by, alarm.shelved_until, alarm.suppressed_at = now, actor, None, None
    fact = AlarmClosed(
        fact_id=new_fact_id(), happened_at=now, actor=actor, area=AreaCode(alarm.area),
        causes=_past(alarm, *causes), alarm_id=alarm.pk, title=Text(alarm.title_zh, alarm.title_en),
        level=Level(alarm.level),
    )  # fmt: skip
    _after(alarm, fact)
    return fact


def closed_if_done(alarm: Alarm, *, actor: str, now: datetime, causes: tuple[Ref, ...] = ()) -> list[Fact]:
    """Close an alarm that is done with, and return the fact in a list; an empty list where it is not.

    A shelved alarm stays open until its time is over, or the next repeat would be a fresh alarm that is not shelved.
    """
    done = is_done(
        acknowledged=alarm.acknowledged_at is not None,
        cleared=alarm.cleared_at is not None,
        case_closed=alarm.case_closed_at is not None,
    )
    if not done or alarm.closed_at is not None or alarm.shelved_until is not None:
        return []
    return [closed(alarm, actor=actor, now=now, causes=causes)]
