"""A transmission device of a building's fire-protection systems on its connection."""

from collections import OrderedDict
from dataclasses import dataclass, field

from cityloop.sense.stream.protocols.clocks import SteadyClock
from cityloop.sense.stream.protocols.gb26875.codec import Command, Frame, Scanner, clock_label, encoded
from cityloop.sense.stream.protocols.gb26875.objects import device_clock_us, measurements
from cityloop.sense.stream.protocols.port import Admit, Measurement, Parcel, Refused, Settled, Turn
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

HALF_S_MAX = 30.0
"""How long the rest of a frame may take, seconds: its bytes leave a device together."""

SERIALS_KEPT = 64
"""How many confirmed serial numbers are remembered to answer a repeat at once."""

PARCELS_MAX = 256
"""How many parcels may wait for their confirmation; a device sends the rest again."""

SKEW_S_MAX = 5 * 60.0
"""A clock that is further off is set right, seconds; domain reference, section 2."""

SET_CLOCK = 90
"""Type flag of the order to set a transmission device's clock."""

_SECOND_US = 1_000_000


@dataclass(slots=True)
class FireSession:
    """Reads states and values, and confirms each frame once it is durable.

    Attributes:
        admit: says which device may speak.
    """

    admit: Admit
    _scanner: Scanner = field(default_factory=Scanner)
    _waiting: dict[int, Frame] = field(default_factory=dict)
    _confirmed: OrderedDict[tuple[int, bytes], None] = field(default_factory=OrderedDict)
    _ticket: int = 0
    _heard_us: int | None = None
    _clocks: dict[str, SteadyClock] = field(default_factory=dict)
    _clock_set: bool = False

    def receive(self, data: bytes, *, now_us: int) -> Turn:
        """Take bytes as they come."""
        self._heard_us = now_us
        turn = Turn()
        frames, turn.refused = self._scanner.scan(data)
        for frame in frames:
            self._take(frame, turn, now_us)
        return turn

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:
        """Confirm what is durable and deny what nobody knows; while the history is away a device hears nothing."""
        if settled is Settled.AWAY or ticket not in self._waiting:
            return b""
        frame = self._waiting.pop(ticket)
        if settled is Settled.UNKNOWN:
            return _answer(frame, Command.DENY, now_us)
        self._remember(frame)
        return _answer(frame, Command.CONFIRM, now_us)

    def tick(self, *, now_us: int) -> Turn:
        """Give up half a frame that stays half."""
        turn = Turn()
        if self._heard_us is not None and now_us - self._heard_us > HALF_S_MAX * _SECOND_US:
            frames, refused = self._scanner.give_up()
            turn.refused += refused
            for frame in frames:
                self._take(frame, turn, now_us)
        return turn

    def _take(self, frame: Frame, turn: Turn, now_us: int) -> None:
        if not self.admit(frame.address, ""):
            _deny(frame, turn, now_us, Refused(Reason.NOT_ADMITTED, "not in the ledger", frame.raw, frame.address))
            return
        turn.heard.append(frame.address)
        self._hear_clock(frame, turn, now_us)
        if frame.command in (Command.SEND, Command.ANSWER):
            self._take_data(frame, turn, now_us)
        elif frame.command == Command.DENY:
            turn.refused.append(Refused(Reason.ORDER_REFUSED, "the device denied an order", frame.raw, frame.address))
        elif frame.command != Command.CONFIRM:
            _deny(
                frame, turn, now_us, Refused(Reason.UNSUPPORTED, f"command {frame.command}", frame.raw, frame.address)
            )

    def _take_data(self, frame: Frame, turn: Turn, now_us: int) -> None:
        if (frame.serial, frame.application) in self._confirmed:
            turn.answers += _answer(frame, Command.CONFIRM, now_us)
            return
        if any(w.serial == frame.serial and w.application == frame.application for w in self._waiting.values()):
            return
        try:
            measured = measurements(frame.address, frame.application, now_us=now_us)
        except UnreadableError as error:
            _deny(frame, turn, now_us, refusal(error, frame.raw, address=frame.address))
            return
        if not measured:
            self._remember(frame)
            turn.answers += _answer(frame, Command.CONFIRM, now_us)
        elif len(self._waiting) < PARCELS_MAX:
            turn.parcels.append(self._parcel(frame, measured))
        else:
            turn.refused.append(Refused(Reason.OVERLOADED, "too many frames wait", frame.raw, frame.address))

    def _parcel(self, frame: Frame, measured: tuple[Measurement, ...]) -> Parcel:
        self._ticket += 1
        self._waiting[self._ticket] = frame
        return Parcel(self._ticket, measured, frame.raw)

    def _remember(self, frame: Frame) -> None:
        self._confirmed[frame.serial, frame.application] = None
        if len(self._confirmed) > SERIALS_KEPT:
            self._confirmed.popitem(last=False)

    def _hear_clock(self, frame: Frame, turn: Turn, now_us: int) -> None:
        told_us, clock = device_clock_us(frame.application), self._clocks.setdefault(frame.address, SteadyClock())
        if told_us is None and (frame.time_us is None or not clock.believes(frame.time_us, now_us=now_us)):
            return
        turn.clocks[frame.address] = shown_us = told_us or frame.time_us or now_us
        if abs(shown_us - now_us) > SKEW_S_MAX * _SECOND_US and not self._clock_set:
            self._clock_set = True
            turn.answers += set_clock(frame, now_us=now_us)


def set_clock(frame: Frame, *, now_us: int) -> bytes:
    """Return the order to the sender of a frame to set its clock to the present."""
    application = bytes((SET_CLOCK, 1)) + clock_label(now_us)
    order = Frame(0, Command.CONTROL, frame.target, frame.source, application, version=frame.version)
    return encoded(order, now_us=now_us)


def _answer(frame: Frame, command: Command, now_us: int) -> bytes:
    answer = Frame(frame.serial, command, frame.target, frame.source, version=frame.version)
    return encoded(answer, now_us=now_us)


def _deny(frame: Frame, turn: Turn, now_us: int, refused: Refused) -> None:
    turn.refused.append(refused)
    turn.answers += _answer(frame, Command.DENY, now_us)
