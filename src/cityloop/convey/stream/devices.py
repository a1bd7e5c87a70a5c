"""The device ledger as the gateways see it: who may speak, which datastream a channel is, who was heard."""

import hashlib
from typing import Any

from psycopg import AsyncConnection

from cityloop.convey.stream.book import ChannelRecord, DeviceRecord
from cityloop.convey.stream.ledger import LedgerFollower

REVOKED = "-"
"""Stands for the digest of a secret that was revoked: no secret has it, so the device may not speak."""

SKEW_NOTED_S = 1.0
"""A clock is noted where it is more wrong than this, seconds; less is the way of the message."""

_DEVICES = """
    SELECT id, code, protocol, address, thing_id, endpoint, secret_digest FROM convey_device
    WHERE protocol <> '' AND (address <> '' OR starts_with(protocol, 'json:'))
    AND state NOT IN ('retired', 'quarantined')
"""
_CHANNELS = """
    SELECT c.device_id, c.name, c.datastream_id, c.scale, c.offset FROM convey_channel c
    JOIN convey_device d ON d.id = c.device_id
    WHERE d.protocol <> '' AND (d.address <> '' OR starts_with(d.protocol, 'json:'))
    AND d.state NOT IN ('retired', 'quarantined')
"""
_HEARD = """
    UPDATE convey_device d SET
      last_heard_at = greatest(d.last_heard_at, to_timestamp(h.received_us / 1e6)),
      clock_skew_s = coalesce(h.skew_s, d.clock_skew_s)
    FROM unnest(%s::bigint[], %s::bigint[], %s::float8[]) AS h (id, received_us, skew_s) WHERE d.id = h.id
"""


def secret_digest_of(protocol: str, address: str, secret: str) -> str:
    """Return what is kept of the secret a device carries in its protocol."""
    return hashlib.sha256(f"{protocol}/{address}/{secret}".encode()).hexdigest()


class Ledger(LedgerFollower):
    """The devices that may speak in protocols of their own; implements `DeviceBook`."""

    def __init__(self) -> None:
        """Know nobody until loaded."""
        super().__init__()
        self._devices: dict[tuple[str, str], tuple[DeviceRecord, str]] = {}
        self._channels: dict[int, dict[str, ChannelRecord]] = {}
        self._polled: dict[str, list[DeviceRecord]] = {}
        self._named: dict[str, DeviceRecord] = {}
        self._heard: dict[int, tuple[int, float | None]] = {}

    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Read devices and channels."""
        devices: dict[tuple[str, str], tuple[DeviceRecord, str]] = {}
        polled: dict[str, list[DeviceRecord]] = {}
        named: dict[str, DeviceRecord] = {}
        for device_id, code, protocol, address, thing_id, endpoint, digest in await _rows(connection, _DEVICES):
            named[code] = record = DeviceRecord(device_id, code, protocol, address, thing_id, endpoint)
            if endpoint:
                polled.setdefault(protocol, []).append(record)
            else:
                devices[protocol, address] = record, digest
        channels: dict[int, dict[str, ChannelRecord]] = {}
        for device_id, name, datastream_id, scale, offset in await _rows(connection, _CHANNELS):
            channels.setdefault(device_id, {})[name] = ChannelRecord(datastream_id, scale, offset)
        self._devices, self._channels, self._polled, self._named = devices, channels, polled, named

    def admitted(self, protocol: str, address: str, secret: str = "") -> DeviceRecord | None:
        """Return the device, None where it may not speak or the secret is wrong."""
        record, digest = self._devices.get((protocol, address), (None, ""))
        if record is None or (digest and digest != secret_digest_of(protocol, address, secret)):
            return None
        return record

    def named(self, code: str) -> DeviceRecord | None:
        """Return the device of a code, None where it may not speak: over MQTT the broker has proved who it is."""
        return self._named.get(code)

    def channel(self, device: DeviceRecord, channel: str) -> ChannelRecord | None:
        """Return the datastream of a channel, None where the ledger names none."""
        return self._channels.get(device.device_id, {}).get(channel)

    def channels(self, device: DeviceRecord) -> tuple[str, ...]:
        """Return the channels the ledger names for a device, sorted."""
        return tuple(sorted(self._channels.get(device.device_id, {})))

    def polled(self, protocol: str) -> list[DeviceRecord]:
        """Return the devices of a protocol that have an endpoint to be polled at."""
        return list(self._polled.get(protocol, ()))

    def heard(self, device: DeviceRecord, *, received_us: int, device_us: int | None = None) -> None:
        """Take note that a device showed life, and of the time it believes it is; written down in batches."""
        skew_s = self._heard.get(device.device_id, (0, None))[1]
        if device_us is not None:
            apart_s = (device_us - received_us) / 1e6
            skew_s = apart_s if abs(apart_s) > SKEW_NOTED_S else 0.0
        self._heard[device.device_id] = received_us, skew_s

    async def write_back(self, connection: AsyncConnection[Any]) -> None:
        """Write down who was heard."""
        if not self._heard:
            return
        heard, self._heard = self._heard, {}
        ids = sorted(heard)
        await connection.execute(_HEARD, (ids, [heard[one][0] for one in ids], [heard[one][1] for one in ids]))


async def _rows(connection: AsyncConnection[Any], statement: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement.encode())).fetchall()
