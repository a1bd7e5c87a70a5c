"""Power meters behind a bridge: we ask for one item after the other."""

from dataclasses import dataclass, field

from cityloop.sense.stream.protocols.asking import Asker, Question
from cityloop.sense.stream.protocols.dlt645.codec import IS_ANSWER, Frame, encoded, frame_of, read_frame, scanner
from cityloop.sense.stream.protocols.dlt645.items import ITEMS, Item, answered_item
from cityloop.sense.stream.protocols.meter_frames import HALF_S_MAX, MeterScanner
from cityloop.sense.stream.protocols.port import Admit, Measurement, Parcel, Polled, Refused, Settled, Turn
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

_SECOND_US = 1_000_000


@dataclass(slots=True)
class PowerSession:
    """Asks meters in turn and reads what they say.

    Attributes:
        admit: says which meter may speak.
        asker: whose turn it is.
        unreadable: what the ledger asks for and nobody can ask.
    """

    admit: Admit
    asker: Asker
    unreadable: list[Refused] = field(default_factory=list)
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
        turn = Turn(refused=self.unreadable)
        self.unreadable = []
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
        if not self.admit(frame.address, ""):
            turn.refused.append(Refused(Reason.NOT_ADMITTED, "not in the ledger", frame.raw, frame.address))
            return
        turn.heard.append(frame.address)
        item: Item | None = None
        try:
            item, value = answered_item(frame)
            self._ticket += 1
            measured = Measurement(frame.address, item.code, now_us, value, item.unit)
            turn.parcels.append(Parcel(self._ticket, (measured,), frame.raw))
        except UnreadableError as error:
            turn.refused.append(refusal(error, frame.raw, address=frame.address))
        if self._was_asked(frame, item):
            turn.answers += self.asker.answered(now_us)

    def _was_asked(self, frame: Frame, item: Item | None) -> bool:
        pending = self.asker.pending
        if pending is None or pending.question.address != frame.address:
            return False
        return item is None or item.code == pending.question.tag


def open_session(admit: Admit, polled: tuple[Polled, ...]) -> PowerSession:
    """Return a session with the meters behind a bridge.

    Args:
        admit: says which meter may speak.
        polled: the meters to ask, with the items to ask for; what is no item or no meter is refused at the first tick.
    """
    refused = [bad for meter in polled for bad in _unreadable(meter)]
    return PowerSession(admit, Asker.of(polled, _questions), refused)


def _questions(meter: Polled) -> tuple[Question, ...]:
    if not _is_meter(meter):
        return ()
    return tuple(_question(meter.address, ITEMS[code]) for code in meter.channels if code in ITEMS)


def _question(address: str, item: Item) -> Question:
    data = read_frame(address, item.code)
    return Question(address, f"{item.code} {item.title.en}", lambda _number, _attempt: data, item.code)


def _unreadable(meter: Polled) -> list[Refused]:
    if not _is_meter(meter):
        return [Refused(Reason.UNSUPPORTED, f"{meter.address} is no meter: twelve digits name one", b"", meter.address)]
    unknown = [code for code in meter.channels if code not in ITEMS]
    return [Refused(Reason.UNSUPPORTED, f"no data item {code} is known", b"", meter.address) for code in unknown]


def _is_meter(meter: Polled) -> bool:
    try:
        encoded(meter.address, 0, b"")
    except ValueError:
        return False
    return True
