"""The door of the duty room."""

from collections.abc import Sequence
from datetime import datetime

from cityloop.command.rules.chain import aggregate_from
from cityloop.command.rules.days import lunar_date, weekday_of
from cityloop.command.rules.lines import Point
from cityloop.command.rules.words import LOG_KINDS, title_of
from cityloop.command.selectors.duty import (
    PLATFORM,
    HandoverView,
    LogEntryView,
    OpenItem,
    handovers,
    log_entries,
    on_duty,
)
from cityloop.command.selectors.lines import LineView, line
from cityloop.command.selectors.trace import (
    AggregatePage,
    Chain,
    TraceStep,
    aggregate_page,
    chain_of_fact,
    chain_of_observation,
)
from cityloop.command.selectors.wall import DistrictView, Picture, ProjectView, Stages, midnight_of, picture, stages
from cityloop.command.services import NoSuchEntryError, SameOfficerError, hand_over_shift, put_on_wall, write_log
from cityloop.command.stream import Hub, Message, place_of
from cityloop.decide import facade as decide
from cityloop.kernel.areas import AreaCode, lies_within
from cityloop.kernel.declarations import Project
from cityloop.kernel.facts import Ref
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense

ITEMS_CAUSING_MAX = 50
"""Open alarms and cases a hand-over names as its causes."""


def register_lines(project: Project) -> None:
    """Put a project and its lines on the wall; idempotent, after `sense.facade.declare`."""
    prefix = f"{project.code}/"
    streams = {view.code.removeprefix(prefix): view.datastream_id for view in sense.streams_of_project(project.code)}
    put_on_wall(project, streams=streams)


def open_items(person: PersonView) -> tuple[list[OpenItem], list[Ref]]:
    """Return what stands open in a person's area, and the facts behind it."""
    alarms = [alarm for alarm in decide.open_alarms() if lies_within(alarm.area, _room_of(person))]
    cases = [case for case in respond.cases(person=person) if case.is_open]
    items = [
        OpenItem(
            "alarm", alarm.title, int(alarm.level), registry.area_name(alarm.area),
            f"/trace/fact/{alarm.raised_fact}/" if alarm.raised_fact else "/trace/open-alarms/",
        )
        for alarm in alarms
    ] + [
        OpenItem("case", case.title, int(case.level or 0), registry.area_name(case.area), f"/cases/{case.case_id}/")
        for case in cases
    ]  # fmt: skip
    facts = [alarm.raised_fact for alarm in alarms if alarm.raised_fact] + [case.last_fact for case in cases]
    return items, [Ref.fact(fact_id) for fact_id in facts[:ITEMS_CAUSING_MAX]]


def _room_of(person: PersonView) -> AreaCode:
    """Return whose duty room a person sits in."""
    return registry.reach_of(person, Right.HAND_OVER_SHIFT)


def next_officers(person: PersonView) -> Sequence[PersonView]:
    """Return who may take over a person's shift."""
    able = registry.people_with(Right.HAND_OVER_SHIFT, _room_of(person))
    return [officer for officer in able if officer.person_id != person.person_id]


def hand_over(person: PersonView, *, taking_over: int, note: str) -> int:
    """Hand a person's shift to the next officer with everything that stands open; return the hand-over's number.

    Raises:
        NotAllowedError: if either may not.
        SameOfficerError: if both are one person.
        InvalidFieldError: if the note is empty or too long.
    """
    area = _room_of(person)
    registry.require(person, Right.HAND_OVER_SHIFT, area=area, what="hand over the shift")
    registry.require(registry.person(taking_over), Right.HAND_OVER_SHIFT, area=area, what="take over the shift")
    items, causes = open_items(person)
    return hand_over_shift(
        area, leaving=person.person_id, taking_over=taking_over, note=note, items=items, causes=causes
    )


def day_words(now: datetime) -> tuple[Text, Text]:
    """Return weekday and lunar date of an instant in the city."""
    day = midnight_of(now).date()
    return weekday_of(day), lunar_date(day)


__all__ = [
    "LOG_KINDS",
    "PLATFORM",
    "AggregatePage",
    "AreaCode",
    "Chain",
    "DistrictView",
    "HandoverView",
    "Hub",
    "LineView",
    "LogEntryView",
    "Message",
    "NoSuchEntryError",
    "OpenItem",
    "Picture",
    "Point",
    "ProjectView",
    "SameOfficerError",
    "Stages",
    "TraceStep",
    "aggregate_from",
    "aggregate_page",
    "chain_of_fact",
    "chain_of_observation",
    "day_words",
    "hand_over",
    "handovers",
    "line",
    "log_entries",
    "midnight_of",
    "next_officers",
    "on_duty",
    "open_items",
    "picture",
    "place_of",
    "register_lines",
    "stages",
    "title_of",
    "write_log",
]
