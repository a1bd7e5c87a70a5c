"""One connection of a terminal."""

from dataclasses import dataclass, field

from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.clocks import SteadyClock
from cityloop.sense.stream.protocols.jt808.bodies import (
    HEARTBEAT_PARAMETER,
    NO_SUCH_TERMINAL,
    MessageId,
    Result,
    batch_of,
    code_of,
    location_of,
    measurements,
    parameters_body,
    platform_answer,
    register_answer,
    registration_of,
    resend_body,
)
from cityloop.sense.stream.protocols.jt808.codec import Frame, Splitter, framed, read
from cityloop.sense.stream.protocols.port import Admit, Measurement, Parcel, Polled, Refused, Settled, Turn
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError, refusal

PACKETS_MAX = 64
"""Most packets of one message, so that what waits for its rest is bounded: 64 KiB."""

ASSEMBLIES_MAX = 4
"""Messages of one connection that wait for their rest; the oldest gives way."""

ASK_AGAIN_S = 5.0
"""Missing packets are asked for after this time, seconds, and again after the same."""

WHOLE_S_MAX = 60.0
"""How long the packets of a message may take to come together, seconds."""

HEARTBEAT_S = 60
"""How often a terminal is asked to send a heartbeat, seconds: three fit into the silence that ends a session."""

_SERIALS = 0x10000


@dataclass(slots=True)
class _Assembly:
    began_us: int
    asked_us: int
    packets: int
    parts: dict[int, tuple[Frame, bytes]] = field(default_factory=dict)


class Jt808Session:
    """Reads a terminal's frames and says what to answer; implements `port.Session`.

    A terminal that has not shown its authentication code is told so and not heard. All its frames must carry the phone
    number it authenticated with.
    """

    def __init__(self, admit: Admit, _polled: tuple[Polled, ...] = ()) -> None:
        """Wait for the first frame.

        Args:
            admit: says whether a terminal with its authentication code may speak.
        """
        self._admit = admit
        self._splitter = Splitter()
        self._phone = ""
        self._version = 0
        self._serial = 0
        self._tickets = 0
        self._waiting: dict[int, tuple[Frame, ...]] = {}
        self._assemblies: dict[tuple[int, int], _Assembly] = {}
        self._clock = SteadyClock()

    def receive(self, data: bytes, *, now_us: int) -> Turn:
        """Take bytes as they come."""
        turn = Turn()
        for item in read(self._splitter, data):
            if isinstance(item, Refused):
                turn.refused.append(item)
                continue
            frame, raw = item
            try:
                self._hear(frame, raw, turn, now_us)
            except UnreadableError as error:
                turn.refused.append(refusal(error, raw, address=frame.phone))
                turn.answers += self._answer(frame, _result_of(error.reason))
        return turn

    def settle(self, ticket: int, settled: Settled, *, now_us: int) -> bytes:  # noqa: ARG002  the port
        """Return the platform's answer once the positions are durable; until then the terminal keeps them."""
        if settled is Settled.AWAY:
            return b""
        result = Result.DONE if settled is Settled.KEPT else Result.FAILED
        return b"".join(self._answer(frame, result) for frame in self._waiting.pop(ticket, ()))

    def tick(self, *, now_us: int) -> Turn:
        """Ask for packets that are missing, and give up those that do not come."""
        turn = Turn()
        for key, assembly in list(self._assemblies.items()):
            if not 0 <= now_us - assembly.began_us < WHOLE_S_MAX * 1_000_000:
                self._give_up(key, turn)
            elif now_us - assembly.asked_us >= ASK_AGAIN_S * 1_000_000:
                assembly.asked_us = now_us
                missing = sorted(set(range(1, assembly.packets + 1)) - set(assembly.parts))
                turn.answers += self._say(MessageId.RESEND, resend_body(key[1], missing))
        return turn

    def _hear(self, frame: Frame, raw: bytes, turn: Turn, now_us: int) -> None:
        if frame.message == MessageId.REGISTER:
            self._register(frame, turn)
            return
        if frame.message == MessageId.AUTHENTICATE:
            self._authenticate(frame, turn)
            return
        if frame.phone != self._phone:
            raise UnreadableError(Reason.NOT_ADMITTED, f"{frame.phone} has not authenticated on this connection")
        turn.heard.append(frame.phone)
        if frame.packets > 1:
            self._assemble(frame, raw, turn, now_us)
        else:
            self._take((frame,), frame.body, raw, turn, now_us)

    def _register(self, frame: Frame, turn: Turn) -> None:
        """Answer a registration; where the ledger has the terminal, its maker's id is its authentication code."""
        terminal = registration_of(frame.body, version=frame.version).terminal
        self._version = frame.version
        if self._admit(frame.phone, terminal):
            turn.heard.append(frame.phone)
            body = register_answer(frame.serial, Result.DONE, terminal)
        else:
            detail = f"terminal {terminal} with phone {frame.phone} is not in the ledger"
            turn.refused.append(Refused(Reason.NOT_ADMITTED, detail, framed(frame), frame.phone))
            body = register_answer(frame.serial, NO_SUCH_TERMINAL)
        turn.answers += self._say(MessageId.REGISTER_ANSWER, body, phone=frame.phone)

    def _authenticate(self, frame: Frame, turn: Turn) -> None:
        self._version = frame.version
        if not self._admit(frame.phone, code_of(frame.body, version=frame.version)):
            self._phone = ""
            raise UnreadableError(Reason.NOT_ADMITTED, f"{frame.phone} is not in the ledger, or its code is wrong")
        self._phone = frame.phone
        turn.heard.append(frame.phone)
        turn.answers += self._answer(frame, Result.DONE)
        turn.answers += self._say(MessageId.SET_PARAMETERS, parameters_body({HEARTBEAT_PARAMETER: HEARTBEAT_S}))
        turn.answers += self._say(MessageId.ASK_LOCATION, b"")

    def _take(self, frames: tuple[Frame, ...], body: bytes, raw: bytes, turn: Turn, now_us: int) -> None:
        first = frames[0]
        if first.message in {MessageId.LOCATION, MessageId.ASKED_LOCATION}:
            report = location_of(body if first.message == MessageId.LOCATION else body[2:])
            if first.message == MessageId.LOCATION and self._clock.believes(report.time_us, now_us=now_us):
                turn.clocks[first.phone] = report.time_us
            self._send_on(frames, measurements(first.phone, report), raw, turn)
        elif first.message == MessageId.BATCH:
            self._send_on(frames, self._batch(first, body, raw, turn), raw, turn)
        elif first.message == MessageId.HEARTBEAT:
            turn.answers += self._answer(first, Result.DONE)
        elif first.message == MessageId.LEAVE:
            turn.answers += self._answer(first, Result.DONE)
            self._phone = ""
        elif first.message != MessageId.ANSWER:
            detail = f"message {first.message:04X} is not taken in"
            raise UnreadableError(Reason.UNSUPPORTED, detail)

    @staticmethod
    def _batch(frame: Frame, body: bytes, raw: bytes, turn: Turn) -> tuple[Measurement, ...]:
        reports, stored = batch_of(body)
        found: list[Measurement] = []
        for report in reports:
            try:
                found += measurements(frame.phone, location_of(report), Quality.LATE if stored else Quality.GOOD)
            except UnreadableError as error:
                turn.refused.append(refusal(error, raw, address=frame.phone))
        return tuple(found)

    def _send_on(self, frames: tuple[Frame, ...], found: tuple[Measurement, ...], raw: bytes, turn: Turn) -> None:
        self._tickets += 1
        self._waiting[self._tickets] = frames
        turn.parcels.append(Parcel(self._tickets, found, raw))

    def _assemble(self, frame: Frame, raw: bytes, turn: Turn, now_us: int) -> None:
        if frame.packets > PACKETS_MAX:
            raise UnreadableError(Reason.WRONG_LENGTH, f"{frame.packets} packets are too many")
        key = (frame.message, (frame.serial - frame.packet + 1) % _SERIALS)
        if key not in self._assemblies and len(self._assemblies) >= ASSEMBLIES_MAX:
            self._give_up(next(iter(self._assemblies)), turn)
        assembly = self._assemblies.setdefault(key, _Assembly(now_us, now_us, frame.packets))
        if frame.packet > assembly.packets:
            raise UnreadableError(Reason.MALFORMED, f"packet {frame.packet} of {assembly.packets}")
        assembly.parts[frame.packet] = (frame, raw)
        assembly.asked_us = now_us
        if len(assembly.parts) < assembly.packets:
            return
        del self._assemblies[key]
        ordered = [assembly.parts[number] for number in sorted(assembly.parts)]
        body, whole = b"".join(part.body for part, _ in ordered), b"".join(each for _, each in ordered)
        self._take(tuple(part for part, _ in ordered), body, whole, turn, now_us)

    def _give_up(self, key: tuple[int, int], turn: Turn) -> None:
        assembly = self._assemblies.pop(key)
        frame, raw = next(iter(assembly.parts.values()))
        detail = f"packets {sorted(assembly.parts)} of {assembly.packets} came, the rest did not"
        turn.refused.append(Refused(Reason.INCOMPLETE, detail, raw, frame.phone))

    def _answer(self, frame: Frame, result: int) -> bytes:
        body = platform_answer(frame.serial, frame.message, result)
        return self._say(MessageId.PLATFORM_ANSWER, body, phone=frame.phone, version=frame.version)

    def _say(self, message: MessageId, body: bytes, *, phone: str = "", version: int | None = None) -> bytes:
        self._serial = (self._serial + 1) % _SERIALS
        spoken = self._version if version is None else version
        return framed(Frame(message, phone or self._phone, self._serial, body, spoken))


def _result_of(reason: Reason) -> Result:
    if reason is Reason.UNSUPPORTED:
        return Result.UNSUPPORTED
    return Result.FAILED if reason is Reason.NOT_ADMITTED else Result.WRONG
