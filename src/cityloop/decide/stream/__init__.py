"""The door of this room for the data plane: arrays in, arrays out, without Django."""

from cityloop.decide.stream.backtest import Learning, Past, Replay, envelope, replayed
from cityloop.decide.stream.compiled import NO_TIME, Bindings, Compiled, Judged, WatchOnStream
from cityloop.decide.stream.screen import CANDIDATES_CHANNEL, Screen

__all__ = [
    "CANDIDATES_CHANNEL",
    "NO_TIME",
    "Bindings",
    "Compiled",
    "Judged",
    "Learning",
    "Past",
    "Replay",
    "Screen",
    "WatchOnStream",
    "envelope",
    "replayed",
]
