"""The loop's process: the alarm machine, and every listener of the loop.

It wakes on NOTIFY and at least twice a second. A listener that fails rests, longer each time, and holds up nobody else.
"""

import logging
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

import psycopg
from django.db import InterfaceError, OperationalError, connections

from cityloop.journal.facade import CHANNEL, deliver, wait_of
from cityloop.kernel.facts import Fact
from cityloop.site.loop import Listener
from cityloop.site.metrics import beat

CANDIDATES_CHANNEL = "cityloop_candidates"

TURN_S = 0.5
"""Longest rest between two turns, seconds."""

LIVELY_TURN_S = 0.05
"""Rest between turns for `LIVELY_S` after news: a fact is readable only when older transactions have ended."""

LIVELY_S = 1.0
RECONNECT_S = 0.5
"""Rest after the database went away, seconds."""

FACTS_A_CALL = 200
"""How many facts one delivery reads; a full one is followed by the next at once."""

AWAY = (InterfaceError, OperationalError, psycopg.OperationalError, psycopg.InterfaceError)
"""What says that the database is away: nobody's failure."""

_log = logging.getLogger("cityloop.loop")


@dataclass(slots=True)
class _Standing:
    failures: int = 0
    due_at: float = 0.0


class Reactor:
    """Turns the loop.

    Args:
        listeners: who acts on facts.
        clock: what is done again and again, and every how many seconds.
        monotonic: tells spans.
        now: tells the time of day.
    """

    def __init__(
        self,
        *,
        listeners: Sequence[Listener],
        clock: Sequence[tuple[Callable[[datetime], object], float]],
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Begin with everything due."""
        self._listeners = [(listener, _Standing()) for listener in listeners]
        self._clock = [(act, every_s, _Standing()) for act, every_s in clock]
        self._monotonic = monotonic
        self._now = now

    def turn(self, *, woken: bool = False) -> int:
        """Do what is due once, and hand every listener what it has not seen.

        Args:
            woken: whether there is news, so that nothing waits for its clock.

        Returns:
            How many facts were acted on.

        Raises:
            psycopg.OperationalError: or Django's, if the database is away.
        """
        for act, every_s, standing in self._clock:
            self._tick(act, every_s, standing, woken=woken)
        return sum(self._hear(listener, standing) for listener, standing in self._listeners)

    def _tick(self, act: Callable[[datetime], object], every_s: float, standing: _Standing, *, woken: bool) -> None:
        at = self._monotonic()
        if at < standing.due_at and not (woken and standing.failures == 0 and every_s <= TURN_S):
            return
        try:
            act(self._now())
        except AWAY:
            raise
        except Exception:  # noqa: BLE001  one failing act holds up nobody else
            standing.failures += 1
            standing.due_at = at + max(every_s, wait_of(standing.failures).total_seconds())
            _log.exception("%s failed %s times in a row", act.__name__, standing.failures)
        else:
            standing.failures, standing.due_at = 0, at + every_s

    def _hear(self, listener: Listener, standing: _Standing) -> int:
        if self._monotonic() < standing.due_at:
            return 0
        total, failed = 0, False

        def act(fact: Fact) -> None:
            nonlocal failed
            try:
                listener.act(fact)
            except Exception:
                failed = True
                _log.exception("%s failed at the fact %s", listener.name, fact.fact_id)
                raise

        while (done := deliver(listener.name, act, kinds=listener.kinds, limit=FACTS_A_CALL)) and not failed:
            total += done
            if done < FACTS_A_CALL:
                break
        standing.failures = standing.failures + 1 if failed else 0
        standing.due_at = self._monotonic() + wait_of(standing.failures).total_seconds() if failed else 0.0
        return total + (done if failed else 0)


class Stop:
    """Whether we were asked to end."""

    def __init__(self) -> None:
        """Heed TERM and INT from now on."""
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def run(reactor: Reactor, dsn: str, stop: Stop) -> None:
    """Turn the loop until asked to stop; when the database goes away, wait for it."""
    while not stop.asked:
        try:
            with psycopg.connect(dsn, autocommit=True, application_name="cityloop loop") as ear:
                ear.execute(f"LISTEN {CANDIDATES_CHANNEL}")
                ear.execute(f"LISTEN {CHANNEL}")
                _turn_while_connected(reactor, ear, stop)
        except AWAY as error:
            _log.warning("the database is away: %s", error)
            connections.close_all()
            time.sleep(RECONNECT_S)


def _turn_while_connected(reactor: Reactor, ear: psycopg.Connection, stop: Stop) -> None:
    woken, lively_until = True, 0.0
    while not stop.asked:
        beat("loop")
        if reactor.turn(woken=woken) or woken:
            lively_until = time.monotonic() + LIVELY_S
        rest_s = LIVELY_TURN_S if time.monotonic() < lively_until else TURN_S
        woken = any(True for _ in ear.notifies(timeout=rest_s, stop_after=1))
