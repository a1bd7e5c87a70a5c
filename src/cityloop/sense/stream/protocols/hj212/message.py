"""Data segments of HJ 212: what a frame says, and what is said back."""

from dataclasses import dataclass
from enum import StrEnum

from cityloop.sense.stream.protocols.hj212.codec import framed
from cityloop.sense.stream.protocols.local_time import device_clock, device_us
from cityloop.sense.stream.protocols.unreadable import Reason, UnreadableError

CENTRE = "91"
"""System code of an answer: the exchange between the station and the centre."""

STATION_CHARACTERS_MAX = 64
"""Longest station id read, characters; the standard has 14 (2005) or 24 (2017)."""

PACKETS_MAX = 64
"""Most packets of one message, so that what waits for its rest is bounded."""

_ANSWER_WANTED, _PACKETS_NUMBERED, _VERSION_SHIFT, _FLAG_MAX = 1, 2, 2, 255
_REQUEST_DIGITS, _TIME_DIGITS = 17, 14


class Command(StrEnum):
    """Command codes we send or treat apart (HJ 212-2017, table 9)."""

    GET_TIME = "1011"
    SET_TIME = "1012"
    ASK_FOR_TIME = "1013"
    GET_REAL_TIME_INTERVAL = "1061"
    SET_REAL_TIME_INTERVAL = "1062"
    GET_MINUTE_INTERVAL = "1063"
    SET_MINUTE_INTERVAL = "1064"
    REQUEST_ANSWER = "9011"
    RESULT = "9012"
    NOTICE_ANSWER = "9013"
    DATA_ANSWER = "9014"
    HEARTBEAT = "9021"


@dataclass(frozen=True, slots=True)
class Message:
    """What a data segment says.

    Attributes:
        request: QN, 17 digits, or empty.
        request_us: the same, microseconds since the Unix epoch, None where there is none.
        system: ST.
        command: CN.
        password: PW.
        station: MN.
        flag: Flag, None where absent, as older stations send.
        packets: PNUM, 1 where the message is whole.
        packet: PNO, counted from 1.
        contents: CP, without its `&&`.
    """

    request: str
    request_us: int | None
    system: str
    command: str
    password: str
    station: str
    flag: int | None
    packets: int
    packet: int
    contents: str

    @property
    def wants_answer(self) -> bool:
        """Return whether bit 0 of the flag asks for an answer."""
        return bool((self.flag or 0) & _ANSWER_WANTED)

    @property
    def version(self) -> int:
        """Return the version bits: 0 for 2005, 1 for 2017."""
        return (self.flag or 0) >> _VERSION_SHIFT


def text_of(data: bytes) -> str:
    """Return a segment's text: UTF-8 where it is valid, else GB 18030 with what is neither replaced."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def moment_us(text: str) -> int | None:
    """Return `yyyymmddhhmmss`, with milliseconds or without, UTC+8, as microseconds; None where it is no moment."""
    if len(text) not in {_TIME_DIGITS, _REQUEST_DIGITS} or not (text.isascii() and text.isdigit()):
        return None
    year, (month, day, hour, minute, second) = (
        int(text[:4]),
        (int(text[at : at + 2]) for at in range(4, _TIME_DIGITS, 2)),
    )
    whole_us = device_us((year, month, day, hour, minute, second))
    return None if whole_us is None else whole_us + 1000 * int(text[_TIME_DIGITS:] or 0)


def moment_text(instant_us: int, *, milliseconds: bool = False) -> str:
    """Return an instant as a station writes it."""
    clock = device_clock(instant_us)
    return f"{clock:%Y%m%d%H%M%S}" + (f"{clock.microsecond // 1000:03d}" if milliseconds else "")


def message_of(segment: bytes) -> Message:
    """Return what a data segment says.

    Raises:
        UnreadableError: if it is no data segment.
    """
    head, _, rest = text_of(segment).partition("CP=&&")
    fields: dict[str, str] = {}
    for part in head.split(";"):
        name, _, value = part.partition("=")
        fields.setdefault(name.strip(), value.strip())
    request, station, command = fields.get("QN", ""), fields.get("MN", ""), fields.get("CN", "")
    request_us = moment_us(request)
    if request and (request_us is None or len(request) != _REQUEST_DIGITS):
        raise UnreadableError(Reason.BAD_TIME, f"QN={request[:40]} is no moment")
    if not (command.isascii() and command.isdigit()) or not 0 < len(station) <= STATION_CHARACTERS_MAX:
        raise UnreadableError(Reason.MALFORMED, "MN or CN is missing or cannot be")
    flag = _whole(fields, "Flag", most=_FLAG_MAX)
    packets, packet = _packets(fields, flag)
    contents = rest.rpartition("&&")[0]
    return Message(
        request=request,
        request_us=request_us,
        system=fields.get("ST", ""),
        command=command,
        password=fields.get("PW", ""),
        station=station,
        flag=flag,
        packets=packets,
        packet=packet,
        contents=contents,
    )


def _packets(fields: dict[str, str], flag: int | None) -> tuple[int, int]:
    if not (flag or 0) & _PACKETS_NUMBERED:
        return 1, 1
    packets, packet = _whole(fields, "PNUM", most=PACKETS_MAX), _whole(fields, "PNO", most=PACKETS_MAX)
    if not packets or not packet or packet > packets:
        raise UnreadableError(Reason.MALFORMED, f"packet {packet} of {packets}")
    return packets, packet


def _whole(fields: dict[str, str], name: str, *, most: int) -> int | None:
    text = fields.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
        raise UnreadableError(Reason.MALFORMED, f"{name}={text[:40]} is no whole number up to {most}")
    return int(text)


def segment_of(message: Message) -> bytes:
    """Return a message as a data segment, in the order of the standard."""
    parts = [f"QN={message.request}"] if message.request else []
    parts += [f"ST={message.system}", f"CN={message.command}", f"PW={message.password}", f"MN={message.station}"]
    if message.flag is not None:
        parts.append(f"Flag={message.flag}")
    if (message.flag or 0) & _PACKETS_NUMBERED:
        parts += [f"PNUM={message.packets}", f"PNO={message.packet}"]
    return (";".join(parts) + f";CP=&&{message.contents}&&").encode("utf-8")


def answer(message: Message, command: Command) -> bytes:
    """Return the frame that answers a message; empty where the message cannot be named in an answer.

    In 2017 the answer repeats the request's QN; in 2005 it stands in the contents.
    """
    if not message.request:
        return b""
    contents = "" if message.version else f"QN={message.request};CN={message.command}"
    return _sent(message, system=CENTRE, command=command, flag=message.version << _VERSION_SHIFT, contents=contents)


def order(message: Message, command: Command, *, contents: str, now_us: int) -> bytes:
    """Return the frame that asks a station to do something, and to answer.

    Args:
        message: something the station has sent: it names the station, its system and version.
        command: what to do.
        contents: with what, such as `SystemTime=20160801085857`.
        now_us: the present, microseconds since the Unix epoch; names the request.
    """
    flag = message.version << _VERSION_SHIFT | _ANSWER_WANTED
    request = moment_text(now_us, milliseconds=True)
    return _sent(message, system=message.system, command=command, flag=flag, contents=contents, request=request)


def _sent(  # noqa: PLR0913  the fields of a segment
    message: Message, *, system: str, command: Command, flag: int, contents: str, request: str = ""
) -> bytes:
    sent = Message(
        request=request or message.request,
        request_us=None,
        system=system,
        command=command,
        password=message.password,
        station=message.station,
        flag=flag,
        packets=1,
        packet=1,
        contents=contents,
    )
    segment = segment_of(sent)
    try:
        return framed(segment)
    except ValueError:  # a hostile password or system code as long as a segment
        return b""
