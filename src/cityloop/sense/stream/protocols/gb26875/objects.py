"""What the application data say: states, values and operations of fire-protection systems, as measurements.

Source:
    GB/T 26875.3-2011, 8; the numbers stand in `data/codes.toml`.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.gb26875.codec import clock_us
from cityloop.sense.stream.protocols.port import Measurement
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError

CODES: dict[str, Any] = tomllib.loads(
    resources.files(__package__).joinpath("data/codes.toml").read_text(encoding="utf-8")
)
"""Code tables, edition by edition."""

TRANSMITTER = "transmitter"
"""Stands for the transmission device itself where a channel names a system."""

_ANALOGUES = {entry["code"]: entry for entry in CODES["analogue"]}
_NORMAL_BIT = 1
_TIME_BYTES = 6


@dataclass(frozen=True, slots=True)
class _Kind:
    length: int
    read: Callable[[bytes], tuple[str, float, str, Quality]]


def measurements(address: str, application: bytes, *, now_us: int) -> tuple[Measurement, ...]:
    """Return what application data measure; empty where they only describe the device.

    Args:
        address: of the device.
        application: type flag, count, objects.
        now_us: the present; stands where an object's own time is impossible.

    Raises:
        UnreadableError: if the type is unknown or the objects do not fill the data.
    """
    if len(application) < 2:  # noqa: PLR2004  a type flag and a count
        raise UnreadableError(Reason.MALFORMED, f"{len(application)} bytes hold no type flag and count")
    flag, count, objects = application[0], application[1], application[2:]
    if flag in _DESCRIPTIONS:
        return ()
    kind = _KINDS.get(flag)
    if kind is None:
        raise UnreadableError(Reason.UNSUPPORTED, f"type flag {flag}")
    if len(objects) != count * (kind.length + _TIME_BYTES):
        raise UnreadableError(Reason.MALFORMED, f"type flag {flag}: {count} objects do not fill {len(objects)} bytes")
    return tuple(_measured(address, kind, each, now_us) for each in _cut(objects, kind.length + _TIME_BYTES))


def device_clock_us(application: bytes) -> int | None:
    """Return the device's clock where the application data tell it (type flags 8 and 28), else None."""
    if application[:1] == b"\x08" and len(application) == 4 + _TIME_BYTES:
        return clock_us(application[4:])
    if application[:1] == b"\x1c" and len(application) == 2 + _TIME_BYTES:
        return clock_us(application[2:])
    return None


def _cut(objects: bytes, length: int) -> Iterator[bytes]:
    return (objects[at : at + length] for at in range(0, len(objects), length))


def _measured(address: str, kind: _Kind, each: bytes, now_us: int) -> Measurement:
    channel, value, unit, quality = kind.read(each[: kind.length])
    at_us = clock_us(each[kind.length :])
    if at_us is None:
        at_us, quality = now_us, max(quality, Quality.SUSPECT)
    return Measurement(address, channel, at_us, value, unit, quality)


def _state(table: str, word: int) -> tuple[float, Quality]:
    code = next((entry["code"] for entry in CODES[table] if word >> entry["bit"] & 1), 0)
    return float(code), Quality.GOOD if word & _NORMAL_BIT else _tested(code)


def _tested(code: int) -> Quality:
    # A fire reported in test mode stays in sight: many panels never set the bit of normal running.
    return Quality.SUSPECT if code == 1 else Quality.MAINTENANCE


def _system(each: bytes) -> str:
    return f"{each[0]}-{each[1]}"


def _component(each: bytes) -> str:
    return f"{_system(each)}.{each[2]}-{int.from_bytes(each[3:7], 'little')}"


def _system_state(each: bytes) -> tuple[str, float, str, Quality]:
    value, quality = _state("system_state", int.from_bytes(each[2:4], "little"))
    return f"{_system(each)}.state", value, "", quality


def _component_state(each: bytes) -> tuple[str, float, str, Quality]:
    value, quality = _state("component_state", int.from_bytes(each[7:9], "little"))
    return f"{_component(each)}.state", value, "", quality


def _analogue(each: bytes) -> tuple[str, float, str, Quality]:
    entry = _ANALOGUES.get(each[7], {"name": f"analogue{each[7]}", "step": 1.0, "unit": ""})
    steps = int.from_bytes(each[8:10], "little", signed=True)
    return f"{_component(each)}.{entry['name']}", round(steps * entry["step"], 2), entry["unit"], Quality.GOOD


def _operation(each: bytes) -> tuple[str, float, str, Quality]:
    return f"{_system(each)}.operation", float(each[2]), "", Quality.GOOD


def _transmitter_state(each: bytes) -> tuple[str, float, str, Quality]:
    value, quality = _state("transmitter_state", each[0])
    return f"{TRANSMITTER}.state", value, "", quality


def _transmitter_operation(each: bytes) -> tuple[str, float, str, Quality]:
    return f"{TRANSMITTER}.operation", float(each[0]), "", Quality.GOOD


_KINDS = {
    1: _Kind(4, _system_state),
    2: _Kind(40, _component_state),
    3: _Kind(10, _analogue),
    4: _Kind(4, _operation),
    21: _Kind(1, _transmitter_state),
    24: _Kind(2, _transmitter_operation),
}
_DESCRIPTIONS = frozenset({5, 6, 7, 8, 25, 26, 28})
"""Versions, configurations and clocks: understood and confirmed, but no readings."""
