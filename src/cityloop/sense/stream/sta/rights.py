"""What a token may do here: its organisation's data, and what contracts let it read, on every path."""

import time
from collections.abc import Iterable
from typing import Protocol

from cityloop.kernel.areas import AreaCode
from cityloop.sense.stream.sta.errors import TokenMayNotError, TokenMissingError
from cityloop.sense.stream.sta.reading import Reader

AREAS_S_MAX = 30.0
"""How long the area of a stream is remembered, seconds; things seldom move to another district."""

_AREAS = "SELECT id, area FROM sense_datastream WHERE id = ANY(%s)"


class Allowed(Protocol):
    """What a token may do."""

    @property
    def may_read(self) -> bool:
        """Return whether it may read."""
        ...

    @property
    def may_write(self) -> bool:
        """Return whether it may create, change and delete."""
        ...

    @property
    def area(self) -> AreaCode:
        """Return the area it is limited to."""
        ...

    @property
    def may_task(self) -> bool:
        """Return whether it may give devices tasks."""
        ...

    @property
    def organisation(self) -> str:
        """Return whose machine it is, empty for the city's own."""
        ...

    @property
    def thing_id(self) -> int | None:
        """Return the thing of a device's own token, else None."""
        ...

    @property
    def datasets(self) -> frozenset[str]:
        """Return the data sets that contracts in force let it read."""
        ...

    @property
    def reaches_all(self) -> bool:
        """Return whether nothing limits what it sees."""
        ...

    @property
    def actor(self) -> str:
        """Return the actor code of the machine."""
        ...

    def covers(self, area: AreaCode) -> bool:
        """Return whether an area lies in its own."""
        ...


class TokenBook(Protocol):
    """Knows the tokens."""

    def of_token(self, bearer_token: str, /) -> Allowed | None:
        """Return what a token may do, None where it is not valid."""
        ...


class ReadLog(Protocol):
    """Notes who read whose data, for the owner of the data."""

    async def note(self, allowed: Allowed, *, path: str, rows: int) -> None:
        """Note a read before its answer is sent; called for limited tokens only.

        Args:
            allowed: who reads.
            path: what was asked for, below the service root, with its query.
            rows: entities of the answer, those expanded inside not counted.
        """
        ...


class NoLog:
    """Notes nothing."""

    async def note(self, allowed: Allowed, *, path: str, rows: int) -> None:
        """Do nothing."""


class Gate:
    """Lets in who may.

    Args:
        book: knows the tokens.
        reader: gives connections.
        anonymous: whether everybody may do everything.
    """

    def __init__(self, book: TokenBook, reader: Reader, *, anonymous: bool) -> None:
        """Remember no areas yet."""
        self._book, self._reader, self._anonymous = book, reader, anonymous
        self._areas: dict[int, AreaCode] = {}
        self._areas_until = 0.0

    def entered(self, headers: dict[bytes, bytes], *, writes: bool) -> Allowed | None:
        """Return what the sender of a request may do, None for everything.

        Raises:
            TokenMissingError: if no valid token came along.
            TokenMayNotError: if the token may not read, or not write.
        """
        if self._anonymous:
            return None
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        found = self._book.of_token(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise TokenMissingError
        if not (found.may_write if writes else found.may_read):
            raise TokenMayNotError
        return None if found.reaches_all else found

    async def check_streams(self, allowed: Allowed | None, streams: Iterable[int]) -> None:
        """Let a token of a district add observations to streams of its district only.

        Raises:
            TokenMayNotError: if a stream lies elsewhere or is not there.
        """
        if allowed is None:
            return
        wanted = set(streams)
        if time.monotonic() > self._areas_until:
            self._areas, self._areas_until = {}, time.monotonic() + AREAS_S_MAX
        if not wanted <= self._areas.keys():
            async with self._reader.connection() as connection:
                rows = await (await connection.execute(_AREAS, (sorted(wanted),))).fetchall()
            self._areas.update((key, AreaCode(area)) for key, area in rows)
        if not all(key in self._areas and allowed.covers(self._areas[key]) for key in wanted):
            raise TokenMayNotError
