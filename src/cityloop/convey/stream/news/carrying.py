"""Brings tasks to devices: on the topic of their capability, `v1.1/TaskingCapabilities(n)/Tasks`."""

import re
from collections.abc import Iterable

from cityloop.convey.stream.news.batches import EntityNews
from cityloop.convey.stream.news.notifying import Notifier
from cityloop.convey.stream.news.subjects import ROOT
from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.sta.names import TASK
from cityloop.sense.stream.sta.paths import Resource, Step
from cityloop.sense.stream.sta.syntax import Options
from cityloop.sense.stream.sta.telling import Teller

_TASKS = re.compile(rf"{re.escape(ROOT)}\.TaskingCapabilities\((\d{{1,18}})\)\.Tasks")
_WHOLE = Resource((Step(TASK, None, None),))


def subject_of_tasks(capability_id: int) -> str:
    """Return where the tasks of a capability are brought."""
    return f"{ROOT}.TaskingCapabilities({capability_id}).Tasks"


def capabilities_of(subjects: Iterable[str]) -> list[int]:
    """Return the capabilities whose tasks some subscriptions hear."""
    return [int(found[1]) for subject in subjects if (found := _TASKS.fullmatch(subject))]


class TaskCarrier:
    """Brings tasks through the notifier; implements `sense`'s port `Carrier`.

    Args:
        notifier: publishes.
        teller: shows tasks as GET does.
    """

    def __init__(self, notifier: Notifier, teller: Teller) -> None:
        """Take both."""
        self._notifier, self._teller = notifier, teller

    def is_heard(self, capability_id: int) -> bool:
        """Return whether somebody listens to the tasks of a capability, by its very topic."""
        return subject_of_tasks(capability_id) in self._notifier.interest.subjects()

    async def carry(self, capability_id: int, task_id: int) -> bool:
        """Publish a task where its device listens."""
        try:
            told = await self._teller.entities(_WHOLE, Options(), [task_id])
        except CityloopError:
            return False
        return bool(told) and self._notifier.publish(subject_of_tasks(capability_id), told[0][1])

    def changed(self, task_id: int, *, is_new: bool) -> None:
        """Tell everybody else who listens."""
        self._notifier.changed(EntityNews(TASK.collection, task_id, None if is_new else ("properties",)))
