"""What devices publish of their tasks: `v1.1/TaskingCapabilities(n)/Tasks(m)/status`.

The topic names the capability, for that is what a device's rights are about: so no device answers for another.
"""

import re

import msgspec

from cityloop.convey.stream.jetstream import Message
from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.tasking.ending import ANSWERS, TaskAnswer, TaskStatus

_SUBJECT = re.compile(rb"mouth\.v1//1\.TaskingCapabilities\((\d{1,18})\)\.Tasks\((\d{1,18})\)\.status")


class _Report(msgspec.Struct):
    status: str
    reason: str = ""


_report = msgspec.json.Decoder(_Report)


class AnswerUnreadableError(CityloopError):
    """A device's report of a task cannot be read."""

    key = "The report of a task cannot be read: %(reason)s"


def answer_of(message: Message) -> TaskAnswer | None:
    """Return what a message reports of a task, None where it is about something else.

    Raises:
        AnswerUnreadableError: if it is on such a topic and no report.
    """
    found = _SUBJECT.fullmatch(message.subject)
    if found is None:
        return None
    try:
        report = _report.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AnswerUnreadableError(reason=str(error)) from error
    if report.status not in set(ANSWERS):
        raise AnswerUnreadableError(reason=f"status is one of {', '.join(ANSWERS)}")
    return TaskAnswer(int(found[1]), int(found[2]), TaskStatus(report.status), report.reason)
