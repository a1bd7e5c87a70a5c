"""The door of the room that decides."""

from datetime import UTC, datetime

from cityloop.decide.rules import AlarmState, ConsentMissingError, LimitsError, ShelvingSpanError, needs_consent
from cityloop.decide.rules.forecasting.lastyear import Comparison, Variant
from cityloop.decide.rules.lifecycle import SHELVING_MAX
from cityloop.decide.selectors.alarms import (
    AlarmCounts,
    AlarmView,
    DistrictAlarms,
    MachineView,
    alarm,
    alarm_counts,
    alarm_number,
    alarm_of_case,
    alarms,
    machine_state,
    open_alarms,
    open_alarms_by_district,
)
from cityloop.decide.selectors.forecasts import (
    ForecastPoint,
    ForecastRecord,
    ForecastView,
    FullDayView,
    against_last_year,
    forecast_of,
    forecast_record,
    full_day_of,
)
from cityloop.decide.selectors.watches import WatchView, actor_names, watch, watch_version, watch_versions, watches
from cityloop.decide.services import alarms as _alarms
from cityloop.decide.services import watches as _watches
from cityloop.decide.services.alarms import (
    AlarmAlreadyClosedError,
    AlarmNotShelvedError,
    AlarmStillStandsError,
    ReasonMissingError,
)
from cityloop.decide.services.baselines import learn_baselines, refresh_baselines, relearn_baselines
from cityloop.decide.services.cases import note_case
from cityloop.decide.services.forecasts import declare_forecasts, issue_forecasts, judge_forecasts, trim_forecasts
from cityloop.decide.services.machine import run_machine
from cityloop.decide.services.scans import scan_silence
from cityloop.decide.services.watches import WATCHES_CHANNEL, WatchChangedMeanwhileError, WatchEdit
from cityloop.kernel.declarations import Project
from cityloop.registry.facade import person

Watch = WatchView
Alarm = AlarmView


def _now() -> datetime:
    return datetime.now(UTC)


def declare(project: Project, *, now: datetime | None = None) -> int:
    """Make a project's watches and forecasts stand as declared, bound to its streams; idempotent.

    Args:
        project: what it declares; `sense.facade.declare` has been called for it.
        now: when new versions come into force; the present where it is not given.

    Returns:
        How many watches changed.

    Raises:
        LimitsError: if a declaration cannot be used; nothing is written then.
        NotFoundError: if a forecast's weather is none of the project's streams.
    """
    declare_forecasts(project)
    return _watches.declare(project, now=now or _now())


def edit_watch(
    code: str, *, person_id: int, edit: WatchEdit, expected_version: int, now: datetime | None = None
) -> WatchView:
    """Make a new version of a watch with a person's limits; errors as `services.watches.edit_watch`."""
    who = person(person_id)
    return _watches.edit_watch(code, person=who, edit=edit, expected_version=expected_version, now=now or _now())


def acknowledge(alarm_id: int, *, person_id: int, note: str = "", now: datetime | None = None) -> AlarmView:
    """Take note of an alarm; one that is over is closed by it.

    Raises:
        NotFoundError: if there is no such alarm.
        AlarmAlreadyClosedError: if it is closed.
        AccessDeniedError: if the person may not act on alarms there.
    """
    return _alarms.acknowledge(alarm_id, person=person(person_id), note=note, now=now or _now())


def shelve(  # noqa: PLR0913  each says one thing
    alarm_id: int,
    *,
    person_id: int,
    reason: str,
    until: datetime,
    consented_by: int | None = None,
    now: datetime | None = None,
) -> AlarmView:
    """Silence an alarm until a moment.

    Args:
        alarm_id: the alarm.
        person_id: who shelves it.
        reason: why, not blank.
        until: when it comes back, aware.
        consented_by: the second person, who has consented in person; needed for levels I and II.
        now: the wall clock; the present where it is not given.

    Raises:
        NotFoundError: if there is no such alarm.
        AlarmAlreadyClosedError: if it is closed.
        ReasonMissingError: without a reason.
        ShelvingSpanError: if the end is not in the future, or too far away.
        ConsentMissingError: if a second person is needed and there is none.
        AccessDeniedError: if either of the two may not.
    """
    consenting = person(consented_by) if consented_by is not None else None
    return _alarms.shelve(
        alarm_id, person=person(person_id), reason=reason, until=until, consenting=consenting, now=now or _now()
    )


def unshelve(alarm_id: int, *, person_id: int, now: datetime | None = None) -> AlarmView:
    """Bring a silenced alarm back before its time.

    Raises:
        NotFoundError: if there is no such alarm.
        AlarmNotShelvedError: if it is not shelved.
        AccessDeniedError: if the person may not act on alarms there.
    """
    return _alarms.unshelve(alarm_id, person=person(person_id), now=now or _now())


def close_alarm(alarm_id: int, *, person_id: int, note: str = "", now: datetime | None = None) -> AlarmView:
    """Close an alarm whose condition has ended.

    Raises:
        NotFoundError: if there is no such alarm.
        AlarmAlreadyClosedError: if it is closed.
        AlarmStillStandsError: if its condition stands.
        AccessDeniedError: if the person may not act on alarms there.
    """
    return _alarms.close_alarm(alarm_id, person=person(person_id), note=note, now=now or _now())


__all__ = [
    "SHELVING_MAX",
    "WATCHES_CHANNEL",
    "Alarm",
    "AlarmAlreadyClosedError",
    "AlarmCounts",
    "AlarmNotShelvedError",
    "AlarmState",
    "AlarmStillStandsError",
    "AlarmView",
    "Comparison",
    "ConsentMissingError",
    "DistrictAlarms",
    "ForecastPoint",
    "ForecastRecord",
    "ForecastView",
    "FullDayView",
    "LimitsError",
    "MachineView",
    "ReasonMissingError",
    "ShelvingSpanError",
    "Variant",
    "Watch",
    "WatchChangedMeanwhileError",
    "WatchEdit",
    "WatchView",
    "acknowledge",
    "actor_names",
    "against_last_year",
    "alarm",
    "alarm_counts",
    "alarm_number",
    "alarm_of_case",
    "alarms",
    "close_alarm",
    "declare",
    "declare_forecasts",
    "edit_watch",
    "forecast_of",
    "forecast_record",
    "full_day_of",
    "issue_forecasts",
    "judge_forecasts",
    "learn_baselines",
    "machine_state",
    "needs_consent",
    "note_case",
    "open_alarms",
    "open_alarms_by_district",
    "refresh_baselines",
    "relearn_baselines",
    "run_machine",
    "scan_silence",
    "shelve",
    "trim_forecasts",
    "unshelve",
    "watch",
    "watch_version",
    "watch_versions",
    "watches",
]
