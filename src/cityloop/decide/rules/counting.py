"""Events in a window: how many lie in the span before a moment, and when that changes."""

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EVENTS_MAX = 1000
"""A limit counts no more events than this: so many are remembered of a stream."""

SPAN_S_MAX = 31 * 86_400.0
"""Longest window, seconds (house default)."""


def is_event(value: Float64s, *, limit: float, is_below: bool) -> Bools:
    """Return which readings lie beyond a limit; one that lies on it does."""
    return np.asarray(value <= limit if is_below else value >= limit)


def counts(event_us: Int64s, at_us: Int64s, *, span_us: int) -> Int64s:
    """Return how many events lie in the span that ends at each moment, the moment included.

    Args:
        event_us: when events were, rising.
        at_us: the moments, shape (n,).
        span_us: length of the window, microseconds.
    """
    until, since = (np.searchsorted(event_us, moments, "right") for moments in (at_us, at_us - span_us))
    return np.asarray(until - since, dtype=np.int64)


def moments(event_us: Int64s, *, fresh: Bools, clock_us: int, until_us: int, span_us: int) -> Int64s:
    """Return when the count changes: at events that are fresh, and when an event leaves the window; and the end.

    Args:
        event_us: when events were, rising, shape (n,).
        fresh: which of them nobody has looked at, shape (n,).
        clock_us: up to when events that leave were told already.
        until_us: the end.
        span_us: length of the window, microseconds.
    """
    leaves_us = event_us + span_us
    leaves_us = leaves_us[(fresh | (leaves_us > clock_us)) & (leaves_us <= until_us)]
    return np.unique(np.concatenate([event_us[fresh], leaves_us, np.array([until_us], dtype=np.int64)]))
