"""A device's bytes given to a session in every way a network may give them."""

from collections.abc import Callable, Iterator

from cityloop.sense.stream.protocols.port import Measurement, Session, Turn

NOW_US = 1_795_000_000_000_000
"""2026-11-18, when these conversations take place."""

HELD_BYTES_MAX = 70_000
"""No session may hold more of what it was given, bytes."""


def everyone(_address: str, _secret: str) -> bool:
    return True


def nobody(_address: str, _secret: str) -> bool:
    return False


def merged(turns: list[Turn]) -> Turn:
    """Return several turns as one."""
    whole = Turn()
    for turn in turns:
        whole.answers += turn.answers
        whole.parcels += turn.parcels
        whole.refused += turn.refused
        whole.heard += turn.heard
        whole.clocks |= turn.clocks
        whole.ends |= turn.ends
    return whole


def told(session: Session, *pieces: bytes, now_us: int = NOW_US) -> Turn:
    """Return what a session makes of pieces that arrive one after the other."""
    return merged([session.receive(piece, now_us=now_us) for piece in pieces])


def halves(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return the data cut in two at every byte."""
    return ((data[:at], data[at:]) for at in range(len(data) + 1))


def measured(turn: Turn) -> list[Measurement]:
    return [measurement for parcel in turn.parcels for measurement in parcel.measurements]


def values(turn: Turn) -> dict[str, float | str]:
    return {measurement.channel: measurement.value for measurement in measured(turn)}


def reasons(turn: Turn) -> list[str]:
    return [refused.reason for refused in turn.refused]


def endure(open_session: Callable[[], Session], pieces: list[bytes]) -> Session:
    """Give a session anything at all, between ticks, and see that it neither raises nor hoards."""
    session = open_session()
    for number, piece in enumerate(pieces):
        turn = merged(
            [
                session.receive(piece, now_us=NOW_US + number * 1_000_000),
                session.tick(now_us=NOW_US + number * 1_000_000),
            ]
        )
        assert sum(len(refused.raw) for refused in turn.refused) <= 3 * (len(piece) + HELD_BYTES_MAX)
    return session
