"""Where a replay stands, kept in the data folder so that a restart goes on."""

import os
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

HOUR_US = 3_600_000_000


@dataclass(slots=True)
class Position:
    """What has been acknowledged, and what of the past is still to be sent.

    Attributes:
        shift_us: what is added to the times of the set; kept, so that a restart does not move the past.
        played_until_us: every reading up to and including this instant (shifted) is acknowledged, save the spans left.
        left: spans (from, to] of the past still to be sent, newest last, microseconds.
        sent: readings acknowledged so far, for the progress bar.
    """

    shift_us: int
    played_until_us: int
    left: list[tuple[int, int]] = field(default_factory=list)
    sent: int = 0


def loaded(file: Path) -> Position | None:
    """Return the kept position, None where there is none or it cannot be read."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Position)
    except (OSError, msgspec.DecodeError):
        return None


def keep(position: Position, file: Path) -> None:
    """Keep a position; after a crash either the old or the new one is found, never half of one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    with beside.open("wb") as stream:
        stream.write(msgspec.json.encode(asdict(position)))
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)


def spans(since_us: int, until_us: int, *, step_us: int = HOUR_US) -> list[tuple[int, int]]:
    """Return (since, until] cut at whole steps, oldest first: the portions in which the past is sent."""
    if since_us >= until_us:
        return []
    first_cut = (since_us // step_us + 1) * step_us
    edges = [since_us, *range(first_cut, until_us, step_us), until_us]
    return list(pairwise(edges))
