"""Asking devices that answer only when asked: one question at a time, in rounds, with patience and without haste.

Behind a bridge many meters share two wires, so a second question before the first answer would spoil both. A device
that stays silent is left for longer each time, so that it does not hold up its neighbours on the wires.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from cityloop.sense.stream.protocols.port import Polled, Refused
from cityloop.sense.stream.protocols.unreadable import Reason

ANSWER_S_MAX = 3.0
"""How long a device may take to answer, seconds: a meter at 2400 baud needs up to one for an answer."""

ATTEMPTS = 2
"""How often a question is asked before the device is left for this round."""

SLOWING_MAX = 8
"""A silent device is asked this many times more rarely at most."""

JUMP_US = 5_000_000
"""A clock that goes back by more has been set: everything is due anew, microseconds."""

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask a device.

    Attributes:
        address: of the device.
        about: what is asked for, for a person.
        frame: makes the bytes from the number of the asking, which the answer may have to repeat, and the attempt, 1
            for the first.
        tag: what the session needs to understand the answer.
    """

    address: str
    about: str
    frame: Callable[[int, int], bytes]
    tag: object = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The question on the wires.

    Attributes:
        question: what was asked.
        number: of this asking, counted over all.
        at_us: when, microseconds since the Unix epoch.
        attempt: 1 for the first.
    """

    question: Question
    number: int
    at_us: int
    attempt: int


@dataclass(slots=True)
class _Round:
    polled: Polled
    questions: Sequence[Question]
    due_us: int | None = None
    misses: int = 0


@dataclass(slots=True)
class Asker:
    """Asks the devices behind one connection in turn.

    Attributes:
        pending: the question that waits for its answer.
    """

    rounds: list[_Round]
    pending: Asked | None = None
    _ahead: deque[Question] = field(default_factory=deque)
    _current: _Round | None = None
    _number: int = 0
    _now_us: int | None = None

    @classmethod
    def of(cls, devices: Sequence[Polled], questions: Callable[[Polled], Sequence[Question]]) -> Self:
        """Return who asks some devices.

        Args:
            devices: whom to ask, in turn.
            questions: what to ask each in a round; one with none is never asked.
        """
        rounds = [_Round(polled, tuple(questions(polled))) for polled in devices]
        return cls([each for each in rounds if each.questions])

    def tick(self, now_us: int) -> tuple[bytes, list[Refused]]:
        """Return what to send now, and what has not been answered.

        Args:
            now_us: the present, microseconds since the Unix epoch.
        """
        self._mind_jump(now_us)
        refused: list[Refused] = []
        if self.pending is not None:
            if now_us - self.pending.at_us < ANSWER_S_MAX * _SECOND_US:
                return b"", refused
            if self.pending.attempt < ATTEMPTS:
                return self._ask(self.pending.question, now_us, attempt=self.pending.attempt + 1), refused
            refused.append(self._missed(self.pending, now_us))
        return self._next(now_us), refused

    def answered(self, now_us: int) -> bytes:
        """Take note that the pending question is done with, and return the next one."""
        self.pending = None
        if self._current is not None:
            self._current.misses = 0
        return self._next(now_us)

    def _next(self, now_us: int) -> bytes:
        if not self._ahead:
            self._begin(now_us)
        return self._ask(self._ahead.popleft(), now_us) if self._ahead else b""

    def _begin(self, now_us: int) -> None:
        self._current = next((r for r in self.rounds if r.due_us is None or r.due_us <= now_us), None)
        if self._current is not None:
            self.rounds.remove(self._current)
            self.rounds.append(self._current)
            self._current.due_us = now_us + _pause_us(self._current)
            self._ahead.extend(self._current.questions)

    def _ask(self, question: Question, now_us: int, *, attempt: int = 1) -> bytes:
        self._number += 1
        self.pending = Asked(question, self._number, now_us, attempt)
        return question.frame(self._number, attempt)

    def _missed(self, asked: Asked, now_us: int) -> Refused:
        self.pending = None
        self._ahead.clear()
        if self._current is not None:
            self._current.misses += 1
            self._current.due_us = now_us + _pause_us(self._current)
        detail = f"{asked.question.address} was asked for {asked.question.about} and did not answer"
        return Refused(
            Reason.NO_ANSWER, detail, asked.question.frame(asked.number, asked.attempt), asked.question.address
        )

    def _mind_jump(self, now_us: int) -> None:
        if self._now_us is not None and now_us < self._now_us - JUMP_US:
            self.pending = None
            for each in self.rounds:
                each.due_us = None
        self._now_us = now_us


def _pause_us(each: _Round) -> int:
    return int(each.polled.every_s * min(2**each.misses, SLOWING_MAX) * _SECOND_US)
