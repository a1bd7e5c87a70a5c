"""Bodies of JT/T 808 messages: what terminals say, and what is said to them."""

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.local_time import device_clock, device_us
from cityloop.sense.stream.protocols.port import Measurement
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError


class MessageId(IntEnum):
    """Ids of the messages read or sent here."""

    ANSWER = 0x0001
    HEARTBEAT = 0x0002
    LEAVE = 0x0003
    REGISTER = 0x0100
    AUTHENTICATE = 0x0102
    LOCATION = 0x0200
    ASKED_LOCATION = 0x0201
    BATCH = 0x0704
    PLATFORM_ANSWER = 0x8001
    RESEND = 0x8003
    REGISTER_ANSWER = 0x8100
    SET_PARAMETERS = 0x8103
    ASK_LOCATION = 0x8201


class Result(IntEnum):
    """How a message fared, in the platform's answer."""

    DONE = 0
    FAILED = 1
    WRONG = 2
    UNSUPPORTED = 3


NO_SUCH_TERMINAL = 4
"""Result of a registration that is refused: the terminal is not in the ledger."""

HEARTBEAT_PARAMETER = 0x0001
"""Number of the parameter that says how often a terminal sends a heartbeat, in seconds."""

_LOCATION = struct.Struct(">IIIIHHH6s")
_BATCH_HEAD, _STORED = struct.Struct(">HB"), 1
_POSITIONED, _SOUTH, _WEST = 0x2, 0x4, 0x8
_DEGREES_E6, _LATITUDE_E6_MAX, _LONGITUDE_E6_MAX = 1_000_000, 90_000_000, 180_000_000
_CENTURY = 2000
_MILEAGE, _SIGNAL, _SATELLITES = 0x01, 0x30, 0x31
_REGISTRATION_2013, _REGISTRATION_2019 = (5, 20, 7), (11, 30, 30)


@dataclass(frozen=True, slots=True)
class Location:
    """A position report.

    Attributes:
        alarm: alarm bits.
        status: status bits.
        latitude_deg: WGS 84, south negative.
        longitude_deg: WGS 84, west negative.
        altitude_m: above sea level, metres.
        speed_kmh: kilometres an hour.
        heading_deg: clockwise from north, degrees.
        time_us: when, microseconds since the Unix epoch.
        extras: further items by their id, as bytes.
    """

    alarm: int
    status: int
    latitude_deg: float
    longitude_deg: float
    altitude_m: int
    speed_kmh: float
    heading_deg: int
    time_us: int
    extras: dict[int, bytes] = field(default_factory=dict)

    @property
    def positioned(self) -> bool:
        """Return whether the terminal knows where it is; else it repeats an old position."""
        return bool(self.status & _POSITIONED)


def location_of(body: bytes) -> Location:
    """Return a position report (message 0x0200).

    Raises:
        UnreadableError: if it is too short, or its time or place cannot be.
    """
    if len(body) < _LOCATION.size:
        raise UnreadableError(Reason.WRONG_LENGTH, f"a position report of {len(body)} bytes")
    alarm, status, latitude, longitude, altitude, speed, heading, clock = _LOCATION.unpack_from(body)
    digits = clock.hex()
    parts = [int(digits[at : at + 2]) for at in range(0, 12, 2)] if digits.isdecimal() else [0] * 6
    time_us = device_us((_CENTURY + parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]))
    if time_us is None:
        raise UnreadableError(Reason.BAD_TIME, f"{digits} is no moment")
    if latitude > _LATITUDE_E6_MAX or longitude > _LONGITUDE_E6_MAX:
        raise UnreadableError(Reason.MALFORMED, f"no place on earth: {latitude}, {longitude}")
    return Location(
        alarm=alarm,
        status=status,
        latitude_deg=latitude / _DEGREES_E6 * (-1 if status & _SOUTH else 1),
        longitude_deg=longitude / _DEGREES_E6 * (-1 if status & _WEST else 1),
        altitude_m=altitude,
        speed_kmh=speed / 10,
        heading_deg=heading,
        time_us=time_us,
        extras=_extras(body[_LOCATION.size :]),
    )


def _extras(data: bytes) -> dict[int, bytes]:
    """Return the items that are whole; terminals of some makers end theirs in the middle."""
    found: dict[int, bytes] = {}
    while len(data) > 1 and len(data) > 1 + data[1]:
        found.setdefault(data[0], data[2 : 2 + data[1]])
        data = data[2 + data[1] :]
    return found


def location_body(location: Location) -> bytes:
    """Return a position report as a terminal sends it."""
    status = location.status & ~(_SOUTH | _WEST)
    status |= (_SOUTH if location.latitude_deg < 0 else 0) | (_WEST if location.longitude_deg < 0 else 0)
    fixed = _LOCATION.pack(
        location.alarm,
        status,
        round(abs(location.latitude_deg) * _DEGREES_E6),
        round(abs(location.longitude_deg) * _DEGREES_E6),
        location.altitude_m,
        round(location.speed_kmh * 10),
        location.heading_deg,
        bytes.fromhex(f"{device_clock(location.time_us):%y%m%d%H%M%S}"),
    )
    return fixed + b"".join(bytes([number, len(value)]) + value for number, value in location.extras.items())


def measurements(address: str, location: Location, quality: Quality = Quality.GOOD) -> tuple[Measurement, ...]:
    """Return a position report as measurements; without a fix they are suspect."""
    values: dict[str, float] = {
        "latitude": location.latitude_deg,
        "longitude": location.longitude_deg,
        "altitude_m": location.altitude_m,
        "speed_kmh": location.speed_kmh,
        "heading_deg": location.heading_deg,
        "alarm": location.alarm,
        "status": location.status,
    }
    for channel, number, scale in (
        ("mileage_km", _MILEAGE, 0.1),
        ("signal", _SIGNAL, 1),
        ("satellites", _SATELLITES, 1),
    ):
        if number in location.extras:
            values[channel] = round(int.from_bytes(location.extras[number][:8]) * scale, 1)
    seen = quality if location.positioned else Quality.SUSPECT
    moving = {"latitude", "longitude", "altitude_m", "speed_kmh", "heading_deg"}
    return tuple(
        Measurement(address, channel, location.time_us, value, quality=seen if channel in moving else quality)
        for channel, value in values.items()
    )


def batch_of(body: bytes) -> tuple[list[bytes], bool]:
    """Return the position reports of a batch (message 0x0704), and whether they were stored while out of reach.

    Raises:
        UnreadableError: if the lengths do not fit together.
    """
    if len(body) < _BATCH_HEAD.size:
        raise UnreadableError(Reason.WRONG_LENGTH, f"a batch of {len(body)} bytes")
    count, kind = _BATCH_HEAD.unpack_from(body)
    place, reports = _BATCH_HEAD.size, []
    while place + 2 <= len(body):
        length = int.from_bytes(body[place : place + 2])
        place += 2
        if place + length > len(body):
            break
        reports.append(body[place : place + length])
        place += length
    if place != len(body) or len(reports) != count:
        raise UnreadableError(Reason.WRONG_LENGTH, f"{len(reports)} whole reports of {count}")
    return reports, kind == _STORED


def batch_body(reports: list[bytes], *, stored: bool) -> bytes:
    """Return position reports as a batch."""
    head = _BATCH_HEAD.pack(len(reports), _STORED if stored else 0)
    return head + b"".join(len(report).to_bytes(2) + report for report in reports)


@dataclass(frozen=True, slots=True)
class Registration:
    """What a terminal says when it registers.

    Attributes:
        province: two digits of the national place code.
        city: four more.
        maker: code of the maker.
        model: of the terminal.
        terminal: id the maker gave it.
        colour: code of the plate's colour.
        plate: number plate, or vehicle identification.
    """

    province: int
    city: int
    maker: str
    model: str
    terminal: str
    colour: int
    plate: str


def registration_of(body: bytes, *, version: int) -> Registration:
    """Return a registration (message 0x0100).

    Raises:
        UnreadableError: if it is too short.
    """
    lengths = _REGISTRATION_2019 if version else _REGISTRATION_2013
    if len(body) < 5 + sum(lengths):
        raise UnreadableError(Reason.WRONG_LENGTH, f"a registration of {len(body)} bytes")
    province, city = struct.unpack_from(">HH", body)
    texts, place = [], 4
    for length in lengths:
        texts.append(text_of(body[place : place + length]))
        place += length
    maker, model, terminal = texts
    return Registration(province, city, maker, model, terminal, colour=body[place], plate=text_of(body[place + 1 :]))


def registration_body(registration: Registration, *, version: int) -> bytes:
    """Return a registration as a terminal sends it."""
    lengths = _REGISTRATION_2019 if version else _REGISTRATION_2013
    texts = zip((registration.maker, registration.model, registration.terminal), lengths, strict=True)
    fixed = b"".join(text.encode("gb18030")[:length].ljust(length, b"\0") for text, length in texts)
    head = struct.pack(">HH", registration.province, registration.city)
    return head + fixed + bytes([registration.colour]) + registration.plate.encode("gb18030")


def text_of(data: bytes) -> str:
    """Return a text field without its filling; what is no GB 18030 is replaced."""
    return data.decode("gb18030", errors="replace").strip("\0 ")


def code_of(body: bytes, *, version: int) -> str:
    """Return the authentication code a terminal presents (message 0x0102)."""
    return text_of(body[1 : 1 + body[0]] if version and body else body)


def platform_answer(serial: int, message: int, result: int) -> bytes:
    """Return the body of the platform's answer (message 0x8001)."""
    return struct.pack(">HHB", serial, message, result)


def register_answer(serial: int, result: int, code: str = "") -> bytes:
    """Return the body of the answer to a registration (message 0x8100)."""
    return struct.pack(">HB", serial, result) + code.encode("gb18030", errors="replace")


def resend_body(first_serial: int, packets: list[int]) -> bytes:
    """Return the body that asks for missing packets (message 0x8003)."""
    return struct.pack(f">HB{len(packets)}H", first_serial, len(packets), *packets)


def parameters_body(parameters: dict[int, int]) -> bytes:
    """Return the body that sets 32-bit parameters (message 0x8103)."""
    return bytes([len(parameters)]) + b"".join(
        struct.pack(">IBI", number, 4, value) for number, value in parameters.items()
    )
