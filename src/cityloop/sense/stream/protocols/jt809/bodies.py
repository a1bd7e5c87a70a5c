"""Bodies of JT/T 809 messages on the main link: login, link test, positions of vehicles."""

import struct
from dataclasses import dataclass
from enum import IntEnum

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.local_time import device_clock, device_us
from cityloop.sense.stream.protocols.port import Measurement
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError


class MessageId(IntEnum):
    """Ids of the messages read or sent here."""

    LOGIN = 0x1001
    LOGIN_ANSWER = 0x1002
    LOGOUT = 0x1003
    LOGOUT_ANSWER = 0x1004
    LINK_TEST = 0x1005
    LINK_TEST_ANSWER = 0x1006
    DISCONNECT = 0x1007
    CLOSE = 0x1008
    VEHICLE = 0x1200
    VEHICLE_LOCATION = 0x1202
    VEHICLE_BATCH = 0x1203


class LoginResult(IntEnum):
    """How a login fared."""

    DONE = 0
    WRONG_PASSWORD = 4


_LOGIN = struct.Struct(">I8s32sH")
_VEHICLE = struct.Struct(">21sBHI")
_POSITION = struct.Struct(">BBBHBBBIIHHIHHII")
_DEGREES_E6, _LATITUDE_E6_MAX, _LONGITUDE_E6_MAX = 1_000_000, 90_000_000, 180_000_000
_POSITIONED, _SOUTH, _WEST = 0x2, 0x4, 0x8


@dataclass(frozen=True, slots=True)
class Login:
    """Who wants to be connected.

    Attributes:
        user: number of the lower platform's user.
        password: its password.
        back_host: where the lower platform would be called back.
        back_port: on which port.
    """

    user: int
    password: str
    back_host: str
    back_port: int


def login_of(body: bytes) -> Login:
    """Return a login (message 0x1001).

    Raises:
        UnreadableError: if its length is wrong.
    """
    if len(body) != _LOGIN.size:
        raise UnreadableError(Reason.WRONG_LENGTH, f"a login of {len(body)} bytes")
    user, password, host, port = _LOGIN.unpack(body)
    return Login(user, text_of(password), text_of(host), port)


def login_body(login: Login) -> bytes:
    """Return a login as a lower platform sends it."""
    return _LOGIN.pack(login.user, login.password.encode("gb18030"), login.back_host.encode(), login.back_port)


def login_answer(result: LoginResult, code: int = 0) -> bytes:
    """Return the body of the answer to a login (message 0x1002); the code would open a link back."""
    return struct.pack(">BI", result, code)


def text_of(data: bytes) -> str:
    """Return a text field without its filling; what is no GB 18030 is replaced."""
    return data.decode("gb18030", errors="replace").strip("\0 ")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a vehicle is.

    Attributes:
        time_us: when, microseconds since the Unix epoch.
        longitude_deg: WGS 84, west negative.
        latitude_deg: WGS 84, south negative.
        speed_kmh: by satellite, kilometres an hour.
        recorder_speed_kmh: by the vehicle's recorder, kilometres an hour.
        mileage_km: in all, kilometres.
        heading_deg: clockwise from north, degrees.
        altitude_m: above sea level, metres.
        status: status bits, as in JT/T 808.
        alarm: alarm bits, as in JT/T 808.
        encrypted: whether place and time were shifted for secrecy.
    """

    time_us: int
    longitude_deg: float
    latitude_deg: float
    speed_kmh: int
    recorder_speed_kmh: int
    mileage_km: int
    heading_deg: int
    altitude_m: int
    status: int
    alarm: int
    encrypted: bool = False


def position_of(body: bytes) -> Position:
    """Return a vehicle's position.

    Raises:
        UnreadableError: if its length is wrong, or its time or place cannot be.
    """
    if len(body) != _POSITION.size:
        raise UnreadableError(Reason.WRONG_LENGTH, f"a position of {len(body)} bytes")
    (hidden, day, month, year, hour, minute, second, lon, lat, speed, recorder, mileage, heading, altitude, status,
     alarm) = _POSITION.unpack(body)  # fmt: skip
    time_us = device_us((year, month, day, hour, minute, second))
    if time_us is None:
        raise UnreadableError(Reason.BAD_TIME, f"{year}-{month}-{day} {hour}:{minute}:{second} is no moment")
    if hidden:
        raise UnreadableError(Reason.ENCRYPTED, "positions shifted for secrecy are not read")
    if lat > _LATITUDE_E6_MAX or lon > _LONGITUDE_E6_MAX:
        raise UnreadableError(Reason.MALFORMED, f"no place on earth: {lat}, {lon}")
    return Position(
        time_us=time_us,
        longitude_deg=lon / _DEGREES_E6 * (-1 if status & _WEST else 1),
        latitude_deg=lat / _DEGREES_E6 * (-1 if status & _SOUTH else 1),
        speed_kmh=speed,
        recorder_speed_kmh=recorder,
        mileage_km=mileage,
        heading_deg=heading,
        altitude_m=altitude,
        status=status,
        alarm=alarm,
    )


def position_body(position: Position) -> bytes:
    """Return a vehicle's position as a lower platform sends it."""
    clock = device_clock(position.time_us)
    status = position.status & ~(_SOUTH | _WEST)
    status |= (_SOUTH if position.latitude_deg < 0 else 0) | (_WEST if position.longitude_deg < 0 else 0)
    return _POSITION.pack(
        0,
        clock.day,
        clock.month,
        clock.year,
        clock.hour,
        clock.minute,
        clock.second,
        round(abs(position.longitude_deg) * _DEGREES_E6),
        round(abs(position.latitude_deg) * _DEGREES_E6),
        position.speed_kmh,
        position.recorder_speed_kmh,
        position.mileage_km,
        position.heading_deg,
        position.altitude_m,
        status,
        position.alarm,
    )


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What is said of a vehicle.

    Attributes:
        plate: its number plate.
        colour: code of the plate's colour.
        kind: id of what is said.
        data: the content.
    """

    plate: str
    colour: int
    kind: int
    data: bytes


def vehicle_of(body: bytes) -> Vehicle:
    """Return what is said of a vehicle (message 0x1200).

    Raises:
        UnreadableError: if the lengths do not fit together.
    """
    if len(body) < _VEHICLE.size:
        raise UnreadableError(Reason.WRONG_LENGTH, f"{len(body)} bytes about a vehicle")
    plate, colour, kind, length = _VEHICLE.unpack_from(body)
    data = body[_VEHICLE.size :]
    if len(data) != length or not text_of(plate):
        raise UnreadableError(Reason.WRONG_LENGTH, f"the content has {len(data)} bytes and says {length}, or no plate")
    return Vehicle(text_of(plate), colour, kind, data)


def vehicle_body(vehicle: Vehicle) -> bytes:
    """Return what is said of a vehicle as a lower platform sends it."""
    head = _VEHICLE.pack(vehicle.plate.encode("gb18030"), vehicle.colour, vehicle.kind, len(vehicle.data))
    return head + vehicle.data


def batch_of(data: bytes) -> list[bytes]:
    """Return the positions sent later (0x1203).

    Raises:
        UnreadableError: if the lengths do not fit together.
    """
    if not data or len(data) != 1 + data[0] * _POSITION.size:
        raise UnreadableError(Reason.WRONG_LENGTH, f"a batch of {len(data)} bytes")
    return [data[at : at + _POSITION.size] for at in range(1, len(data), _POSITION.size)]


def measurements(address: str, position: Position, quality: Quality = Quality.GOOD) -> tuple[Measurement, ...]:
    """Return a position as measurements, with the channels of JT/T 808; without a fix they are suspect."""
    values: dict[str, float] = {
        "latitude": position.latitude_deg,
        "longitude": position.longitude_deg,
        "altitude_m": position.altitude_m,
        "speed_kmh": position.speed_kmh,
        "recorder_speed_kmh": position.recorder_speed_kmh,
        "heading_deg": position.heading_deg,
        "mileage_km": position.mileage_km,
        "alarm": position.alarm,
        "status": position.status,
    }
    seen = quality if position.status & _POSITIONED else Quality.SUSPECT
    by_satellite = {"latitude", "longitude", "altitude_m", "speed_kmh", "heading_deg"}
    return tuple(
        Measurement(address, channel, position.time_us, value, quality=seen if channel in by_satellite else quality)
        for channel, value in values.items()
    )
