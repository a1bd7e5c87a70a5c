"""What a device protocol offers to the gateway: sessions that turn bytes into measurements, without any I/O.

A protocol is a folder beside this file whose `__init__` has `PROTOCOL: Protocol`. The gateway opens the sockets, looks
up devices, keeps what was measured, and tells the session when it is durable; only then the device gets its answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol as Port

from cityloop.kernel.quality import Quality
from cityloop.kernel.text import Text


class Carrier(StrEnum):
    """How the bytes travel."""

    TCP = "tcp"
    UDP = "udp"
    POLLED_TCP = "polled_tcp"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number a device has sent, before it is a reading.

    Attributes:
        address: of the device in its protocol: station id, phone number, meter address.
        channel: what was measured, in the protocol's words, such as `w01018-Rtd`.
        phenomenon_us: when, microseconds since the Unix epoch, UTC; device times without a zone are UTC+8.
        value: the number, or a word where the protocol sends one.
        unit: as the protocol names it, empty where it does not.
        quality: what the protocol says of it.
    """

    address: str
    channel: str
    phenomenon_us: int
    value: float | str
    unit: str = ""
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Parcel:
    """Measurements that are acknowledged together.

    Attributes:
        ticket: number by which the gateway says that they are durable.
        measurements: what was measured.
        raw: the frame as it came.
    """

    ticket: int
    measurements: tuple[Measurement, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame that could not be read.

    Attributes:
        reason: a short code, such as `wrong_checksum`.
        detail: what exactly, for a person.
        raw: what came, cut at 64 KiB.
        address: of the device where it is known.
    """

    reason: str
    detail: str
    raw: bytes
    address: str = ""


@dataclass(slots=True)
class Turn:
    """What a session wants done after it was given something.

    Attributes:
        answers: bytes to send at once.
        parcels: what was measured; answered by `Session.settle`.
        refused: what could not be read.
        heard: addresses of devices that have shown life.
        clocks: by address, the time a device believes it is, microseconds since the Unix epoch, UTC; only where the
            frame tells it for certain.
        ends: whether to close the connection after the answers.
    """

    answers: bytes = b""
    parcels: list[Parcel] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    clocks: dict[str, int] = field(default_factory=dict)
    ends: bool = False


class Settled(StrEnum):
    """What became of a parcel: away may be told once before the end, the gateway tries on; kept and unknown are final.

    A parcel is kept as soon as its device is known: channels the ledger does not name are refused on their own.
    """

    KEPT = "kept"
    UNKNOWN = "unknown"
    AWAY = "away"


Admit = Callable[[str, str], bool]
"""Says whether a device may speak: its address and the secret it presented, empty where the protocol has none."""


class Session(Port):
    """One connection of a device, or one UDP peer; never raises, whatever comes."""

    def receive(self, data: bytes, *, now_us: int) -> Turn:
        """Take bytes as they come: half a frame, several frames, garbage."""
        ...

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:
        """Return what to send the device once its parcel is durable, unknown, or could not be kept just now."""
        ...

    def tick(self, *, now_us: int) -> Turn:
        """Do what time asks for, about once a second: end a silent session, ask a polled device."""
        ...


@dataclass(frozen=True, slots=True)
class Polled:
    """A device that is asked.

    Attributes:
        address: of the device in its protocol, such as a meter's number or a unit on a bus.
        channels: what to ask it for: the channels the ledger names for it.
        every_s: how often, seconds; the first time at once.
    """

    address: str
    channels: tuple[str, ...] = ()
    every_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A device protocol.

    Attributes:
        code: short name, as in the ledger and the settings: `hj212`.
        title: its name.
        source: the standard it follows.
        carrier: how its bytes travel.
        port: where the gateway listens unless the settings say otherwise; 0 for one that is polled.
        silent_s_max: a session without a byte for longer is ended, seconds.
        open_session: makes a session; takes who says which device may speak, and the devices to poll behind this
            connection (empty for a listener).
    """

    code: str
    title: Text
    source: Text
    carrier: Carrier
    port: int
    silent_s_max: float
    open_session: Callable[[Admit, tuple[Polled, ...]], Session]
