"""The picture of the city at one moment, as the wall shows it."""

from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from django.utils import timezone

from cityloop.command.models import WallLine, WallProject
from cityloop.command.rules.lights import PROJECTS_OF_THE_PLAN, Light, light_of
from cityloop.command.selectors.lines import WEATHER, LineView, lines
from cityloop.command.selectors.trace import TraceStep, step_of_fact
from cityloop.convey import facade as convey
from cityloop.decide import facade as decide
from cityloop.decide.facade import AlarmView
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY, AreaCode, lies_within
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.facts.assessed import IndicatorValued
from cityloop.kernel.facts.commanded import ShiftHandedOver
from cityloop.kernel.facts.decided import AlarmAcknowledged, AlarmCleared, AlarmRaised
from cityloop.kernel.facts.responded import CaseClosed, CaseOpened, CaseStepped
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense

ALARMS_MAX = 60
"""Open alarms given to a wall, the gravest first; the rest is a number with a link."""
LATEST_MAX = 5
LATEST_LOOKED_AT = 60
SHOWN_KINDS = (AlarmRaised, AlarmAcknowledged, AlarmCleared, CaseOpened, CaseStepped, CaseClosed, ShiftHandedOver)
"""What the list of the newest happenings tells."""
ON_TIME_CLOSING = "I17"
"""The indicator the last stage shows: on-time closing rate of grid cases (domain reference, section 18.2)."""


@dataclass(frozen=True, slots=True)
class DistrictView:
    """How a district stands, and the point its name is written at."""

    code: AreaCode
    name: Text
    longitude: float | None
    latitude: float | None
    level: Level | None
    alarms: int
    cases: int


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A found project and its light."""

    code: str
    number: int | None
    title: Text
    light: Light


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """One living number of each stage of the loop.

    Attributes:
        readings_today: kept since midnight in the city.
        readings_per_s: kept a second over the last minute.
        rejected_today: messages refused since midnight.
        moved_at: when the transport received the last message taken over, None before the first.
        open_alarms: not closed.
        unacknowledged: of them, nobody has taken note of.
        open_cases: not ended.
        late_cases: of them, over their limit.
        on_time_percent: newest on-time closing rate of the city, None where none has been computed.
        on_time_fact: the fact that carries it.
        on_time_of: numerator and denominator.
    """

    readings_today: int
    readings_per_s: float
    rejected_today: int
    moved_at: datetime | None
    open_alarms: int
    unacknowledged: int
    open_cases: int
    late_cases: int
    on_time_percent: float | None
    on_time_fact: UUID | None
    on_time_of: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything the wall shows; of each datastream of an alarm `things` names the device, `origins` the readings'."""

    at: datetime
    alarms: tuple[AlarmView, ...]
    things: dict[int, Text]
    origins: dict[int, str]
    alarms_open: int
    districts: tuple[DistrictView, ...]
    lines: tuple[LineView, ...]
    weather: LineView | None
    stages: Stages
    projects: tuple[ProjectView, ...]
    projects_open: int
    latest: tuple[TraceStep, ...]

    @property
    def highest(self) -> Level | None:
        """Return the gravest level in force."""
        return min((alarm.level for alarm in self.alarms if alarm.stands), default=None)

    @property
    def is_demonstration(self) -> bool:
        """Return whether any number on the wall comes from replayed or simulated readings."""
        shown = (*self.lines, *([self.weather] if self.weather else []))
        return any(origin != "live" for line in shown for origin in line.origins)


def midnight_of(now: datetime) -> datetime:
    """Return the midnight in the city at which the day of an instant began."""
    return datetime.combine(now.astimezone(CITY_ZONE).date(), time(), tzinfo=CITY_ZONE)


def stages(now: datetime, *, area: AreaCode = CITY) -> Stages:
    """Return the living numbers of an area (readings: of the city); cheap enough to be asked once a second."""
    counters = sense.reading_counters()
    alarms, cases = decide.alarm_counts(area=area), respond.case_counts(now, area=area)
    moved = [position.moved_at for position in convey.stream_positions()]
    rate = journal.latest_fact(IndicatorValued, area=area, indicator=ON_TIME_CLOSING)
    fact = rate.fact if rate and isinstance(rate.fact, IndicatorValued) else None
    return Stages(
        readings_today=counters.today,
        readings_per_s=counters.per_s,
        rejected_today=sum(row.count for row in sense.rejected_counts(midnight_of(now))),
        moved_at=max(moved, default=None),
        open_alarms=alarms.open,
        unacknowledged=alarms.unacknowledged,
        open_cases=cases.open,
        late_cases=cases.late,
        on_time_percent=fact.value if fact else None,
        on_time_fact=fact.fact_id if fact else None,
        on_time_of=(fact.numerator, fact.denominator) if fact else None,
    )


def districts(area: AreaCode = CITY) -> list[DistrictView]:
    """Return how every district of an area stands."""
    alarms, cases = decide.open_alarms_by_district(), respond.open_cases_by_district()
    return [
        DistrictView(
            code=district.code,
            name=Text(district.name_zh, district.name_en),
            longitude=district.longitude,
            latitude=district.latitude,
            level=alarms[district.code].gravest if district.code in alarms else None,
            alarms=alarms[district.code].open if district.code in alarms else 0,
            cases=cases.get(district.code, 0),
        )
        for district in registry.districts()
        if lies_within(district.code, area) or lies_within(area, district.code)
    ]


def projects() -> list[ProjectView]:
    """Return the found projects with their lights, in the order of the plan."""
    gravest: dict[str, Level] = {}
    for alarm in decide.open_alarms():
        gravest[alarm.project] = min(alarm.level, gravest.get(alarm.project, alarm.level))
    found = []
    for row in WallProject.objects.order_by("number", "code"):
        ids = [stream for line in WallLine.objects.filter(project=row) for stream in line.streams]
        light = light_of(gravest.get(row.code), has_data=bool(sense.latest_of(ids)))
        found.append(ProjectView(row.code, row.number, Text(row.title_zh, row.title_en), light))
    return found


def latest(area: AreaCode = CITY) -> list[TraceStep]:
    """Return the newest things that have happened in an area, newest first."""
    entries = journal.newest_facts(kinds=SHOWN_KINDS, limit=LATEST_LOOKED_AT)
    return [step_of_fact(entry.fact) for entry in entries if lies_within(entry.fact.area, area)][:LATEST_MAX]


def picture(area: AreaCode = CITY, *, now: datetime | None = None) -> Picture:
    """Return the picture of this moment: alarms, cases and districts of an area, lines and projects of the city."""
    now = now or timezone.now()
    all_lines = lines(now)
    shown, numbers = projects(), stages(now, area=area)
    planned = sum(project.number is not None for project in shown)
    alarms = tuple(decide.open_alarms(area=area, limit=ALARMS_MAX))
    views = sense.stream_views({alarm.datastream_id for alarm in alarms})
    weather = next((line for line in all_lines if line.code.endswith(f"/{WEATHER}")), None)
    return Picture(
        at=now,
        alarms=alarms,
        things={number: view.thing_name for number, view in views.items()},
        origins={number: str(view.origin) for number, view in views.items()},
        alarms_open=numbers.open_alarms,
        districts=tuple(districts(area)),
        lines=tuple(line for line in all_lines if line is not weather),
        weather=weather,
        stages=numbers,
        projects=tuple(shown),
        projects_open=PROJECTS_OF_THE_PLAN - planned,
        latest=tuple(latest(area)),
    )
