"""A simulated transmission device of a building; a value of 1 is a fire at its smoke detector, 0 is none."""

from collections.abc import Callable

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.protocols.gb26875.codec import Command, Frame, Scanner, clock_label, encoded, wire_address
from tests.terminals.speaking import Line, arguments, moment, speak

CENTRE = "000000000001"
NORMAL, FIRE = 0x0001, 0x0003
GREETING = 100
"""Serial number of the greeting."""


def frame(address: str, application: bytes, *, serial: int) -> bytes:
    whole = Frame(serial, Command.SEND, wire_address(address), wire_address(CENTRE), application)
    return encoded(whole, now_us=to_us(moment()))


def detector(address: str, value: float, *, serial: int, seconds: float) -> bytes:
    """Return the state of smoke detector 17 of fire-alarm system 1-2; seconds are counted from now."""
    word = FIRE if value else NORMAL
    component = bytes((1, 2, 40)) + (17).to_bytes(4, "little") + word.to_bytes(2, "little") + bytes(31)
    return frame(address, bytes((2, 1)) + component + clock_label(to_us(moment(seconds))), serial=serial)


def confirmed(serial: int) -> Callable[[bytes], bool]:
    return lambda heard: any(
        each.command == Command.CONFIRM and each.serial == serial for each in Scanner().scan(heard)[0]
    )


def main() -> None:
    told = arguments("gb26875")

    def greet(line: Line) -> None:
        version = bytes((25, 1, 1, 0))
        line.send(frame(told.address, version, serial=GREETING))
        line.wait_for(confirmed(GREETING))

    count = len(told.values)
    frames = [
        (detector(told.address, value, serial=number, seconds=number - count), confirmed(number))
        for number, value in enumerate(told.values)
    ]
    speak(told, greet=greet, frames=frames)


if __name__ == "__main__":
    main()
