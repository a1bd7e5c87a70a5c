"""Gives a device a task, in the caller's transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from psycopg import AsyncConnection

from cityloop.journal.stream import post_facts
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.facts.base import new_fact_id
from cityloop.kernel.facts.conveyed import TaskGiven
from cityloop.sense.rules.parameters import check_record, check_values
from cityloop.sense.rules.tasks import TERMS, deadline_of

TASKS_CHANNEL = "cityloop_tasks"
"""NOTIFY channel that says tasks have been given; the payload is empty."""

_CAPABILITY = """
    SELECT c.name, c.tasking_parameters, c.properties -> 'answer_s', h.name,
        (SELECT d.area FROM sense_datastream d WHERE d.thing_id = c.thing_id ORDER BY d.id LIMIT 1)
    FROM sense_taskingcapability c JOIN sense_thing h ON h.id = c.thing_id WHERE c.id = %s FOR UPDATE OF c
"""
_OPEN = "SELECT count(*) FROM sense_task WHERE capability_id = %s AND ended_at IS NULL"
_GIVE = """
    INSERT INTO sense_task (creation_time, tasking_parameters, capability_id, actor, deadline_at, fact_id)
    VALUES (%s, %s::jsonb, %s, %s, %s, %s) RETURNING id
"""


class CapabilityMissingError(CityloopError):
    """There is no such tasking capability."""

    key = "There is no such tasking capability."
    status = 404


class TooManyTasksError(CityloopError):
    """As many tasks wait for the device as may."""

    key = "%(count)s tasks of this capability wait for their device; more cannot be given."
    status = 409


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives tasks.

    Attributes:
        actor: its actor code.
        may_task: whether it has the right to.
    """

    actor: str
    may_task: bool


async def give_task(connection: AsyncConnection[Any], giver: Giver, *, capability_id: int, parameters_json: str) -> int:
    """Give a task and return its id; the journal is told.

    Args:
        connection: within a transaction.
        giver: who gives it; whether it may has been asked already.
        capability_id: what the device is asked for.
        parameters_json: the parameters, an object as JSON text.

    Raises:
        CapabilityMissingError: if there is no such capability.
        TooManyTasksError: if too many wait already.
        TaskParameterError: naming the parameter that is missing, unknown or of another type.
        TaskValueNotAllowedError: naming the parameter whose value is not allowed.
    """
    row = await (await connection.execute(_CAPABILITY, (capability_id,))).fetchone()
    if row is None:
        raise CapabilityMissingError
    capability, record, answer_s, thing, area = row
    check_record(record)
    check_values(record, msgspec.json.decode(parameters_json))
    waiting = await (await connection.execute(_OPEN, (capability_id,))).fetchone()
    if waiting is not None and waiting[0] >= TERMS.open_max:
        raise TooManyTasksError(count=waiting[0])
    now, fact_id = datetime.now(UTC), new_fact_id()
    due_at = deadline_of(now, answer_s=seconds_of(answer_s))
    given = (now, parameters_json, capability_id, giver.actor, due_at, fact_id)
    made = await (await connection.execute(_GIVE, given)).fetchone()
    task_id = int(made[0]) if made is not None else 0
    fact = TaskGiven(
        fact_id=fact_id,
        happened_at=now,
        actor=giver.actor,
        area=AreaCode(area) if area else CITY,
        task_id=task_id,
        capability=capability,
        sited_at=thing,
        asked=parameters_json,
        due_at=due_at,
    )
    await post_facts(connection, [fact])
    await connection.execute(f"NOTIFY {TASKS_CHANNEL}")
    return task_id


def seconds_of(told: object) -> float | None:
    """Return the time to answer that a capability's properties tell, None where they tell none."""
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) else None
