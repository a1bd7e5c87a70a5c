"""The door of this room for the data plane: arrays in, arrays out, without Django."""

from cityloop.decide.stream.backtest import Learning, Past, Replay, envelope, replayed
from cityloop.decide.stream.compiled import NO_TIME, Bindings, Compiled, Judged, WatchOnStream
from cityloop.decide.stream.outlook import Issued, Outlook, column_of, deviations, outlook_of
from cityloop.decide.stream.screen import CANDIDATES_CHANNEL, Screen

__all__ = [
    "CANDIDATES_CHANNEL",
    "NO_TIME",
    "Bindings",
    "Compiled",
    "Issued",
    "Judged",
    "Learning",
    "Outlook",
    "Past",
    "Replay",
    "Screen",
    "WatchOnStream",
    "column_of",
    "deviations",
    "envelope",
    "outlook_of",
    "replayed",
]
