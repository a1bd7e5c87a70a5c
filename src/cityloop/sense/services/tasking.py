"""A person gives a device a task: the same rules as for machines."""

from typing import Any

import msgspec
from django.db import connection, transaction
from django.utils import timezone

from cityloop.journal import facade as journal
from cityloop.kernel.facts.base import new_fact_id
from cityloop.kernel.facts.conveyed import TaskGiven
from cityloop.sense.models import Task, TaskingCapability
from cityloop.sense.rules.parameters import check_record, check_values
from cityloop.sense.rules.tasks import TERMS, deadline_of
from cityloop.sense.selectors.tasks import CapabilityView, capability
from cityloop.sense.stream.tasking.giving import TASKS_CHANNEL, TooManyTasksError, seconds_of


def give_task(capability_id: int, parameters: dict[str, Any], *, actor: str) -> int:
    """Give a device a task and return its id; whether the actor may was asked before.

    Args:
        capability_id: what the device is asked for.
        parameters: with which values.
        actor: who gives it, an actor code.

    Raises:
        NotFoundError: if there is no such capability.
        TooManyTasksError: if too many wait already.
        TaskParameterError: naming the parameter that is missing, unknown or of another type.
        TaskValueNotAllowedError: naming the parameter whose value is not allowed.
    """
    with transaction.atomic():
        row = TaskingCapability.objects.select_for_update().filter(pk=capability_id).first()
        view = capability(capability_id)
        check_record(view.record)
        check_values(view.record, parameters)
        waiting = Task.objects.filter(capability_id=capability_id, ended_at=None).count()
        if waiting >= TERMS.open_max:
            raise TooManyTasksError(count=waiting)
        now, properties = timezone.now(), (row.properties if row is not None else None) or {}
        task = Task.objects.create(
            creation_time=now,
            tasking_parameters=parameters,
            capability_id=capability_id,
            actor=actor,
            deadline_at=deadline_of(now, answer_s=seconds_of(properties.get("answer_s"))),
            fact_id=new_fact_id(),
        )
        journal.post(_given(task, view))
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {TASKS_CHANNEL}")
    return task.pk


def _given(task: Task, view: CapabilityView) -> TaskGiven:
    return TaskGiven(
        fact_id=task.fact_id,
        happened_at=task.creation_time,
        actor=task.actor,
        area=view.area,
        task_id=task.pk,
        capability=view.name,
        sited_at=view.thing,
        asked=msgspec.json.encode(task.tasking_parameters).decode(),
        due_at=task.deadline_at,
    )
