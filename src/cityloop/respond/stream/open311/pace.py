"""How fast one address may report and read: a bucket that fills by itself, one an address, in each web process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cityloop.respond.stream.open311.errors import TooManyQuestionsError, TooManyReportsError


@dataclass(frozen=True, slots=True)
class Pace:
    """What an address may do.

    Attributes:
        burst: reports or questions at once.
        a_minute: of them a minute in the long run.
    """

    burst: float
    a_minute: float


ANYBODY = Pace(burst=20, a_minute=30)
"""An address without a key; a family or an office behind one address reports less."""

KEYED = Pace(burst=5_000, a_minute=120_000)
"""A key: the server of an app or of a hotline reports for many."""

READING = Pace(burst=300, a_minute=600)
"""An address that reads without a key: a map with its photos, an office behind one address."""

SENDERS_MAX = 10_000
"""Senders that are remembered of each pace; beyond them the one longest quiet is forgotten."""


class Gate:
    """Lets reports and questions through at their pace.

    Args:
        anybody: of an address without a key that reports.
        keyed: of a key, to report and to read.
        reading: of an address without a key that reads.
        monotonic: tells spans, seconds.
    """

    def __init__(
        self,
        *,
        anybody: Pace = ANYBODY,
        keyed: Pace = KEYED,
        reading: Pace = READING,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember nobody."""
        self._anybody, self._keyed, self._reading = (_Buckets(pace, monotonic) for pace in (anybody, keyed, reading))

    def check(self, sender: str, *, is_keyed: bool) -> None:
        """Refuse a sender whose next report would come too soon; nothing is counted.

        Raises:
            TooManyReportsError: if it would.
        """
        if wait_s := (self._keyed if is_keyed else self._anybody).take(sender, 0):
            raise TooManyReportsError(wait_s=wait_s)

    def let_through(self, sender: str, *, is_keyed: bool) -> None:
        """Count a report of a sender.

        Raises:
            TooManyReportsError: if it comes too soon; it is not counted then.
        """
        if wait_s := (self._keyed if is_keyed else self._anybody).take(sender, 1):
            raise TooManyReportsError(wait_s=wait_s)

    def let_read(self, sender: str, *, is_keyed: bool) -> None:
        """Count a question of a sender.

        Raises:
            TooManyQuestionsError: if it comes too soon; it is not counted then.
        """
        if wait_s := (self._keyed if is_keyed else self._reading).take(sender, 1):
            raise TooManyQuestionsError(wait_s=wait_s)


class _Buckets:
    """What is left to each sender of one pace."""

    def __init__(self, pace: Pace, monotonic: Callable[[], float]) -> None:
        self._pace, self._monotonic = pace, monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, sender: str, count: int) -> int:
        """Take from a sender's bucket, and return how long it has to wait, seconds: 0 where enough was left."""
        pace, now = self._pace, self._monotonic()
        left, since = self._left.pop(sender, (pace.burst, now))
        left = min(pace.burst, left + (now - since) * pace.a_minute / 60)
        self._left[sender] = (left - count if left >= 1 else left, now)
        while len(self._left) > SENDERS_MAX:
            self._left.popitem(last=False)
        return math.ceil((1 - left) * 60 / pace.a_minute) if left < 1 else 0
