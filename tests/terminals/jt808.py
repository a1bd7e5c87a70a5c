"""A simulated JT/T 808 terminal; what it measures is its speed."""

from collections.abc import Callable

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.protocols.jt808.bodies import (
    Location,
    MessageId,
    Registration,
    Result,
    location_body,
    registration_body,
)
from cityloop.sense.stream.protocols.jt808.codec import Frame, Splitter, framed, read
from cityloop.sense.stream.protocols.port import Refused
from tests.terminals.speaking import Line, arguments, moment, speak

VERSION = 1
AUTHENTICATION, FIRST_LOCATION = 2, 10


def frames_in(heard: bytes) -> list[Frame]:
    return [item[0] for item in read(Splitter(), heard) if not isinstance(item, Refused)]


def answered(serial: int) -> Callable[[bytes], bool]:
    """Say whether the platform has answered the frame of a serial number with success."""
    body = serial.to_bytes(2)
    return lambda heard: any(
        frame.message == MessageId.PLATFORM_ANSWER and frame.body[:2] == body and frame.body[-1] == Result.DONE
        for frame in frames_in(heard)
    )


def location(phone: str, speed_kmh: float, *, serial: int, seconds: float = 0.0) -> bytes:
    report = Location(0, 3, 39.9042, 116.4074, 44, speed_kmh, 90, to_us(moment(seconds)), {0x31: b"\x0b"})
    return framed(Frame(MessageId.LOCATION, phone, serial, location_body(report), VERSION))


def main() -> None:
    told = arguments("jt808")

    def greet(line: Line) -> None:
        registration = Registration(11, 102, "SIM", "simulated", told.secret, 1, "京A00001")
        body = registration_body(registration, version=VERSION)
        line.send(framed(Frame(MessageId.REGISTER, told.address, 1, body, VERSION)))
        line.wait_for(lambda heard: any(frame.message == MessageId.REGISTER_ANSWER for frame in frames_in(heard)))
        answer = next(f for f in frames_in(bytes(line.heard)) if f.message == MessageId.REGISTER_ANSWER)
        code = answer.body[3:]
        body = bytes([len(code)]) + code + bytes(35)
        line.send(framed(Frame(MessageId.AUTHENTICATE, told.address, AUTHENTICATION, body, VERSION)))
        line.wait_for(answered(AUTHENTICATION))

    count = len(told.values)
    frames = []
    for number, value in enumerate(told.values):
        serial = FIRST_LOCATION + number
        frames.append((location(told.address, value, serial=serial, seconds=number - count), answered(serial)))
    speak(told, greet=greet, frames=frames)


if __name__ == "__main__":
    main()
