"""A simulated lower platform that speaks JT/T 809; what it reports is the speed of one vehicle.

`--address` is `user/plate`. Positions are not acknowledged, so a link test after each shows that it was taken in.
"""

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.protocols.jt809.bodies import (
    Login,
    MessageId,
    Position,
    Vehicle,
    login_body,
    position_body,
    vehicle_body,
)
from cityloop.sense.stream.protocols.jt809.codec import Frame, Splitter, framed, read
from cityloop.sense.stream.protocols.port import Refused
from tests.terminals.speaking import Line, arguments, moment, speak

PLATFORM = 11020000


def messages_in(heard: bytes) -> list[int]:
    return [item[0].message for item in read(Splitter(), heard) if not isinstance(item, Refused)]


def location(plate: str, speed_kmh: float, *, serial: int, seconds: float = 0.0) -> bytes:
    position = Position(to_us(moment(seconds)), 116.4074, 39.9042, int(speed_kmh), 0, 1000, 90, 44, 3, 0)
    vehicle = Vehicle(plate, 2, MessageId.VEHICLE_LOCATION, position_body(position))
    return framed(Frame(serial, MessageId.VEHICLE, PLATFORM, vehicle_body(vehicle)))


def main() -> None:
    told = arguments("jt809")
    user, _, plate = told.address.partition("/")

    def greet(line: Line) -> None:
        body = login_body(Login(int(user), told.secret, "127.0.0.1", 809))
        line.send(framed(Frame(1, MessageId.LOGIN, PLATFORM, body)))
        line.wait_for(lambda heard: MessageId.LOGIN_ANSWER in messages_in(heard))

    count = len(told.values)
    frames = [
        (
            location(plate, value, serial=2 * number + 10, seconds=number - count)
            + framed(Frame(2 * number + 11, MessageId.LINK_TEST, PLATFORM, b"")),
            lambda heard: MessageId.LINK_TEST_ANSWER in messages_in(heard),
        )
        for number, value in enumerate(told.values)
    ]
    speak(told, greet=greet, frames=frames)


if __name__ == "__main__":
    main()
