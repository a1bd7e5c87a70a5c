"""A person enters a reading: it takes the pipeline's way like any other, and is durable when this returns."""

import math
from collections.abc import Callable
from datetime import datetime

import msgspec
import numpy as np

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.readings import NO_TIME, Kept, OtherParts, Outcome, Readings

Keep = Callable[[Readings], Kept]
"""Keeps readings and returns when they are durable."""

_mouths: list[Keep] = []


class NotKeptError(CityloopError):
    """A reading that a person entered was not kept."""

    key = "The reading could not be kept. Try again; if it happens again, tell those who run the platform."
    status = 503


def bind_mouth(keep: Keep) -> None:
    """Say by which way entered readings come into the pipeline; called once by whoever composes the process."""
    _mouths[:] = [keep]


def enter_reading(  # noqa: PLR0913  each says one thing
    datastream_id: int, *, at: datetime, value: float, actor: str, note: str, now: datetime
) -> int:
    """Keep a reading that a person gives, marked `manual`; one of the same instant before it stays beside it.

    Whether the person may was asked before.

    Args:
        datastream_id: the stream.
        at: when it is so, aware.
        value: finite, in the stream's unit.
        actor: who gives it, an actor code; kept in the reading's parameters with the note.
        note: what is to be said about it, may be empty.
        now: the wall clock.

    Returns:
        The reading's id.

    Raises:
        NotKeptError: if it was not kept.
        OverloadedError: if the database stays away.
    """
    if not math.isfinite(value) or not _mouths:
        raise NotKeptError
    told = {"entered_by": actor} | ({"note": note} if note else {})
    readings = Readings(
        datastream_id=np.array([datastream_id], dtype=np.int64),
        phenomenon_us=np.array([to_us(at)], dtype=np.int64),
        result=np.array([value], dtype=np.float64),
        quality=np.array([int(Quality.MANUAL)], dtype=np.uint8),
        result_us=np.array([NO_TIME], dtype=np.int64),
        feature_id=np.zeros(1, dtype=np.int64),
        received_us=to_us(now),
        others={0: OtherParts(parameters_json=msgspec.json.encode(told))},
    )
    kept = _mouths[0](readings)
    if kept.outcome[0] != Outcome.KEPT:
        raise NotKeptError
    return int(kept.observation_id[0])


__all__ = ["NotKeptError", "bind_mouth", "enter_reading"]
