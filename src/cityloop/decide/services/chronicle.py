"""Turns the events of one condition into alarms and facts; what happened within one run is told once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cityloop.decide.models import Activation, Alarm, Watch
from cityloop.decide.rules import Event, EventKind, Ladder
from cityloop.decide.selectors.standing import points_of, stored_points
from cityloop.decide.selectors.streams import place_of
from cityloop.decide.services import life
from cityloop.kernel.declarations import JUDGING_ALARMS
from cityloop.kernel.facts import Fact
from cityloop.kernel.instants import from_us
from cityloop.kernel.levels import Level


class Chronicle:
    """Writes one run's events of a watch over a stream.

    A chattering condition moves its alarm's count and times with every event, but posts at most one fact of a kind for
    a run, so that a flood of changes is no flood of facts.

    Args:
        watch: the version in force.
        ladder: its limits on the stream.
        datastream_id: the stream.
        alarm: the alarm that is open, None where none is.
        now: the wall clock.
        late_after: a condition that had ended when its readings arrived this late is history only.
        suppressor: code of the watch that suppresses a fresh alarm, empty where none does.
    """

    def __init__(  # noqa: PLR0913  each says one thing
        self,
        watch: Watch,
        ladder: Ladder,
        *,
        datastream_id: int,
        alarm: Alarm | None,
        now: datetime,
        late_after: timedelta,
        suppressor: str = "",
    ) -> None:
        """Begin with what stands."""
        self._watch, self._ladder, self._datastream_id = watch, ladder, datastream_id
        self._suppressor = suppressor
        self._now, self._late_us = now, int(late_after.total_seconds() * 1_000_000)
        self._facts: list[Fact] = []
        self._past: Alarm | None = None
        self._activations: list[Activation] = []
        self._begin(alarm)

    def _begin(self, alarm: Alarm | None, *, is_new: bool = False) -> None:
        self._alarm, self._is_new = alarm, is_new
        self._level_told = Level(alarm.level) if alarm is not None else None
        self._count_told = alarm.count if alarm is not None else 0
        self._stood = alarm is not None and alarm.cleared_at is None
        self._return_id = 0

    def write(self, events: Sequence[Event]) -> list[Fact]:
        """Write events, in order, and return the facts to post."""
        history: list[Event] = []
        for place, event in enumerate(events):
            if history or self._is_history(event, events[place:]):
                history.append(event)
                if event.kind is EventKind.CLEARED:
                    self._write_history(history)
                    history = []
            else:
                self._write_one(event)
        self._tell()
        Activation.objects.bulk_create(self._activations)
        return self._facts

    def _count(self, alarm: Alarm, event: Event) -> None:
        """Enter that the condition began to stand; of one alarm in one run one is told, of a silenced one none."""
        is_quiet = alarm.suppressed_at is not None or alarm.shelved_until is not None
        told = not is_quiet and not any(known.alarm_id == alarm.pk for known in self._activations)
        self._activations.append(
            Activation(
                alarm=alarm, watch_code=alarm.watch_code, datastream_id=alarm.datastream_id, area=alarm.area,
                level=event.level, at=from_us(event.at_us), told_at=self._now, told=told,
            )
        )  # fmt: skip

    def _is_history(self, event: Event, coming: Sequence[Event]) -> bool:
        is_late = event.sample.is_late or event.sample.received_us - event.sample.at_us > self._late_us
        ends = any(later.kind is EventKind.CLEARED for later in coming)
        return event.kind is EventKind.RAISED and self._alarm is None and is_late and ends

    def _write_one(self, event: Event) -> None:
        if event.kind is EventKind.CLEARED:
            self._clear(event)
        elif self._alarm is None:
            self._raise(event)
        else:
            self._change(self._alarm, event)

    def _raise(self, event: Event) -> None:
        place = place_of(self._datastream_id)
        alarm = life.new_alarm(
            self._watch, self._ladder, event, datastream_id=self._datastream_id, place=place, now=self._now
        )
        alarm.points = self._points()
        alarm.save()
        if self._suppressor:
            self._facts.append(life.suppressed(alarm, by=self._suppressor, now=self._now))
        else:
            self._facts.append(life.raised(alarm, now=self._now))
        self._count(alarm, event)
        self._begin(alarm, is_new=True)

    def _points(self) -> list[dict[str, Any]]:
        """Return the points that make the level, of a watch that judges the alarms of others."""
        if self._watch.kind not in JUDGING_ALARMS:
            return []
        bound = dict(self._watch.streams.values_list("datastream_id", "period_s"))
        return stored_points(points_of(self._watch, bound, now=self._now).get(self._datastream_id, []))

    def _change(self, alarm: Alarm, event: Event) -> None:
        if event.kind is EventKind.RAISED:
            alarm.count += 1
            alarm.cleared_at = alarm.clear_value = None
            self._count(alarm, event)
        alarm.level, alarm.level_worst = event.level, min(alarm.level_worst, event.level)
        alarm.value, alarm.threshold = event.sample.value, self._ladder.limit_of(event.level)
        alarm.observation_id, alarm.last_at = event.sample.observation_id, from_us(event.at_us)
        alarm.watch_id, alarm.watch_version = self._watch.pk, self._watch.version
        alarm.points = self._points() or alarm.points
        if alarm.shelved_until is not None and event.level < (alarm.shelve_level or Level.RED):
            self._facts.append(life.unshelved(alarm, actor=life.MACHINE_ACTOR, reason="graver", now=self._now))

    def _clear(self, event: Event) -> None:
        alarm = self._alarm
        if alarm is None:
            return
        alarm.cleared_at = alarm.last_at = from_us(event.at_us)
        alarm.clear_value, self._return_id = event.sample.value, event.sample.observation_id
        if alarm.acknowledged_at is not None or alarm.case_closed_at is not None:
            self._tell()
            if alarm.closed_at is not None:
                self._begin(None)

    def _tell(self) -> None:
        """Save the alarm and post what is different from what was told before."""
        alarm = self._alarm
        if alarm is None:
            return
        if alarm.suppressed_at is not None:
            self._keep_quiet(alarm)
            return
        level, stands = Level(alarm.level), alarm.cleared_at is None
        has_repeated = alarm.count > self._count_told
        if has_repeated:
            self._facts.append(life.repeated(alarm, now=self._now))
        elif self._level_told is not None and level is not self._level_told:
            self._facts.append(life.level_changed(alarm, level_before=self._level_told, now=self._now))
        if not stands and (self._stood or self._is_new or has_repeated):
            self._facts.append(life.cleared(alarm, observation_id=self._return_id, now=self._now))
            self._facts += life.closed_if_done(alarm, actor=life.MACHINE_ACTOR, now=self._now)
        life.settle(alarm)
        alarm.save()
        if alarm.closed_at is None:
            self._begin(alarm)

    def _keep_quiet(self, alarm: Alarm) -> None:
        """Save a suppressed alarm without telling of it; one that nobody was called for is closed when it clears."""
        life.settle(alarm)
        if alarm.cleared_at is not None and alarm.raised_fact is None:
            self._facts.append(life.closed(alarm, actor=life.MACHINE_ACTOR, now=self._now))
        alarm.save()
        if alarm.closed_at is None:
            self._begin(alarm)

    def _write_history(self, events: Sequence[Event]) -> None:
        """Enter a condition that had ended before its readings arrived: closed from the start, without facts.

        Several such conditions of one run are one entry that counts them.
        """
        first, last = events[0], events[-1]
        alarm = self._past
        if alarm is None:
            place = place_of(self._datastream_id)
            alarm = self._past = life.new_alarm(
                self._watch, self._ladder, first, datastream_id=self._datastream_id, place=place, now=self._now
            )
            alarm.late, alarm.closed_at, alarm.closed_by = True, self._now, life.MACHINE_ACTOR
        else:
            alarm.count += 1
        alarm.level_worst = min(alarm.level_worst, *(event.level for event in events))
        alarm.cleared_at = alarm.last_at = from_us(last.at_us)
        alarm.clear_value = last.sample.value
        life.settle(alarm)
        alarm.save()
