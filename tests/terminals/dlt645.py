"""A simulated DL/T 645-2007 power meter behind a bridge; its frames are written and read by an independent library."""

from dlt645.protocol.protocol import DLT645Protocol

from cityloop.sense.stream.protocols.dlt645.items import ITEMS, value_bytes
from tests.terminals.answering import arguments, serve

READ, ANSWER, ERROR, UNKNOWN_ITEM = 0x11, 0x91, 0xD1, b"\x02"


def main() -> None:
    told = arguments("dlt645")
    wire = bytes.fromhex(told.address)[::-1]

    def answer(heard: bytes, value: float) -> tuple[bytes, bytes]:
        said = b""
        while True:
            heard, asked = DLT645Protocol.deserialize_with_remaining(heard)
            if asked is None:
                return said, heard
            if asked.ctrl_code != READ or bytes(asked.addr) != wire:
                continue
            item = bytes(asked.data)[::-1].hex().upper()
            if item == told.channel:
                said += DLT645Protocol.build_frame(wire, ANSWER, bytes(asked.data) + value_bytes(ITEMS[item], value))
            else:
                said += DLT645Protocol.build_frame(wire, ERROR, UNKNOWN_ITEM)

    serve(told, answer)


if __name__ == "__main__":
    main()
