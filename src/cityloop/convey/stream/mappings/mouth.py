"""The mouth for vendors' JSON: what devices publish on `devices/<code>/up`, decoded by mapping into columns."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from cityloop.convey.stream.book import ChannelRecord, DeviceBook, DeviceRecord
from cityloop.convey.stream.jetstream import Message
from cityloop.convey.stream.mappings.found import Mappings
from cityloop.convey.stream.mappings.mapping import PROTOCOL_PREFIX, Mapping
from cityloop.convey.stream.mappings.reading import Unfit, UnfitError, read_message
from cityloop.convey.stream.mqtt import Decoded
from cityloop.sense.stream.readings import NO_TIME, OtherParts, Readings
from cityloop.sense.stream.rejected import Rejected

MOUTH = "devices"
"""Name of this mouth beside what it refuses."""

SUBJECTS = b"mouth.devices."
"""Beginning of the private subjects this mouth reads."""

_SUBJECT = re.compile(rb"mouth\.devices\.([^.]{1,100})\.up")


@dataclass(slots=True)
class _Columns:
    datastream: list[int] = field(default_factory=list)
    phenomenon: list[int] = field(default_factory=list)
    result: list[float] = field(default_factory=list)
    others: dict[int, OtherParts] = field(default_factory=dict)
    message: list[Message] = field(default_factory=list)

    def add(self, datastream_id: int, at_us: int, value: float | str, message: Message) -> None:
        if isinstance(value, str):
            self.others[len(self.result)] = OtherParts(result_json=msgspec.json.encode(value))
        self.datastream.append(datastream_id)
        self.phenomenon.append(at_us)
        self.result.append(math.nan if isinstance(value, str) else value)
        self.message.append(message)


class MappedMouth:
    """Decodes fetches of vendors' JSON."""

    def __init__(self, book: DeviceBook, mappings: Mappings) -> None:
        """Know the devices and how each kind speaks.

        Args:
            book: the ledger.
            mappings: the kinds.
        """
        self._book, self._mappings = book, mappings

    def decode(self, messages: Sequence[Message], *, received_us: int) -> Decoded:
        """Return the readings of a fetch; a message that cannot be read never stops its neighbours.

        Args:
            messages: in order.
            received_us: the present, microseconds since the Unix epoch.
        """
        columns = _Columns()
        rejected: list[Rejected] = []
        for message in messages:
            try:
                self._take(message, columns, rejected, received_us)
            except UnfitError as error:
                rejected.append(_rejected(message, error))
        count = len(columns.result)
        readings = Readings(
            datastream_id=np.array(columns.datastream, dtype=np.int64),
            phenomenon_us=np.array(columns.phenomenon, dtype=np.int64),
            result=np.array(columns.result, dtype=np.float64),
            quality=np.zeros(count, dtype=np.uint8),
            result_us=np.full(count, NO_TIME, dtype=np.int64),
            feature_id=np.zeros(count, dtype=np.int64),
            received_us=received_us,
            others=columns.others,
        )
        return Decoded(readings, columns.message, rejected)

    def _take(self, message: Message, columns: _Columns, rejected: list[Rejected], received_us: int) -> None:
        device = self._device(message)
        mapping = self._mapping(device, received_us)
        read = read_message(mapping, message.payload)
        if read.device and device.address and read.device.lower() not in {device.address.lower(), device.code.lower()}:
            raise UnfitError(
                Unfit.WRONG_DEVICE, f"{device.code} is {device.address}, the message is of {read.device[:100]}"
            )
        self._book.heard(device, received_us=received_us)
        unknown = []
        for value in read.values:
            record = self._book.channel(device, value.channel)
            if record is not None:
                at_us = message.stored_us if value.time_us is None else value.time_us
                try:
                    columns.add(record.datastream_id, at_us, _in_unit(value.value, record), message)
                except UnfitError as error:
                    read.unfit.append(error)
            elif not value.optional:
                unknown.append(value.channel)
        rejected += [_rejected(message, error) for error in read.unfit]
        if unknown:
            names = ", ".join(dict.fromkeys(unknown))
            rejected.append(_rejected(message, UnfitError(Unfit.UNKNOWN_CHANNEL, f"the ledger names no {names}"[:500])))

    def _device(self, message: Message) -> DeviceRecord:
        found = _SUBJECT.fullmatch(message.subject)
        if found is None:
            raise UnfitError(Unfit.UNKNOWN_TOPIC, f"no topic that takes messages: {message.subject[:100]!r}")
        code = found[1].decode("utf-8", "replace")
        if (device := self._book.named(code)) is None:
            raise UnfitError(Unfit.UNKNOWN_DEVICE, f"{code} is not in the ledger, or may not speak")
        return device

    def _mapping(self, device: DeviceRecord, now_us: int) -> Mapping:
        prefix, code = device.protocol[: len(PROTOCOL_PREFIX)], device.protocol[len(PROTOCOL_PREFIX) :]
        mapping = self._mappings.get(code, now_us=now_us) if prefix == PROTOCOL_PREFIX else None
        if mapping is None:
            raise UnfitError(
                Unfit.UNMAPPED, f"{device.code} has the protocol {device.protocol!r}, which names no mapping"
            )
        return mapping


def _in_unit(value: float | str, record: ChannelRecord) -> float | str:
    number = value if isinstance(value, str) else value * record.scale + record.offset
    if isinstance(number, float) and not math.isfinite(number):
        raise UnfitError(Unfit.NO_VALUE, f"{value} is beyond all bounds in the stream's unit")
    return number


def _rejected(message: Message, error: UnfitError) -> Rejected:
    topic = message.subject.decode("utf-8", "replace").removeprefix("mouth.").replace(".", "/")
    return Rejected(MOUTH, error.reason, str(error), topic, message.payload, message.stored_us)
