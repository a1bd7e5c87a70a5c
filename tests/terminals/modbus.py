"""A simulated Modbus TCP device; its frames are written and read by pymodbus as a server."""

from cityloop.sense.stream.protocols.modbus.tests.device import Device
from tests.terminals.answering import arguments, serve

HEAD_BYTES = 6


def main() -> None:
    told = arguments("modbus")
    device = Device()

    def answer(heard: bytes, value: float) -> tuple[bytes, bytes]:
        device.hold(told.channel, value)
        whole = 0
        while len(heard) >= whole + HEAD_BYTES:
            end = whole + HEAD_BYTES + int.from_bytes(heard[whole + 4 : whole + 6], "big")
            if len(heard) < end:
                break
            whole = end
        return device.answer(heard[:whole]), heard[whole:]

    serve(told, answer)


if __name__ == "__main__":
    main()
