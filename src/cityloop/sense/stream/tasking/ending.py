"""What devices report of their tasks, and tasks whose time is over; in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from cityloop.journal.stream import post_facts
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.facts.base import Ref, new_fact_id
from cityloop.kernel.facts.conveyed import TaskEnded
from cityloop.sense.rules.tasks import ANSWERS, REASON_LENGTH_MAX, TaskStatus, may_report

OVERDUE_MAX = 1_000
"""Most tasks that are ended in one transaction."""

_AREA = """
    (SELECT d.area FROM sense_datastream d JOIN sense_taskingcapability c ON c.thing_id = d.thing_id
     WHERE c.id = t.capability_id ORDER BY d.id LIMIT 1)
"""
_HELD = (
    f"SELECT t.status, t.fact_id, {_AREA} FROM sense_task t WHERE t.id = %s AND t.capability_id = %s FOR UPDATE OF t"
)
_ACCEPT = "UPDATE sense_task SET status = 'accepted', accepted_at = %s, reason = %s WHERE id = %s"
_END = "UPDATE sense_task SET status = %s, ended_at = %s, reason = %s WHERE id = %s"
_OVERDUE = f"""
    UPDATE sense_task t SET status = 'timed_out', ended_at = %s
    WHERE t.id IN (
        SELECT id FROM sense_task WHERE ended_at IS NULL AND deadline_at <= %s ORDER BY deadline_at LIMIT {OVERDUE_MAX}
        FOR UPDATE SKIP LOCKED
    )
    RETURNING t.id, t.fact_id, {_AREA}
"""


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """What a device reports of a task.

    Attributes:
        capability_id: of the topic it came on, which only the device of that thing may use.
        task_id: the task.
        status: accepted, done or failed.
        reason: in the device's words.
    """

    capability_id: int
    task_id: int
    status: TaskStatus
    reason: str = ""


async def note_answer(connection: AsyncConnection[Any], answer: TaskAnswer, *, now: datetime | None = None) -> bool:
    """Note what a device reports; return whether it counted: what is over or another's stays.

    Args:
        connection: within a transaction.
        answer: the report.
        now: the present, aware.
    """
    now = now or datetime.now(UTC)
    row = await (await connection.execute(_HELD, (answer.task_id, answer.capability_id))).fetchone()
    if row is None or not may_report(TaskStatus(row[0]), answer.status):
        return False
    reason = answer.reason.replace("\0", "")[:REASON_LENGTH_MAX]
    if answer.status is TaskStatus.ACCEPTED:
        await connection.execute(_ACCEPT, (now, reason, answer.task_id))
        return True
    await connection.execute(_END, (answer.status, now, reason, answer.task_id))
    actor = f"device:task-{answer.capability_id}"
    await post_facts(connection, [_ended(answer.task_id, row[1], row[2], actor, answer.status, reason, now)])
    return True


async def end_overdue(connection: AsyncConnection[Any], *, now: datetime | None = None) -> Sequence[int]:
    """End tasks whose time is over and return their ids."""
    now = now or datetime.now(UTC)
    rows = await (await connection.execute(_OVERDUE, (now, now))).fetchall()
    actor = "system:notify"
    facts = [_ended(key, given, area, actor, TaskStatus.TIMED_OUT, "", now) for key, given, area in rows]
    await post_facts(connection, facts)
    return [row[0] for row in rows]


def _ended(  # noqa: PLR0913, PLR0917  the fields of a fact
    task_id: int, given: UUID, area: str | None, actor: str, status: TaskStatus, reason: str, now: datetime
) -> TaskEnded:
    return TaskEnded(
        fact_id=new_fact_id(),
        happened_at=now,
        actor=actor,
        area=AreaCode(area) if area else CITY,
        causes=(Ref.fact(given),),
        task_id=task_id,
        status=status,
        reason=reason,
    )


__all__ = ["ANSWERS", "TaskAnswer", "TaskStatus", "end_overdue", "note_answer"]
