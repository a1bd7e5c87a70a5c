"""A simulated CJ/T 188 water meter behind a bridge; what it measures is its volume."""

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.protocols.bcd import packed_low_first
from cityloop.sense.stream.protocols.cjt188.codec import ANSWER, READ, encoded, frame_of, scanner
from cityloop.sense.stream.protocols.local_time import device_clock
from tests.terminals.answering import arguments, serve
from tests.terminals.speaking import moment

CUBIC_METRES, OPEN = 0x2C, bytes(2)


def reading(name: str, serial: int, volume_m3: float) -> bytes:
    shown = device_clock(to_us(moment()))
    fields = (shown.second, shown.minute, shown.hour, shown.day, shown.month)
    clock = b"".join(packed_low_first(each, 1) for each in fields) + packed_low_first(shown.year, 2)
    digits = packed_low_first(round(volume_m3 * 100), 4) + bytes((CUBIC_METRES,))
    return encoded(name, ANSWER, b"\x1f\x90" + bytes((serial,)) + digits * 2 + clock + OPEN, wake_ups=2)


def main() -> None:
    told = arguments("cjt188")

    def answer(heard: bytes, value: float) -> tuple[bytes, bytes]:
        found = scanner()
        frames, _ = found.scan(heard)
        asked = [frame for frame in map(frame_of, frames) if frame.control == READ and frame.name == told.address]
        return b"".join(reading(told.address, frame.data[2], value) for frame in asked), found.held

    serve(told, answer)


if __name__ == "__main__":
    main()
