"""The door of this room for the data plane: arrays in, arrays out, without Django."""

from cityloop.decide.stream.backtest import Known, Learning, Replay, envelope, replayed
from cityloop.decide.stream.compiled import NO_TIME, Bindings, Compiled, Judged, WatchOnStream
from cityloop.decide.stream.lookback import LOOKING_BACK, judged_back, reach_s, remembered
from cityloop.decide.stream.outlook import Issued, Outlook, column_of, deviations, outlook_of
from cityloop.decide.stream.past import Past
from cityloop.decide.stream.screen import CANDIDATES_CHANNEL, Screen

__all__ = [
    "CANDIDATES_CHANNEL",
    "LOOKING_BACK",
    "NO_TIME",
    "Bindings",
    "Compiled",
    "Issued",
    "Judged",
    "Known",
    "Learning",
    "Outlook",
    "Past",
    "Replay",
    "Screen",
    "WatchOnStream",
    "column_of",
    "deviations",
    "envelope",
    "judged_back",
    "outlook_of",
    "reach_s",
    "remembered",
    "replayed",
]
