"""One connection of a station or of a data logger with several stations."""

from dataclasses import dataclass, field, replace

from cityloop.sense.stream.protocols.clocks import NEAR_US, SteadyClock
from cityloop.sense.stream.protocols.hj212.codec import Splitter, framed
from cityloop.sense.stream.protocols.hj212.contents import SPANS, contents_of
from cityloop.sense.stream.protocols.hj212.message import (
    Command,
    Message,
    answer,
    message_of,
    moment_text,
    order,
)
from cityloop.sense.stream.protocols.port import Admit, Parcel, Polled, Refused, Settled, Turn
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

WHOLE_S_MAX = 60.0
"""How long the packets of a message may take to come together, seconds."""

ASSEMBLIES_MAX = 8
"""Messages of one connection that wait for their rest; the oldest gives way."""

STATIONS_MAX = 256
"""Stations behind one connection whose clocks are watched."""

CLOCK_PAUSE_US = 3_600_000_000
"""A station's clock is set at most this often, microseconds."""

_ACCEPTED = {Command.REQUEST_ANSWER: ("QnRtn", "1"), Command.RESULT: ("ExeRtn", "1")}


@dataclass(slots=True)
class _Assembly:
    began_us: int
    parts: dict[int, tuple[Message, bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class _Station:
    clock: SteadyClock = field(default_factory=SteadyClock)
    set_us: int | None = None


class Hj212Session:
    """Reads a station's frames and says what to answer; implements `port.Session`."""

    def __init__(self, admit: Admit, _polled: tuple[Polled, ...] = ()) -> None:
        """Wait for the first frame.

        Args:
            admit: says whether a station with its password may speak.
        """
        self._admit = admit
        self._splitter = Splitter()
        self._assemblies: dict[tuple[str, str, str], _Assembly] = {}
        self._stations: dict[str, _Station] = {}
        self._waiting: dict[int, Message] = {}
        self._tickets = 0

    def receive(self, data: bytes, *, now_us: int) -> Turn:
        """Take bytes as they come."""
        turn = Turn()
        for item in self._splitter.take(data):
            if isinstance(item, Refused):
                turn.refused.append(item)
                continue
            try:
                self._hear(message_of(item), item, turn, now_us)
            except UnreadableError as error:
                turn.refused.append(refusal(error, framed(item)))
        return turn

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:  # noqa: ARG002  the port
        """Return the data answer once what was measured is durable; until then the station keeps it."""
        if settled is Settled.AWAY:
            return b""
        message = self._waiting.pop(ticket, None)
        if message is None or settled is Settled.UNKNOWN or not message.wants_answer:
            return b""
        return answer(message, Command.DATA_ANSWER)

    def tick(self, *, now_us: int) -> Turn:
        """Give up messages whose packets do not come."""
        turn = Turn()
        for key, assembly in list(self._assemblies.items()):
            if not 0 <= now_us - assembly.began_us < WHOLE_S_MAX * 1_000_000:
                self._give_up(key, turn)
        return turn

    def _hear(self, message: Message, segment: bytes, turn: Turn, now_us: int) -> None:
        if not self._admit(message.station, message.password):
            raise UnreadableError(
                Reason.NOT_ADMITTED, f"station {message.station} is not known, or its password is wrong"
            )
        turn.heard.append(message.station)
        self._mind_clock(message, turn, now_us)
        if message.command in SPANS:
            self._take_data(message, segment, turn, now_us)
        else:
            self._take_other(message, segment, turn, now_us)

    def _take_data(self, message: Message, segment: bytes, turn: Turn, now_us: int) -> None:
        raw = framed(segment)
        if message.packets > 1:
            whole = self._assembled(message, segment, turn, now_us)
            if whole is None:
                return
            message, raw = whole
        contents = contents_of(message)
        if contents.unreadable:
            detail = f"no number, or no time: {', '.join(contents.unreadable)}"
            turn.refused.append(Refused(Reason.NOT_A_NUMBER, detail, raw, message.station))
        self._tickets += 1
        self._waiting[self._tickets] = message
        turn.parcels.append(Parcel(self._tickets, tuple(contents.measurements), raw))

    def _take_other(self, message: Message, segment: bytes, turn: Turn, now_us: int) -> None:
        command = message.command
        if command == Command.HEARTBEAT:
            turn.answers += answer(message, Command.NOTICE_ANSWER)
        elif command == Command.ASK_FOR_TIME:
            turn.answers += answer(message, Command.NOTICE_ANSWER) + self._set_clock(message, now_us)
        elif command in {Command.REQUEST_ANSWER, Command.RESULT}:
            name, accepted = _ACCEPTED[Command(command)]
            if f"{name}={accepted}" not in message.contents.split(";"):
                detail = f"the station refuses an order: {message.contents[:200]}"
                turn.refused.append(Refused(Reason.ORDER_REFUSED, detail, framed(segment), message.station))
        elif command not in {Command.NOTICE_ANSWER, Command.DATA_ANSWER, Command.GET_TIME}:
            detail = f"command {command[:20]} is not taken in"
            turn.refused.append(Refused(Reason.UNSUPPORTED, detail, framed(segment), message.station))

    def _mind_clock(self, message: Message, turn: Turn, now_us: int) -> None:
        if message.request_us is None:
            return
        if len(self._stations) >= STATIONS_MAX:
            self._stations.clear()
        station = self._stations.setdefault(message.station, _Station())
        if not station.clock.believes(message.request_us, now_us=now_us):
            return
        turn.clocks[message.station] = message.request_us
        rested = station.set_us is None or not 0 <= now_us - station.set_us < CLOCK_PAUSE_US
        if abs(now_us - message.request_us) > NEAR_US and rested:
            station.set_us = now_us
            turn.answers += self._set_clock(message, now_us)

    @staticmethod
    def _set_clock(message: Message, now_us: int) -> bytes:
        return order(message, Command.SET_TIME, contents=f"SystemTime={moment_text(now_us)}", now_us=now_us)

    def _assembled(self, message: Message, segment: bytes, turn: Turn, now_us: int) -> tuple[Message, bytes] | None:
        """Return a message made whole, with its frames; None where packets are missing."""
        key = (message.station, message.command, message.request)
        if key not in self._assemblies and len(self._assemblies) >= ASSEMBLIES_MAX:
            self._give_up(next(iter(self._assemblies)), turn)
        parts = self._assemblies.setdefault(key, _Assembly(now_us)).parts
        parts[message.packet] = (message, segment)
        if set(parts) != set(range(1, message.packets + 1)):
            return None
        del self._assemblies[key]
        ordered = [parts[number] for number in sorted(parts)]
        raw = b"".join(framed(each) for _, each in ordered)
        return replace(message, contents=";".join(part.contents for part, _ in ordered)), raw

    def _give_up(self, key: tuple[str, str, str], turn: Turn) -> None:
        parts = self._assemblies.pop(key).parts
        first, segment = next(iter(parts.values()))
        detail = f"packets {sorted(parts)} of {first.packets} came, the rest did not"
        turn.refused.append(Refused(Reason.INCOMPLETE, detail, framed(segment), key[0]))
