"""Reads of alarms."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Substr

from cityloop.decide.models import Alarm, Candidate, Machine, Pending
from cityloop.decide.rules import AlarmState
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

ALARMS_MAX = 500
"""How many alarms a list returns at the most."""

_DISTRICT_DIGITS = 6
_QUIET = (AlarmState.SHELVED, AlarmState.SUPPRESSED)
"""States of alarms that call nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm.

    Attributes:
        alarm_id: the alarm.
        title: what it is.
        state: where it stands.
        level: severity now; of a cleared alarm the last one.
        level_worst: gravest level it reached.
        watch_id: version of the watch that raised it, a row.
        watch_code: that watch.
        watch_version: its version.
        watch_kind: how it judges.
        project: code of the application project.
        case_kind: kind of case it opens, empty for none.
        datastream_id: the stream.
        observation_id: the reading that last changed its level, 0 where there is none.
        area: where.
        longitude: WGS 84, None where not known.
        latitude: WGS 84, None where not known.
        thing: the device or site.
        value: the judged value that broke the limit.
        threshold: that limit.
        unit: unit symbol of both.
        hysteresis: how far it must return, in `unit`.
        hold_s: how long it had to stand, seconds.
        count: how often the condition stood.
        late: whether it is history only: its readings came in after the condition had ended.
        first_at: since when the condition first stood, phenomenon time.
        last_at: when it last came, changed or ended, phenomenon time.
        raised_at: when the alarm was raised.
        raised_fact: the fact that says so, None for history.
        acknowledged_at, acknowledged_by, note: who took note.
        shelved_at, shelved_until, shelved_by, shelve_reason, shelve_consent_by: who silenced it and why.
        off_delay_s: how long it must be over, seconds.
        suppressed_at, suppressed_by: since when and by which watch it is suppressed, None and empty where it is not.
        cleared_at, clear_value: the return, None while it stands.
        closed_at, closed_by: the end.
        case_id, case_number, case_closed_at: its case.
    """

    alarm_id: int
    title: Text
    state: AlarmState
    level: Level
    level_worst: Level
    watch_id: int
    watch_code: str
    watch_version: int
    watch_kind: WatchKind
    project: str
    case_kind: str
    datastream_id: int
    observation_id: int
    area: AreaCode
    longitude: float | None
    latitude: float | None
    thing: Text
    value: float
    threshold: float
    unit: str
    hysteresis: float
    hold_s: float
    count: int
    late: bool
    first_at: datetime
    last_at: datetime
    raised_at: datetime
    raised_fact: UUID | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str
    shelved_at: datetime | None
    shelved_until: datetime | None
    shelved_by: str
    shelve_reason: str
    shelve_consent_by: str
    off_delay_s: float
    suppressed_at: datetime | None
    suppressed_by: str
    cleared_at: datetime | None
    clear_value: float | None
    closed_at: datetime | None
    closed_by: str
    case_id: int | None
    case_number: str
    case_closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Return whether it is not closed."""
        return self.closed_at is None

    @property
    def stands(self) -> bool:
        """Return whether the condition still stands."""
        return self.cleared_at is None


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """How many alarms there are.

    Attributes:
        open: not closed, shelved ones included.
        unacknowledged: open and in the state `raised`.
        shelved: silenced.
        suppressed: calling nobody, by design.
        cleared: over, but nobody has taken note.
        by_level: open ones that are neither shelved nor suppressed, all four levels.
        waiting: changes of band that wait for the machine.
        pending: levels that are reached but not yet held long enough.
    """

    open: int
    unacknowledged: int
    shelved: int
    suppressed: int
    cleared: int
    by_level: dict[Level, int]
    waiting: int
    pending: int


@dataclass(frozen=True, slots=True)
class DistrictAlarms:
    """The open alarms of a district that call somebody: how many, and the gravest level."""

    open: int
    gravest: Level


@dataclass(frozen=True, slots=True)
class MachineView:
    """What the alarm machine has done.

    Attributes:
        consumed: changes of band, since the beginning.
        ignored: of these, how many meant nothing any more: their watch or binding is gone, or their clock runs ahead.
        cut_short: runs that reached their bound in a flood.
        waiting: changes that wait now.
        moved_at: when it last consumed something.
    """

    consumed: int
    ignored: int
    cut_short: int
    waiting: int
    moved_at: datetime | None


_SAME = (
    "watch_id",
    "watch_code",
    "watch_version",
    "project",
    "case_kind",
    "datastream_id",
    "observation_id",
    "longitude",
    "latitude",
    "value",
    "threshold",
    "unit",
    "hysteresis",
    "hold_s",
    "count",
    "late",
    "first_at",
    "last_at",
    "raised_at",
    "raised_fact",
    "acknowledged_at",
    "acknowledged_by",
    "note",
    "shelved_at",
    "shelved_until",
    "shelved_by",
    "shelve_reason",
    "shelve_consent_by",
    "off_delay_s",
    "suppressed_at",
    "suppressed_by",
    "cleared_at",
    "clear_value",
    "closed_at",
    "closed_by",
    "case_id",
    "case_number",
    "case_closed_at",
)


def alarm_view(row: Alarm) -> AlarmView:
    """Return an alarm's row as others see it."""
    return AlarmView(
        alarm_id=row.pk,
        title=Text(row.title_zh, row.title_en),
        state=AlarmState(row.state),
        level=Level(row.level),
        level_worst=Level(row.level_worst),
        watch_kind=WatchKind(row.watch_kind),
        area=AreaCode(row.area),
        thing=Text(row.thing_zh, row.thing_en),
        **{name: getattr(row, name) for name in _SAME},
    )


def _within(rows: QuerySet[Alarm], area: AreaCode | None) -> QuerySet[Alarm]:
    return rows if area is None or area == CITY else rows.filter(area__startswith=area)


def alarm(alarm_id: int) -> AlarmView:
    """Return an alarm.

    Raises:
        NotFoundError: if there is none with this id.
    """
    row = Alarm.objects.filter(pk=alarm_id).first()
    if row is None:
        raise NotFoundError(what=f"alarm {alarm_id}")
    return alarm_view(row)


def alarm_points(alarm_id: int) -> list[AlarmView]:
    """Return the alarms of the points that an alarm names, gravest first as it names them; none of other alarms."""
    named = Alarm.objects.filter(pk=alarm_id).values_list("points", flat=True).first() or []
    rows = Alarm.objects.in_bulk([point["alarm"] for point in named])
    return [alarm_view(rows[point["alarm"]]) for point in named if point["alarm"] in rows]


def open_alarms(*, area: AreaCode | None = None, shelved: bool = False, limit: int = ALARMS_MAX) -> list[AlarmView]:
    """Return open alarms, gravest first, then newest.

    Args:
        area: of that area and below, None for all.
        shelved: whether silenced and suppressed ones are among them.
        limit: how many at the most.
    """
    rows = _within(Alarm.objects.filter(closed_at=None), area)
    if not shelved:
        rows = rows.exclude(state__in=_QUIET)
    return [alarm_view(row) for row in rows.order_by("level", "-raised_at")[: min(limit, ALARMS_MAX)]]


def alarms_standing(datastream_ids: Iterable[int], *, at: datetime) -> list[AlarmView]:
    """Return the alarms of some streams whose condition stood at an instant, gravest first, then newest.

    Args:
        datastream_ids: the streams.
        at: as of when.
    """
    rows = Alarm.objects.filter(datastream_id__in=list(datastream_ids), raised_at__lte=at)
    standing = rows.filter(Q(cleared_at=None) | Q(cleared_at__gt=at)).filter(Q(closed_at=None) | Q(closed_at__gt=at))
    return [alarm_view(row) for row in standing.order_by("level", "-raised_at")]


def _chosen(
    state: AlarmState | None, level: Level | None, area: AreaCode | None, datastream_id: int | None
) -> QuerySet[Alarm]:
    rows = _within(Alarm.objects.all(), area)
    if datastream_id is not None:
        rows = rows.filter(datastream_id=datastream_id)
    elif state is None:
        rows = rows.filter(closed_at=None)
    if state is not None:
        rows = rows.filter(state=state)
    return rows if level is None else rows.filter(level=level)


def alarms(  # noqa: PLR0913  each says one thing
    *,
    state: AlarmState | None = None,
    level: Level | None = None,
    area: AreaCode | None = None,
    datastream_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[AlarmView]:
    """Return a page of alarms, newest first; without a state those that are not closed.

    Args:
        state: where they stand, None for all that are open.
        level: severity, None for all.
        area: of that area and below.
        datastream_id: of one stream; then closed ones are among them.
        after: how many to pass over.
        limit: how many at the most.
    """
    rows = _chosen(state, level, area, datastream_id).order_by("-raised_at", "-pk")
    return [alarm_view(row) for row in rows[after : after + min(limit, ALARMS_MAX)]]


def alarm_number(
    *,
    state: AlarmState | None = None,
    level: Level | None = None,
    area: AreaCode | None = None,
    datastream_id: int | None = None,
) -> int:
    """Return how many alarms `alarms` would page through."""
    return _chosen(state, level, area, datastream_id).count()


def alarm_of_case(case_id: int) -> AlarmView | None:
    """Return the alarm a case was opened by, the newest where there are several, None where there is none."""
    row = Alarm.objects.filter(case_id=case_id).order_by("-pk").first()
    return alarm_view(row) if row is not None else None


def alarm_counts(*, area: AreaCode | None = None) -> AlarmCounts:
    """Return how many open alarms there are, of an area and below or of the city."""
    rows = _within(Alarm.objects.filter(closed_at=None), area)
    states = dict(rows.values_list("state").annotate(Count("pk")).order_by())
    levels = dict(rows.exclude(state__in=_QUIET).values_list("level").annotate(Count("pk")).order_by())
    return AlarmCounts(
        open=sum(states.values()),
        unacknowledged=states.get(AlarmState.RAISED, 0),
        shelved=states.get(AlarmState.SHELVED, 0),
        suppressed=states.get(AlarmState.SUPPRESSED, 0),
        cleared=states.get(AlarmState.CLEARED, 0),
        by_level={level: levels.get(level, 0) for level in Level},
        waiting=Candidate.objects.count(),
        pending=Pending.objects.count(),
    )


def open_alarms_by_district() -> dict[AreaCode, DistrictAlarms]:
    """Return the open alarms that call somebody by district; districts without any are left out."""
    rows = Alarm.objects.filter(~Q(state__in=_QUIET), closed_at=None)
    by_district = rows.annotate(district=Substr(F("area"), 1, _DISTRICT_DIGITS)).values_list("district")
    counted = by_district.annotate(Count("pk"), Min("level")).order_by("district")
    return {AreaCode(district): DistrictAlarms(number, Level(level)) for district, number, level in counted}


def machine_state() -> MachineView:
    """Return what the alarm machine has done."""
    row = Machine.objects.filter(pk=1).first() or Machine()
    return MachineView(row.consumed, row.ignored, row.cut_short, Candidate.objects.count(), row.moved_at)
