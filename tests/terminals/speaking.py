"""What a terminal does whatever it speaks: connects, sends, waits for its acknowledgement, is cut off, resumes."""

import argparse
import json
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ANSWER_S_MAX = 60.0


def tell(**what: object) -> None:
    """Write a line that the test reads."""
    sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def moment(seconds: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@dataclass
class Line:
    """A connection of a terminal."""

    end: socket.socket
    heard: bytearray = field(default_factory=bytearray)

    def send(self, data: bytes) -> None:
        self.end.sendall(data)

    def send_half(self, data: bytes) -> None:
        """Send the first half and be gone without a word, as a terminal whose power fails."""
        self.end.sendall(data[: len(data) // 2])
        self.end.close()

    def wait_for(self, found: Callable[[bytes], bool]) -> None:
        """Return when an answer is there."""
        self.end.settimeout(ANSWER_S_MAX)
        ends_at = time.monotonic() + ANSWER_S_MAX
        while not found(bytes(self.heard)):
            data = self.end.recv(65536) if time.monotonic() < ends_at else b""
            if not data:
                tell(state="the line is dead", heard=self.heard.hex())
                raise SystemExit(1)
            self.heard += data

    def wait_for_end(self) -> None:
        """Return when the other end has cut us off."""
        self.end.settimeout(ANSWER_S_MAX)
        try:
            while self.end.recv(65536):
                pass
        except ConnectionError:
            return


def connected(host: str, port: int) -> Line:
    ends_at = time.monotonic() + ANSWER_S_MAX
    while True:
        try:
            return Line(socket.create_connection((host, port), timeout=ANSWER_S_MAX))
        except OSError:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.1)


def arguments(name: str) -> argparse.Namespace:
    """Read what every terminal is told."""
    parser = argparse.ArgumentParser(prog=name, description="a simulated terminal")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--secret", default="")
    parser.add_argument("--stay", action="store_true", help="stay until cut off")
    parser.add_argument("values", type=float, nargs="+", help="what is measured, one after the other")
    return parser.parse_args()


def speak(
    told: argparse.Namespace,
    *,
    greet: Callable[[Line], None],
    frames: Iterable[tuple[bytes, Callable[[bytes], bool]]],
) -> None:
    """Greet; send the first half of the first frame and be cut off; come again, greet, and send everything."""
    queue = list(frames)
    line = connected(told.host, told.port)
    greet(line)
    line.send_half(queue[0][0])
    tell(state="cut off in the middle of a frame")
    line = connected(told.host, told.port)
    greet(line)
    for frame, acknowledged in queue:
        line.heard.clear()
        line.send(frame)
        line.wait_for(acknowledged)
        tell(state="acknowledged")
    if told.stay:
        line.wait_for_end()
        tell(state="the other end has cut us off")
    line.end.close()
