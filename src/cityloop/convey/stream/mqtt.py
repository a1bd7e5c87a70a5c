"""The MQTT mouth: SensorThings Observations published by devices, decoded into columns.

Topics, after SensorThings 1.1, clause 14: `v1.1/Datastreams(n)/Observations`, `v1.1/Observations` and
`v1.1/FeaturesOfInterest(n)/Observations`. The payload is an Observation, or an array of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np

from cityloop.convey.stream.answers import AnswerUnreadableError, answer_of
from cityloop.convey.stream.jetstream import Fetch, Message
from cityloop.convey.stream.plain import plain_of
from cityloop.sense.stream.readings import COLUMNS, NO_TIME, Int64s, OtherParts, Outcome, Readings, concatenated
from cityloop.sense.stream.rejected import Rejected
from cityloop.sense.stream.sta.times import column_us, instant_us, interval_us
from cityloop.sense.stream.tasking.ending import TaskAnswer

MOUTH = "mqtt"
"""Name of this mouth beside what it refuses."""

WHOLE_NUMBER_DIGITS_MAX = 15
"""Whole numbers of more digits may not fit a float64 and are kept as JSON."""

_SUBJECT = re.compile(rb"mouth\.v1//1\.(?:(Datastreams|FeaturesOfInterest)\((\d{1,18})\)\.)?Observations")
_DATASTREAMS = b"Datastreams"
_NO_TOPIC = (b"", 0)
_TOPICS_MAX = 200_000


class Reason(StrEnum):
    """Why a message or a reading of it was refused."""

    UNKNOWN_TOPIC = "unknown_topic"
    MALFORMED = "malformed"
    NO_DATASTREAM = "no_datastream"
    BAD_TIME = "bad_time"
    UNKNOWN_DATASTREAM = "unknown_datastream"
    UNKNOWN_FEATURE = "unknown_feature"
    NO_LOCATION = "no_location"
    NOT_STORABLE = "not_storable"
    NO_SUCH_TASK = "no_such_task"


REASONS = {
    Outcome.UNKNOWN_DATASTREAM: Reason.UNKNOWN_DATASTREAM,
    Outcome.UNKNOWN_FEATURE: Reason.UNKNOWN_FEATURE,
    Outcome.NO_LOCATION: Reason.NO_LOCATION,
    Outcome.NOT_STORABLE: Reason.NOT_STORABLE,
}
"""Why the pipeline refused a reading, as a short code."""


class _Link(msgspec.Struct):
    id: int = msgspec.field(name="@iot.id")


class _Observation(msgspec.Struct, rename="camel"):
    result: msgspec.Raw
    phenomenon_time: str | None = None
    result_time: str | None = None
    valid_time: str | None = None
    result_quality: msgspec.Raw = msgspec.Raw(b"")
    parameters: msgspec.Raw = msgspec.Raw(b"")
    datastream: _Link | None = msgspec.field(name="Datastream", default=None)
    feature: _Link | None = msgspec.field(name="FeatureOfInterest", default=None)


_one = msgspec.json.Decoder(_Observation)
_many = msgspec.json.Decoder(list[msgspec.Raw])
_ARRAY, _BLANKS = b"[", b" \t\r\n"


class _RefusedError(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True)
class Decoded:
    """What a fetch of messages holds.

    Attributes:
        readings: the readings, in order.
        message: of each reading its message.
        rejected: what could not be read.
        answers: what devices report of their tasks, each with its message.
    """

    readings: Readings
    message: Sequence[Message]
    rejected: list[Rejected]
    answers: list[tuple[TaskAnswer, Message]] = field(default_factory=list)

    def refused(self, row: int, outcome: Outcome) -> Rejected:
        """Return a reading that the pipeline refused as an item to be set aside."""
        return _rejected(self.message[row], REASONS[outcome], f"datastream {self.readings.datastream_id[row]}")

    def unanswered(self, number: int) -> Rejected:
        """Return a report of a task that did not count as an item to be set aside."""
        answer, message = self.answers[number]
        return _rejected(message, Reason.NO_SUCH_TASK, f"task {answer.task_id}: none of this device that is open")


@dataclass(slots=True)
class _Columns:
    datastream: list[int] = field(default_factory=list)
    phenomenon: list[str | None] = field(default_factory=list)
    result: list[float] = field(default_factory=list)
    result_time: list[str | None] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    others: dict[int, OtherParts] = field(default_factory=dict)
    row: list[int] = field(default_factory=list)
    message: list[Message] = field(default_factory=list)
    answers: list[tuple[TaskAnswer, Message]] = field(default_factory=list)


class MqttMouth:
    """Decodes fetches: the usual messages together, every other one by itself; knows the topics it has seen."""

    def __init__(self) -> None:
        """Know no topic."""
        self._topics: dict[bytes, tuple[bytes, int] | None] = {}

    def decode(self, messages: Sequence[Message], *, received_us: int) -> Decoded:
        """Return the readings of a fetch; a message that cannot be read never stops its neighbours.

        Args:
            messages: in order.
            received_us: the present, microseconds since the Unix epoch.
        """
        fetch = Fetch.of(messages)
        plain = plain_of(fetch, [self._stream(subject) for subject in fetch.subjects])
        together = Readings(
            datastream_id=plain.datastream_id,
            phenomenon_us=plain.phenomenon_us,
            result=plain.result,
            quality=np.zeros(len(plain.row), dtype=np.uint8),
            result_us=plain.result_us,
            feature_id=np.zeros(len(plain.row), dtype=np.int64),
            received_us=received_us,
        )
        if len(together) == len(fetch):
            return Decoded(together, fetch, [])
        columns = _Columns()
        rejected: list[Rejected] = []
        for row in np.setdiff1d(np.arange(len(fetch)), plain.row, assume_unique=True).tolist():
            message = fetch[row]
            try:
                self._take(message, row, columns, rejected)
            except _RefusedError as error:
                rejected.append(_rejected(message, error.reason, str(error)))
        alone, row = _assembled(columns, rejected, received_us)
        readings, order = _interleaved(together, alone, np.concatenate([plain.row, row]))
        return Decoded(readings, fetch.chosen(order), rejected, columns.answers)

    def _stream(self, subject: bytes) -> int:
        """Return the datastream that a topic names, 0 where it names none."""
        kind, number = self._topic(subject) or _NO_TOPIC
        return number if kind == _DATASTREAMS and 0 < number < 2**63 else 0

    def _take(self, message: Message, row: int, columns: _Columns, rejected: list[Rejected]) -> None:
        topic = self._topic(message.subject)
        if topic is None:
            _take_answer(message, columns)
            return
        try:
            if message.payload.lstrip(_BLANKS)[:1] != _ARRAY:
                _append(columns, message, row, topic, _one.decode(message.payload))
                return
            parts = _many.decode(message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _RefusedError(Reason.MALFORMED, str(error)) from error
        for number, part in enumerate(parts):
            try:
                _append(columns, message, row, topic, _one.decode(part))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                rejected.append(_rejected(message, Reason.MALFORMED, f"observation {number}: {error}"))
            except _RefusedError as error:
                rejected.append(_rejected(message, error.reason, f"observation {number}: {error}"))

    def _topic(self, subject: bytes) -> tuple[bytes, int] | None:
        try:
            return self._topics[subject]
        except KeyError:
            found = _SUBJECT.fullmatch(subject)
            topic = None if found is None else (found[1] or b"", int(found[2] or 0))
            if len(self._topics) >= _TOPICS_MAX:
                self._topics.clear()
            self._topics[subject] = topic
            return topic


def _take_answer(message: Message, columns: _Columns) -> None:
    try:
        answer = answer_of(message)
    except AnswerUnreadableError as error:
        raise _RefusedError(Reason.MALFORMED, str(error)) from error
    if answer is None:
        raise _RefusedError(Reason.UNKNOWN_TOPIC, "no topic that takes observations")
    columns.answers.append((answer, message))


def _append(columns: _Columns, message: Message, row: int, topic: tuple[bytes, int], observation: _Observation) -> None:
    kind, number = topic
    if kind == _DATASTREAMS:
        datastream = number
    elif observation.datastream is not None:
        datastream = observation.datastream.id
    else:
        raise _RefusedError(Reason.NO_DATASTREAM, "neither topic nor payload names a datastream")
    feature = number if kind == b"FeaturesOfInterest" else observation.feature.id if observation.feature else 0
    if not (0 < datastream < 2**63 and 0 <= feature < 2**63):
        raise _RefusedError(Reason.MALFORMED, "an id is out of range")
    result, others = _result(bytes(observation.result)), None
    if result is None or _has_others(observation):
        others = _others(observation, None if result is not None else bytes(observation.result))
        columns.others[len(columns.result)] = others
    columns.datastream.append(datastream)
    columns.phenomenon.append(observation.phenomenon_time)
    columns.result.append(np.nan if result is None else result)
    columns.result_time.append(observation.result_time)
    columns.feature.append(feature)
    columns.message.append(message)
    columns.row.append(row)


def _result(text: bytes) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    long = len(text) > WHOLE_NUMBER_DIGITS_MAX and text.lstrip(b"-").isdigit()
    return None if long else number


def _has_others(observation: _Observation) -> bool:
    return bool(
        observation.valid_time
        or len(observation.result_quality)
        or len(observation.parameters)
        or (observation.phenomenon_time and "/" in observation.phenomenon_time)
    )


def _others(observation: _Observation, result_json: bytes | None) -> OtherParts:
    try:
        valid = interval_us(observation.valid_time) if observation.valid_time else (None, None)
    except ValueError as error:
        raise _RefusedError(Reason.BAD_TIME, f"validTime: {error}") from error
    return OtherParts(
        result_json=result_json,
        valid_from_us=valid[0],
        valid_until_us=valid[1],
        result_quality_json=bytes(observation.result_quality) or None,
        parameters_json=bytes(observation.parameters) or None,
    )


def _interleaved(together: Readings, alone: Readings, message: Int64s) -> tuple[Readings, list[int]]:
    """Return both in the order of their messages, and that order; an array's readings stay in theirs."""
    both = concatenated([together, alone])
    order = np.argsort(message, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    columns = {name: getattr(both, name)[order] for name in COLUMNS}
    others = {int(place[row]): parts for row, parts in both.others.items()}
    return Readings(**columns, received_us=both.received_us, others=others), message[order].tolist()


def _assembled(columns: _Columns, rejected: list[Rejected], received_us: int) -> tuple[Readings, Int64s]:
    count = len(columns.result)
    good = np.ones(count, dtype=np.bool_)
    phenomenon = _instants(columns, columns.phenomenon, good, rejected, name="phenomenonTime")
    result_time = _instants(columns, columns.result_time, good, rejected, name="resultTime")
    readings = Readings(
        datastream_id=np.array(columns.datastream, dtype=np.int64)[good],
        phenomenon_us=phenomenon[good],
        result=np.array(columns.result, dtype=np.float64)[good],
        quality=np.zeros(int(good.sum()), dtype=np.uint8),
        result_us=result_time[good],
        feature_id=np.array(columns.feature, dtype=np.int64)[good],
        received_us=received_us,
        others=_moved(columns.others, good),
    )
    return readings, np.array(columns.row, dtype=np.int64)[good]


def _moved(others: dict[int, OtherParts], good: "np.ndarray[Any, np.dtype[np.bool_]]") -> dict[int, OtherParts]:
    places = np.cumsum(good) - 1
    return {int(places[row]): parts for row, parts in others.items() if good[row]}


def _instants(
    columns: _Columns,
    texts: list[str | None],
    good: "np.ndarray[Any, np.dtype[np.bool_]]",
    rejected: list[Rejected],
    *,
    name: str,
) -> Int64s:
    given = [text for text in texts if text is not None]
    if len(given) == len(texts) and (column := column_us(given)) is not None:
        return column
    instants = np.full(len(texts), NO_TIME, dtype=np.int64)
    for row, text in enumerate(texts):
        try:
            instants[row] = _instant(columns, row, text, is_phenomenon=name == "phenomenonTime")
        except ValueError as error:
            if good[row]:
                rejected.append(_rejected(columns.message[row], Reason.BAD_TIME, f"{name}: {error}"))
            good[row] = False
    return instants


def _instant(columns: _Columns, row: int, text: str | None, *, is_phenomenon: bool) -> int:
    if text is None:
        return columns.message[row].stored_us if is_phenomenon else NO_TIME
    if is_phenomenon and "/" in text:
        start, columns.others[row].phenomenon_end_us = interval_us(text)
        return start
    return instant_us(text)


def _rejected(message: Message, reason: Reason, detail: str) -> Rejected:
    topic = message.subject.decode("utf-8", "replace").removeprefix("mouth.").replace(".", "/").replace("//", ".")
    return Rejected(MOUTH, reason, detail, topic, message.payload, message.stored_us)
