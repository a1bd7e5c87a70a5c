"""Suppression by design: while the alarm of one watch stands, alarms of others call nobody."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from cityloop.decide.models import Activation, Alarm, Watch
from cityloop.decide.selectors.watches import in_use
from cityloop.decide.services import life
from cityloop.kernel.facts import Fact
from cityloop.sense import facade as sense

STREAM, THING, EVERYWHERE = "stream", "thing", "all"
"""Of which streams alarms are suppressed: the same, those of the same device, all."""


@dataclass(slots=True)
class Suppressors:
    """The alarms that stand and suppress others.

    Attributes:
        standing: by the code of the watch they suppress: code of the suppressing watch, its reach, its stream.
    """

    standing: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)
    _things: dict[int, int] = field(default_factory=dict)

    def over(self, watch_code: str, datastream_id: int) -> str:
        """Return the watch that suppresses another one's alarm on a stream, empty where none does."""
        for code, within, stream in self.standing.get(watch_code, ()):
            if within == EVERYWHERE or stream == datastream_id:
                return code
            if within == THING and self._thing(stream) == self._thing(datastream_id):
                return code
        return ""

    def _thing(self, datastream_id: int) -> int:
        if datastream_id not in self._things:
            view = sense.stream_views([datastream_id]).get(datastream_id)
            self._things[datastream_id] = view.thing_id if view is not None else -datastream_id
        return self._things[datastream_id]


def suppressing_watches() -> dict[str, Watch]:
    """Return the watches in use that suppress others, by code."""
    return {row.code: row for row in in_use().exclude(suppresses=[])}


def standing_suppressors(watches: dict[str, Watch]) -> Suppressors:
    """Return the alarms of these watches that stand; a suppressed alarm suppresses none."""
    found = Suppressors()
    if not watches:
        return found
    rows = Alarm.objects.filter(watch_code__in=watches, closed_at=None, cleared_at=None, suppressed_at=None).order_by(
        "pk"
    )
    for code, stream in rows.values_list("watch_code", "datastream_id"):
        for other in watches[code].suppresses:
            found.standing.setdefault(other, []).append((code, watches[code].suppress_within, stream))
    return found


def settle_suppression(suppressors: Suppressors, now: datetime) -> list[Fact]:
    """Suppress and release open alarms as the standing suppressors ask; return the facts to post."""
    concerned = Q(watch_code__in=suppressors.standing) | Q(suppressed_at__isnull=False)
    facts: list[Fact] = []
    for alarm in Alarm.objects.select_for_update().filter(concerned, closed_at=None).order_by("pk"):
        by = suppressors.over(alarm.watch_code, alarm.datastream_id)
        if by and alarm.suppressed_at is None:
            facts.append(life.suppressed(alarm, by=by, now=now))
            alarm.save()
        elif not by and alarm.suppressed_at is not None:
            facts += _released(alarm, now)
    return facts


def _released(alarm: Alarm, now: datetime) -> Iterable[Fact]:
    """Let an alarm call again; one that nobody was called for is raised now."""
    facts: list[Fact] = [life.released(alarm, now=now)]
    if alarm.raised_fact is None:
        alarm.raised_at = now
        facts.append(life.raised(alarm, now=now))
        Activation.objects.create(
            alarm=alarm, watch_code=alarm.watch_code, datastream_id=alarm.datastream_id, area=alarm.area,
            level=alarm.level, at=alarm.last_at, told_at=now, told=alarm.shelved_until is None,
        )  # fmt: skip
    elif alarm.cleared_at is not None:
        facts.append(life.cleared(alarm, observation_id=0, now=now))
    facts += life.closed_if_done(alarm, actor=life.MACHINE_ACTOR, now=now)
    alarm.save()
    return facts
