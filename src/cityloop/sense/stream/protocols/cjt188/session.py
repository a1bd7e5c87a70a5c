"""Meters behind a bridge: we ask, they answer; some also tell by themselves."""

from dataclasses import dataclass, field

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.asking import Asker, Question
from cityloop.sense.stream.protocols.cjt188.answers import Answer, answer_of
from cityloop.sense.stream.protocols.cjt188.codec import (
    ANSWER,
    HAS_FAILED,
    IS_ANSWER,
    Frame,
    frame_of,
    read_frame,
    scanner,
    wire_address,
)
from cityloop.sense.stream.protocols.meter_frames import HALF_S_MAX, MeterScanner
from cityloop.sense.stream.protocols.port import Admit, Measurement, Parcel, Polled, Refused, Settled, Turn
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

SKEW_S_MAX = 5 * 60.0
"""A meter that was just asked and whose clock is further off reads now, whatever its clock says."""

_SECOND_US = 1_000_000


@dataclass(slots=True)
class MeterSession:
    """Asks meters in turn and reads what they say.

    Attributes:
        admit: says which meter may speak.
        asker: whose turn it is.
        turned: meters that answer the edition of 2004 only.
    """

    admit: Admit
    asker: Asker
    turned: set[str] = field(default_factory=set)
    _scanner: MeterScanner = field(default_factory=scanner)
    _heard_us: int | None = None
    _ticket: int = 0

    def receive(self, data: bytes, *, now_us: int) -> Turn:
        """Take bytes as they come."""
        self._heard_us = now_us
        turn = Turn()
        frames, turn.refused = self._scanner.scan(data)
        for raw in frames:
            self._take(frame_of(raw), turn, now_us)
        return turn

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:  # noqa: ARG002  a meter expects no answer
        """Say nothing: a meter does not wait for a confirmation."""
        return b""

    def tick(self, *, now_us: int) -> Turn:
        """Ask the next question, and give up half a frame that stays half."""
        turn = Turn()
        if self._heard_us is not None and now_us - self._heard_us > HALF_S_MAX * _SECOND_US:
            frames, refused = self._scanner.give_up()
            turn.refused += refused
            for raw in frames:
                self._take(frame_of(raw), turn, now_us)
        question, unanswered = self.asker.tick(now_us)
        turn.answers += question
        turn.refused += unanswered
        return turn

    def _take(self, frame: Frame, turn: Turn, now_us: int) -> None:
        if not frame.control & IS_ANSWER:
            return  # Some bridges give back what was sent.
        if not self.admit(frame.name, ""):
            turn.refused.append(Refused(Reason.NOT_ADMITTED, "not in the ledger", frame.raw, frame.name))
            return
        turn.heard.append(frame.name)
        was_asked = self._was_asked(frame)
        try:
            self._take_answer(frame, turn, now_us=now_us, was_asked=was_asked)
        except UnreadableError as error:
            turn.refused.append(refusal(error, frame.raw, address=frame.name))
        if was_asked:
            turn.answers += self.asker.answered(now_us)

    def _was_asked(self, frame: Frame) -> bool:
        return self.asker.pending is not None and self.asker.pending.question.address == frame.name

    def _take_answer(self, frame: Frame, turn: Turn, *, now_us: int, was_asked: bool) -> None:
        if frame.control & HAS_FAILED:
            raise UnreadableError(Reason.DEVICE_ERROR, f"the meter answers with an error: {frame.data.hex()}")
        if frame.control != ANSWER:
            raise UnreadableError(Reason.UNSUPPORTED, f"control byte {frame.control:02X}")
        answer = answer_of(frame)
        if was_asked and self.asker.pending is not None and self.asker.pending.attempt > 1:
            self.turned ^= {frame.name}
        if was_asked and answer.clock_us is not None:
            turn.clocks[frame.name] = answer.clock_us
        self._ticket += 1
        at_us, quality = _when(answer, now_us=now_us, was_asked=was_asked)
        measured = (Measurement(frame.name, v.channel, at_us, v.value, v.unit, quality) for v in answer.values)
        turn.parcels.append(Parcel(self._ticket, tuple(measured), frame.raw))


def _when(answer: Answer, *, now_us: int, was_asked: bool) -> tuple[int, Quality]:
    if answer.clock_us is None:
        return now_us, answer.quality if was_asked else max(answer.quality, Quality.SUSPECT)
    if was_asked and abs(answer.clock_us - now_us) > SKEW_S_MAX * _SECOND_US:
        return now_us, answer.quality
    return answer.clock_us, answer.quality


def open_session(admit: Admit, polled: tuple[Polled, ...]) -> MeterSession:
    """Return a session with the meters behind a bridge.

    Args:
        admit: says which meter may speak.
        polled: the meters to ask; one whose name is none is never asked.
    """
    turned: set[str] = set()

    def questions(meter: Polled) -> tuple[Question, ...]:
        try:
            wire_address(meter.address)
        except ValueError:
            return ()
        return (_question(meter.address, turned),)

    return MeterSession(admit, Asker.of(polled, questions), turned)


def _question(name: str, turned: set[str]) -> Question:
    def frame(number: int, attempt: int) -> bytes:
        return read_frame(name, serial=number, is_of_2004=(name in turned) != (attempt > 1))

    return Question(name, "its current reading", frame)
