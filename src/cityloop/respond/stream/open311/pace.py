"""How fast one address may report: a bucket that fills by itself, one an address, in each web process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cityloop.respond.stream.open311.errors import TooManyReportsError


@dataclass(frozen=True, slots=True)
class Pace:
    """What an address may do.

    Attributes:
        burst: reports at once.
        a_minute: reports a minute in the long run.
    """

    burst: float
    a_minute: float


ANYBODY = Pace(burst=20, a_minute=30)
"""An address without a key; a family or an office behind one address reports less."""

KEYED = Pace(burst=5_000, a_minute=120_000)
"""A key: the server of an app or of a hotline reports for many."""

SENDERS_MAX = 10_000
"""Senders that are remembered; beyond them the one longest quiet is forgotten."""


class Gate:
    """Lets reports through at their pace.

    Args:
        anybody: of an address without a key.
        keyed: of a key.
        monotonic: tells spans, seconds.
    """

    def __init__(
        self, *, anybody: Pace = ANYBODY, keyed: Pace = KEYED, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember nobody."""
        self._anybody, self._keyed, self._monotonic = anybody, keyed, monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, sender: str, *, is_keyed: bool) -> None:
        """Refuse a sender whose next report would come too soon; nothing is counted.

        Raises:
            TooManyReportsError: if it would.
        """
        self._take(sender, 0, is_keyed=is_keyed)

    def let_through(self, sender: str, *, is_keyed: bool) -> None:
        """Count a report of a sender.

        Raises:
            TooManyReportsError: if it comes too soon; it is not counted then.
        """
        self._take(sender, 1, is_keyed=is_keyed)

    def _take(self, sender: str, count: int, *, is_keyed: bool) -> None:
        pace, now = self._keyed if is_keyed else self._anybody, self._monotonic()
        left, since = self._left.pop(sender, (pace.burst, now))
        left = min(pace.burst, left + (now - since) * pace.a_minute / 60)
        self._left[sender] = (left - count if left >= 1 else left, now)
        while len(self._left) > SENDERS_MAX:
            self._left.popitem(last=False)
        if left < 1:
            raise TooManyReportsError(wait_s=math.ceil((1 - left) * 60 / pace.a_minute))
