"""The device ledger as the data plane sees it: who may speak, and which datastream a channel is."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A device that may speak.

    Attributes:
        device_id: its row in the ledger.
        code: its code in the ledger.
        protocol: code of its protocol; `json:<mapping>` for one that publishes JSON over MQTT.
        address: in that protocol.
        thing_id: the thing it is.
        endpoint: `host:port` where it is polled, else empty.
    """

    device_id: int
    code: str
    protocol: str
    address: str
    thing_id: int
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """Which datastream a channel of a device feeds.

    Attributes:
        datastream_id: the stream.
        scale: what a value is multiplied by to be in the stream's unit.
        offset: what is added afterwards.
    """

    datastream_id: int
    scale: float = 1.0
    offset: float = 0.0


class DeviceBook(Protocol):
    """Knows the devices that may speak; retired, quarantined and revoked ones are not in it."""

    def admitted(self, protocol: str, address: str, secret: str = "") -> DeviceRecord | None:
        """Return the device, None where it may not speak or the secret is wrong."""
        ...

    def named(self, code: str) -> DeviceRecord | None:
        """Return the device of a code, None where it may not speak: over MQTT the broker has proved who it is."""
        ...

    def channel(self, device: DeviceRecord, channel: str) -> ChannelRecord | None:
        """Return the datastream of a channel, None where the ledger names none."""
        ...

    def channels(self, device: DeviceRecord) -> tuple[str, ...]:
        """Return the channels the ledger names for a device, sorted: what a poller asks it for."""
        ...

    def polled(self, protocol: str) -> list[DeviceRecord]:
        """Return the devices of a protocol that have an endpoint to be polled at."""
        ...

    def heard(self, device: DeviceRecord, *, received_us: int, device_us: int | None = None) -> None:
        """Take note that a device showed life, and of the time it believes it is; written down in batches."""
        ...
