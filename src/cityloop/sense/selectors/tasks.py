"""Tasks of devices and what devices can be asked, within the reach of who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from cityloop.kernel.areas import CITY, AreaCode, AreaLevel, level_of
from cityloop.kernel.errors import NotFoundError
from cityloop.sense.rules.tasks import TaskStatus

TASKS_PAGE = 50
"""Tasks of one page."""

CAPABILITIES_MAX = 200
"""Most capabilities that are offered at once."""

SIMULATED = "simulated"
"""Value of the property `origin` of a capability whose device is simulated."""

_FROM = """
    FROM sense_taskingcapability c JOIN sense_thing h ON h.id = c.thing_id
    LEFT JOIN LATERAL (
        SELECT d.area FROM sense_datastream d WHERE d.thing_id = h.id ORDER BY d.id LIMIT 1
    ) p ON TRUE
"""
_CAPABILITY = """
    c.id, c.name, c.description, c.tasking_parameters, coalesce(c.properties ->> 'origin', ''),
    h.name, h.owner, coalesce(p.area, '110000')
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose devices somebody reaches: those of an area, and where it is named of one organisation."""

    area: AreaCode
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityView:
    """What a device can be asked.

    Attributes:
        capability_id: its id.
        name: what it is called.
        description: what it does.
        record: the DataRecord of its parameters.
        thing: name of the device.
        owner: code of the organisation whose device it is, empty where nobody's.
        area: where the device is.
        is_simulated: whether the device is simulated.
    """

    capability_id: int
    name: str
    description: str
    record: dict[str, Any]
    thing: str
    owner: str
    area: AreaCode
    is_simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task.

    Attributes:
        task_id: its id.
        capability: what the device was asked.
        parameters: with which values.
        status: how it stands.
        actor: who gave it, an actor code.
        given_at: when it was given.
        deadline_at: until when the device must have reported.
        delivered_at: when it reached the device first, None where it has not.
        ended_at: when it was over, None where it is not.
        deliveries: how often it was brought.
        reason: what the device says.
        fact_id: of the fact that it was given.
    """

    task_id: int
    capability: CapabilityView
    parameters: dict[str, Any]
    status: TaskStatus
    actor: str
    given_at: datetime
    deadline_at: datetime
    delivered_at: datetime | None
    ended_at: datetime | None
    deliveries: int
    reason: str
    fact_id: str


def capability(capability_id: int) -> CapabilityView:
    """Return what a device can be asked.

    Raises:
        NotFoundError: if there is no such capability.
    """
    rows = _rows(f"SELECT {_CAPABILITY} {_FROM} WHERE c.id = %s", [capability_id])
    if not rows:
        raise NotFoundError(what="tasking capability", key=capability_id)
    return _capability(rows[0])


def capabilities(reaches: Sequence[Reach]) -> list[CapabilityView]:
    """Return what devices within reach can be asked."""
    condition, values = _within(reaches)
    statement = f"SELECT {_CAPABILITY} {_FROM} WHERE {condition} ORDER BY h.name, c.id LIMIT {CAPABILITIES_MAX}"
    return [_capability(row) for row in _rows(statement, values)]


def tasks(reaches: Sequence[Reach], *, status: TaskStatus | None = None, before: int | None = None) -> list[TaskView]:
    """Return the newest tasks within reach, one more than a page shows.

    Args:
        reaches: whose devices.
        status: how they stand, None for all.
        before: only those older than this task.
    """
    condition, values = _within(reaches)
    if status is not None:
        condition, values = f"{condition} AND t.status = %s", [*values, status]
    if before is not None:
        condition, values = f"{condition} AND t.id < %s", [*values, before]
    columns = (
        f"{_CAPABILITY}, t.id, t.tasking_parameters, t.status, t.actor, t.creation_time, t.deadline_at, "
        "t.delivered_at, t.ended_at, t.deliveries, t.reason, t.fact_id::text"
    )
    statement = f"SELECT {columns} {_FROM} JOIN sense_task t ON t.capability_id = c.id WHERE {condition} "
    rows = _rows(f"{statement} ORDER BY t.id DESC LIMIT {TASKS_PAGE + 1}", values)
    return [_task(row) for row in rows]


def _within(reaches: Sequence[Reach]) -> tuple[str, list[Any]]:
    ways, values = ["FALSE"], list[Any]()
    for reach in reaches:
        way = "TRUE"
        if reach.area != CITY:
            prefix = reach.area[:2] if level_of(reach.area) is AreaLevel.CITY else reach.area
            way, values = "starts_with(coalesce(p.area, '110000'), %s)", [*values, prefix]
        if reach.owner is not None:
            way, values = f"{way} AND h.owner = %s", [*values, reach.owner]
        ways.append(f"({way})")
    return f"({' OR '.join(ways)})", values


def _rows(statement: str, values: Sequence[Any]) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return cursor.fetchall()


def _capability(row: Sequence[Any]) -> CapabilityView:
    number, name, description, record, origin, thing, owner, area = row[:8]
    return CapabilityView(
        capability_id=number,
        name=name,
        description=description,
        record=_decoded(record),
        thing=thing,
        owner=owner,
        area=AreaCode(area),
        is_simulated=origin == SIMULATED,
    )


def _task(row: Sequence[Any]) -> TaskView:
    number, parameters, status, actor, given_at, deadline_at, delivered_at, ended_at, deliveries, reason, fact = row[8:]
    return TaskView(
        task_id=number,
        capability=_capability(row),
        parameters=_decoded(parameters),
        status=TaskStatus(status),
        actor=actor,
        given_at=given_at,
        deadline_at=deadline_at,
        delivered_at=delivered_at,
        ended_at=ended_at,
        deliveries=deliveries,
        reason=reason,
        fact_id=fact,
    )


def _decoded(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str) else value
