"""The door of the room that decides."""

from datetime import UTC, datetime

from cityloop.decide.rules import (
    DELAY_S_MAX,
    AlarmState,
    ConsentMissingError,
    Firing,
    LevelTally,
    LimitsError,
    ScheduleError,
    ShelvingSpanError,
    Step,
    TermsError,
    ValidityError,
    needs_consent,
)
from cityloop.decide.rules.forecasting.calendar import heating_season_start, in_heating_season
from cityloop.decide.rules.forecasting.fullday import FullDay, full_day
from cityloop.decide.rules.forecasting.lastyear import Comparison, Variant, same_day_last_year, usual_variant
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
    alarm_points,
    alarms,
    alarms_standing,
    machine_state,
    open_alarms,
    open_alarms_by_district,
)
from cityloop.decide.selectors.backtests import Backtest, StreamPast, Trial
from cityloop.decide.selectors.backtests import backtest as _backtest
from cityloop.decide.selectors.forecasts import (
    ForecastPoint,
    ForecastRecord,
    ForecastView,
    FullDayView,
    against_last_year,
    forecast_of,
    forecast_record,
    forecasts_between,
    full_day_of,
)
from cityloop.decide.selectors.measures import MeasureView, flood_lasts, measure, measure_versions, measures
from cityloop.decide.selectors.model_cards import (
    LONG_DAYS,
    SHORT_DAYS,
    CardRow,
    Contest,
    ModelCard,
    forecast_stream_ids,
    is_forecast,
    model_card,
    model_card_rows,
)
from cityloop.decide.selectors.performance import (
    ActivationView,
    Frequent,
    Performance,
    activations,
    counted_since,
    performance,
)
from cityloop.decide.selectors.shelving import ShelvingView, shelving_request, shelving_requests, waiting_requests
from cityloop.decide.selectors.watches import (
    WatchView,
    actor_names,
    streams_of_watch,
    watch,
    watch_version,
    watch_versions,
    watches,
)
from cityloop.decide.services import alarms as _alarms
from cityloop.decide.services import making as _making
from cityloop.decide.services import measures as _measures
from cityloop.decide.services import shelving as _shelving
from cityloop.decide.services import watches as _watches
from cityloop.decide.services.alarms import (
    AlarmAlreadyClosedError,
    AlarmNotShelvedError,
    AlarmStillStandsError,
    ReasonMissingError,
)
from cityloop.decide.services.baselines import learn_baselines, refresh_baselines, relearn_baselines
from cityloop.decide.services.cases import note_case
from cityloop.decide.services.choosing import StreamsUnfitError, streams_for
from cityloop.decide.services.forecasts import declare_forecasts, issue_forecasts, judge_forecasts, trim_forecasts
from cityloop.decide.services.lookback import scan_lookback
from cityloop.decide.services.machine import run_machine
from cityloop.decide.services.making import WatchDraft, apply_validity
from cityloop.decide.services.measures import (
    FloodBoundsError,
    MeasureChangedMeanwhileError,
    MeasureEdit,
    MeasureUnfitError,
    scan_flood,
)
from cityloop.decide.services.scans import scan_silence
from cityloop.decide.services.shelving import (
    ShelvingAnsweredError,
    ShelvingAskedAlreadyError,
    ShelvingNotNeededError,
    ShelvingOutdatedError,
)
from cityloop.decide.services.standing import scan_standing
from cityloop.decide.services.watches import (
    WATCHES_CHANNEL,
    UnknownWatchError,
    WatchChangedMeanwhileError,
    WatchEdit,
    WatchRingError,
)
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


def make_watch(*, person_id: int, draft: WatchDraft, edit: WatchEdit, now: datetime | None = None) -> WatchView:
    """Make a watch that no project declares; errors as `services.making.make_watch`."""
    return _making.make_watch(person=person(person_id), draft=draft, edit=edit, now=now or _now())


def backtest(trial: Trial, *, until: datetime | None = None) -> Backtest:
    """Return what a watch would have done to the last year of its streams' history.

    Args:
        trial: the watch as it would be.
        until: up to when; the present where it is not given.

    Raises:
        LimitsError: if its limits cannot be used.
    """
    return _backtest(trial, until=until or _now())


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


def ask_to_shelve(
    alarm_id: int, *, person_id: int, reason: str, until: datetime, now: datetime | None = None
) -> ShelvingView:
    """Ask for a grave alarm to be shelved by a second person's consent; errors as `services.shelving.ask_to_shelve`."""
    return _shelving.ask_to_shelve(alarm_id, person=person(person_id), reason=reason, until=until, now=now or _now())


def consent_to_shelving(request_id: int, *, person_id: int, now: datetime | None = None) -> ShelvingView:
    """Consent as the second person; errors as `services.shelving.consent_to_shelving`."""
    return _shelving.consent_to_shelving(request_id, person=person(person_id), now=now or _now())


def decline_shelving(request_id: int, *, person_id: int, note: str = "", now: datetime | None = None) -> ShelvingView:
    """Refuse a request, or withdraw one's own; errors as `services.shelving.decline_shelving`."""
    return _shelving.decline_shelving(request_id, person=person(person_id), note=note, now=now or _now())


def change_measure(
    code: str, *, person_id: int, edit: MeasureEdit, expected_version: int, now: datetime | None = None
) -> MeasureView:
    """Make a new version of a threshold; errors as `services.measures.change_measure`."""
    who = person(person_id)
    return _measures.change_measure(code, person=who, edit=edit, expected_version=expected_version, now=now or _now())


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
    "DELAY_S_MAX",
    "LONG_DAYS",
    "SHELVING_MAX",
    "SHORT_DAYS",
    "WATCHES_CHANNEL",
    "ActivationView",
    "Alarm",
    "AlarmAlreadyClosedError",
    "AlarmCounts",
    "AlarmNotShelvedError",
    "AlarmState",
    "AlarmStillStandsError",
    "AlarmView",
    "Backtest",
    "CardRow",
    "Comparison",
    "ConsentMissingError",
    "Contest",
    "DistrictAlarms",
    "Firing",
    "FloodBoundsError",
    "ForecastPoint",
    "ForecastRecord",
    "ForecastView",
    "Frequent",
    "FullDay",
    "FullDayView",
    "LevelTally",
    "LimitsError",
    "MachineView",
    "MeasureChangedMeanwhileError",
    "MeasureEdit",
    "MeasureUnfitError",
    "MeasureView",
    "ModelCard",
    "Performance",
    "ReasonMissingError",
    "ScheduleError",
    "ShelvingAnsweredError",
    "ShelvingAskedAlreadyError",
    "ShelvingNotNeededError",
    "ShelvingOutdatedError",
    "ShelvingSpanError",
    "ShelvingView",
    "Step",
    "StreamPast",
    "StreamsUnfitError",
    "TermsError",
    "Trial",
    "UnknownWatchError",
    "ValidityError",
    "Variant",
    "Watch",
    "WatchChangedMeanwhileError",
    "WatchDraft",
    "WatchEdit",
    "WatchRingError",
    "WatchView",
    "acknowledge",
    "activations",
    "actor_names",
    "against_last_year",
    "alarm",
    "alarm_counts",
    "alarm_number",
    "alarm_of_case",
    "alarm_points",
    "alarms",
    "alarms_standing",
    "apply_validity",
    "ask_to_shelve",
    "backtest",
    "change_measure",
    "close_alarm",
    "consent_to_shelving",
    "counted_since",
    "declare",
    "declare_forecasts",
    "decline_shelving",
    "edit_watch",
    "flood_lasts",
    "forecast_of",
    "forecast_record",
    "forecast_stream_ids",
    "forecasts_between",
    "full_day",
    "full_day_of",
    "heating_season_start",
    "in_heating_season",
    "is_forecast",
    "issue_forecasts",
    "judge_forecasts",
    "learn_baselines",
    "machine_state",
    "make_watch",
    "measure",
    "measure_versions",
    "measures",
    "model_card",
    "model_card_rows",
    "needs_consent",
    "note_case",
    "open_alarms",
    "open_alarms_by_district",
    "performance",
    "refresh_baselines",
    "relearn_baselines",
    "run_machine",
    "same_day_last_year",
    "scan_flood",
    "scan_lookback",
    "scan_silence",
    "scan_standing",
    "shelve",
    "shelving_request",
    "shelving_requests",
    "streams_for",
    "streams_of_watch",
    "trim_forecasts",
    "unshelve",
    "usual_variant",
    "waiting_requests",
    "watch",
    "watch_version",
    "watch_versions",
    "watches",
]
