"""What a bridge with meters does: it is called, asked and answers; the first answer is cut off in the middle."""

import argparse
import socket
from collections.abc import Callable

from tests.terminals.speaking import tell

QUESTION_S_MAX = 120.0
"""How long a bridge waits to be called and asked, seconds."""

Answer = Callable[[bytes, float], tuple[bytes, bytes]]
"""Makes an answer of a value to the questions heard so far; returns it with what of them it has not answered."""


def arguments(name: str) -> argparse.Namespace:
    """Read what every bridge is told."""
    parser = argparse.ArgumentParser(prog=name, description="a simulated bridge with a meter")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--channel", default="", help="what is measured")
    parser.add_argument("values", type=float, nargs="+", help="what is measured, one after the other")
    return parser.parse_args()


def serve(told: argparse.Namespace, answer: Answer) -> None:
    """Answer the first question by half and hang up; then a value a call, the last one until nobody asks any more."""
    with socket.create_server((told.host, told.port)) as door:
        door.settimeout(QUESTION_S_MAX)
        with door.accept()[0] as line:
            half = _next(line, told.values[0], answer)
            line.sendall(half[: len(half) // 2])
        tell(state="cut off in the middle of a frame")
        for number, value in enumerate(told.values):
            with door.accept()[0] as line:
                line.sendall(_next(line, value, answer))
                tell(state="answered", value=value)
                if number == len(told.values) - 1:
                    _go_on(line, value, answer)


def _next(line: socket.socket, value: float, answer: Answer) -> bytes:
    line.settimeout(QUESTION_S_MAX)
    heard = b""
    while True:
        data = line.recv(4096)
        if not data:
            tell(state="nobody asks")
            raise SystemExit(1)
        heard += data
        said, heard = answer(heard, value)
        if said:
            return said


def _go_on(line: socket.socket, value: float, answer: Answer) -> None:
    try:
        while True:
            line.sendall(_next(line, value, answer))
    except OSError:
        return
