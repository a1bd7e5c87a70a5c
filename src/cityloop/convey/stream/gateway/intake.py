"""From parcels to readings: which datastream a channel is, in its unit; what is unknown is refused and kept."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from cityloop.convey.stream.book import ChannelRecord, DeviceBook, DeviceRecord
from cityloop.convey.stream.gateway.counts import Counts
from cityloop.convey.stream.gateway.guesses import Guesses
from cityloop.convey.stream.gateway.refusals import Refusals
from cityloop.convey.stream.gateway.visit import Visit
from cityloop.convey.stream.mqtt import REASONS
from cityloop.sense.stream.protocols.port import Measurement, Parcel, Refused, Turn
from cityloop.sense.stream.readings import NO_TIME, Ingest, Kept, OtherParts, Outcome, Readings
from cityloop.sense.stream.rejected import Rejected

UNKNOWN_AGAIN_US = 3_600_000_000
"""A channel the ledger does not name is refused once in this time for each device, microseconds; all are counted."""

UNKNOWN_MAX = 50_000
"""Channels remembered for that."""


@dataclass(slots=True)
class Batch:
    """What one turn of a session brought.

    Attributes:
        readings: what may be kept.
        origins: where each reading comes from.
        tickets: parcels whose device is known.
        unknown: parcels whose device may not speak, or is not in the ledger.
    """

    readings: Readings
    origins: list[tuple[Measurement, Parcel]]
    tickets: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Columns:
    protocol: str
    received_us: int
    origins: list[tuple[Measurement, Parcel]] = field(default_factory=list)
    stream: list[int] = field(default_factory=list)
    result: list[float] = field(default_factory=list)
    others: dict[int, OtherParts] = field(default_factory=dict)

    def append(
        self, measurement: Measurement, parcel: Parcel, stream: int, result: float, others: OtherParts | None
    ) -> None:
        if others is not None:
            self.others[len(self.stream)] = others
        self.origins.append((measurement, parcel))
        self.stream.append(stream)
        self.result.append(result)

    def readings(self) -> Readings:
        count, measured = len(self.stream), [measurement for measurement, _ in self.origins]
        return Readings(
            datastream_id=np.array(self.stream, dtype=np.int64),
            phenomenon_us=np.array([each.phenomenon_us for each in measured], dtype=np.int64),
            result=np.array(self.result, dtype=np.float64),
            quality=np.array([each.quality for each in measured], dtype=np.uint8),
            result_us=np.full(count, NO_TIME, dtype=np.int64),
            feature_id=np.zeros(count, dtype=np.int64),
            received_us=self.received_us,
            others=self.others,
        )


class Intake:
    """Turns what sessions read into readings, and notes what is refused.

    Attributes:
        book: the ledger.
        ingest: the pipeline.
        refusals: where refusals go.
        guesses: wrong secrets.
        counts: what has been seen, by protocol.
    """

    def __init__(self, book: DeviceBook, ingest: Ingest, refusals: Refusals) -> None:
        """Take the three ports."""
        self.book, self.ingest, self.refusals = book, ingest, refusals
        self.guesses = Guesses()
        self.counts: dict[str, Counts] = {}
        self._unknown: OrderedDict[tuple[int, str], int] = OrderedDict()

    def of(self, protocol: str) -> Counts:
        """Return the counts of a protocol."""
        try:
            return self.counts[protocol]
        except KeyError:
            return self.counts.setdefault(protocol, Counts())

    def refuse(self, protocol: str, refused: Refused, *, received_us: int) -> None:
        """Note a refusal."""
        self.of(protocol).refused[refused.reason] += 1
        self.refusals.note(
            Rejected(protocol, refused.reason, refused.detail, refused.address, refused.raw, received_us)
        )

    def hear(self, visit: Visit, turn: Turn, *, received_us: int) -> None:
        """Note which devices showed life, and the time they believe it is."""
        for address in dict.fromkeys(turn.heard):
            device = visit.device(address)
            if device is not None:
                self.book.heard(device, received_us=received_us, device_us=turn.clocks.get(address))

    def assemble(self, visit: Visit, parcels: Sequence[Parcel], *, protocol: str, received_us: int) -> Batch:
        """Return the readings of some parcels; what cannot become one is refused."""
        columns = _Columns(protocol, received_us)
        tickets: list[int] = []
        unknown: list[int] = []
        for parcel in parcels:
            devices = {each.address: visit.device(each.address) for each in parcel.measurements}
            for address, device in devices.items():
                if device is None:
                    detail = f"{address} is not in the ledger, or may not speak"
                    refused = Refused("unknown_device", detail, parcel.raw, address)
                    self.refuse(protocol, refused, received_us=received_us)
            for measurement in parcel.measurements:
                device = devices[measurement.address]
                if device is not None:
                    self._take(measurement, device, columns, parcel)
            (tickets if not devices or any(devices.values()) else unknown).append(parcel.ticket)
        self.of(protocol).parcels += len(parcels)
        return Batch(columns.readings(), columns.origins, tickets, unknown)

    def _take(self, measurement: Measurement, device: DeviceRecord, columns: _Columns, parcel: Parcel) -> None:
        channel = self.book.channel(device, measurement.channel)
        if channel is None:
            detail = f"the ledger names no datastream for {measurement.channel} of {device.code}"
            refused = Refused("unknown_channel", detail, parcel.raw, measurement.address)
            self._refuse_channel((device.device_id, measurement.channel), refused, columns)
            return
        result, others = _result(measurement.value, channel)
        if others is None and not math.isfinite(result):
            detail = f"{measurement.channel} is {measurement.value!r}"
            refused = Refused("not_a_number", detail, parcel.raw, measurement.address)
            self.refuse(columns.protocol, refused, received_us=columns.received_us)
            return
        columns.append(measurement, parcel, channel.datastream_id, result, others)

    def _refuse_channel(self, key: tuple[int, str], refused: Refused, columns: _Columns) -> None:
        told_us = self._unknown.get(key)
        if told_us is not None and 0 <= columns.received_us - told_us < UNKNOWN_AGAIN_US:
            self.of(columns.protocol).refused[refused.reason] += 1
            return
        self._unknown[key] = columns.received_us
        self._unknown.move_to_end(key)
        if len(self._unknown) > UNKNOWN_MAX:
            self._unknown.popitem(last=False)
        self.refuse(columns.protocol, refused, received_us=columns.received_us)

    def kept(self, batch: Batch, kept: Kept, *, protocol: str) -> None:
        """Count what became durable, and note what the history refused."""
        refused = np.flatnonzero(kept.outcome > Outcome.DUPLICATE).tolist()
        self.of(protocol).readings += len(batch.readings) - len(refused)
        for row in refused:
            measurement, parcel = batch.origins[row]
            reason = REASONS[Outcome(int(kept.outcome[row]))]
            refusal = Refused(reason, f"{measurement.channel} = {measurement.value}", parcel.raw, measurement.address)
            self.refuse(protocol, refusal, received_us=batch.readings.received_us)


def _result(value: float | str, channel: ChannelRecord) -> tuple[float, OtherParts | None]:
    if isinstance(value, str):
        return math.nan, OtherParts(result_json=msgspec.json.encode(value))
    return value * channel.scale + channel.offset, None
