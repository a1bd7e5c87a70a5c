"""Units behind a Modbus TCP bridge, or one device that speaks it itself: we ask for blocks of registers."""

from dataclasses import dataclass, field

from cityloop.sense.stream.protocols.asking import Asked, Asker, Question
from cityloop.sense.stream.protocols.modbus.blocks import Reading, readings_of
from cityloop.sense.stream.protocols.modbus.channels import Channel, channel_of
from cityloop.sense.stream.protocols.modbus.codec import NUMBERS, Frame, Scanner, read_frame
from cityloop.sense.stream.protocols.port import Admit, Measurement, Parcel, Polled, Refused, Settled, Turn
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

HALF_S_MAX = 5.0
"""How long the rest of an answer may take, seconds; longer than the wait for an answer."""

UNIT_MAX, UNIT_DIGITS_MAX = 255, 3
_SECOND_US = 1_000_000


@dataclass(slots=True)
class ModbusSession:
    """Asks units in turn and reads their answers.

    Attributes:
        admit: says which device may speak.
        asker: whose turn it is.
        unreadable: what the ledger asks for and nobody can ask.
    """

    admit: Admit
    asker: Asker
    unreadable: list[Refused] = field(default_factory=list)
    _scanner: Scanner = field(default_factory=Scanner)
    _heard_us: int | None = None
    _ticket: int = 0

    def receive(self, data: bytes, *, now_us: int) -> Turn:
        """Take bytes as they come."""
        self._heard_us = now_us
        turn = Turn()
        frames, turn.refused = self._scanner.scan(data)
        for frame in frames:
            self._take(frame, turn, now_us)
        return turn

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:  # noqa: ARG002  a unit expects no answer
        """Say nothing: a unit does not wait for a confirmation."""
        return b""

    def tick(self, *, now_us: int) -> Turn:
        """Ask the next question, and give up half a frame that stays half."""
        turn = Turn(refused=self.unreadable)
        self.unreadable = []
        if self._heard_us is not None and now_us - self._heard_us > HALF_S_MAX * _SECOND_US:
            half = self._scanner.give_up()
            turn.refused += [half] if half else []
        turn.answers, unanswered = self.asker.tick(now_us)
        turn.refused += unanswered
        return turn

    def _take(self, frame: Frame, turn: Turn, now_us: int) -> None:
        asked = self.asker.pending
        if asked is None or asked.number % NUMBERS != frame.number:
            detail = f"transaction {frame.number} of unit {frame.unit} was not asked, or answers too late"
            turn.refused.append(Refused(Reason.UNSUPPORTED, detail, frame.raw))
            return
        address = asked.question.address
        if self.admit(address, ""):
            turn.heard.append(address)
            self._take_answer(frame, asked, turn, now_us)
        else:
            turn.refused.append(Refused(Reason.NOT_ADMITTED, "not in the ledger", frame.raw, address))
        turn.answers += self.asker.answered(now_us)

    def _take_answer(self, frame: Frame, asked: Asked, turn: Turn, now_us: int) -> None:
        address, reading = asked.question.address, asked.question.tag
        assert isinstance(reading, Reading)  # noqa: S101  for the type checker: every question of ours carries one
        try:
            cells = _cells(frame, address, reading)
        except UnreadableError as error:
            turn.refused.append(refusal(error, frame.raw, address=address))
            return
        found = []
        for channel in reading.channels:
            first = channel.address - reading.block.address
            try:
                value = channel.value(cells[first : first + channel.count])
                found.append(Measurement(address, channel.name, now_us, value))
            except UnreadableError as error:
                turn.refused.append(refusal(error, frame.raw, address=address))
        if found:
            self._ticket += 1
            turn.parcels.append(Parcel(self._ticket, tuple(found), frame.raw))


def _cells(frame: Frame, address: str, reading: Reading) -> list[int]:
    pdu, block = frame.pdu, reading.block
    if frame.unit != unit_of(address):
        raise UnreadableError(Reason.MALFORMED, f"unit {frame.unit} answers for {address}")
    if pdu is None:
        raise UnreadableError(Reason.MALFORMED, "an answer that cannot be read")
    if pdu.isError():
        raise UnreadableError(Reason.DEVICE_ERROR, f"exception {pdu.exception_code} for {block}")
    cells = [int(each) for each in (pdu.bits if block.table.holds_bits else pdu.registers)]
    if pdu.function_code != block.function or len(cells) < block.count:
        raise UnreadableError(Reason.MALFORMED, f"function {pdu.function_code} with {len(cells)} cells for {block}")
    return cells


def unit_of(address: str) -> int:
    """Return the unit of a device's address, which is the number behind its last `/`, or the whole of it.

    Raises:
        UnreadableError: if it names none.
    """
    unit = address.rpartition("/")[2]
    if not (unit.isascii() and unit.isdecimal() and len(unit) <= UNIT_DIGITS_MAX) or int(unit) > UNIT_MAX:
        raise UnreadableError(Reason.UNSUPPORTED, f"no unit of a Modbus bridge: {address[:100]}")
    return int(unit)


def open_session(admit: Admit, polled: tuple[Polled, ...]) -> ModbusSession:
    """Return a session with the units behind a bridge.

    Args:
        admit: says which device may speak.
        polled: the units to ask, with their channels; what cannot be asked is refused at the first tick.
    """
    refused: list[Refused] = []

    def questions(device: Polled) -> tuple[Question, ...]:
        try:
            unit = unit_of(device.address)
        except UnreadableError as error:
            refused.append(refusal(error, b"", address=device.address))
            return ()
        channels = _channels(device, refused)
        return tuple(_question(device.address, unit, reading) for reading in readings_of(channels))

    return ModbusSession(admit, Asker.of(polled, questions), refused)


def _channels(device: Polled, refused: list[Refused]) -> list[Channel]:
    found = []
    for name in device.channels:
        try:
            found.append(channel_of(name))
        except UnreadableError as error:
            refused.append(refusal(error, b"", address=device.address))
    return found


def _question(address: str, unit: int, reading: Reading) -> Question:
    block = reading.block
    about = f"{block.table.value} {block.address}, {block.count} cells"
    return Question(address, about, lambda number, _attempt: read_frame(unit, block, number=number), reading)
