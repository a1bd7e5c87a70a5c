"""A simulated HJ 212 station that measures chemical oxygen demand."""

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.protocols.hj212.codec import framed
from cityloop.sense.stream.protocols.hj212.message import moment_text
from tests.terminals.speaking import Line, arguments, moment, speak


def data(address: str, secret: str, value: float, *, seconds: float = 0.0) -> bytes:
    """Return real-time data of one factor; seconds are counted from now."""
    at_us = to_us(moment(seconds))
    request, clock = moment_text(at_us, milliseconds=True), moment_text(at_us)
    head = f"QN={request};ST=32;CN=2011;PW={secret};MN={address};Flag=5"
    return framed(f"{head};CP=&&DataTime={clock};w01018-Rtd={value},w01018-Flag=N&&".encode())


def main() -> None:
    told = arguments("hj212")

    def greet(line: Line) -> None:
        request = moment_text(to_us(moment()), milliseconds=True)
        head = f"QN={request};ST=32;CN=9021;PW={told.secret};MN={told.address};Flag=5"
        line.send(framed(f"{head};CP=&&&&".encode()))
        line.wait_for(lambda heard: b"CN=9013" in heard)

    count = len(told.values)
    frames = [
        (data(told.address, told.secret, value, seconds=number - count), lambda heard: b"CN=9014" in heard)
        for number, value in enumerate(told.values)
    ]
    speak(told, greet=greet, frames=frames)


if __name__ == "__main__":
    main()
