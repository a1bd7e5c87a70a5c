"""What a token may do here: its organisation's data, and what contracts let it read, on every path."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from psycopg.raw_cursor import AsyncRawCursor

from cityloop.kernel.areas import AreaCode
from cityloop.sense.stream.sta.errors import TokenMayNotError, TokenMissingError
from cityloop.sense.stream.sta.names import FEATURE_OF_INTEREST
from cityloop.sense.stream.sta.reading import Reader
from cityloop.sense.stream.sta.sight import Sight
from cityloop.sense.stream.sta.values import Parameters

OWNERS_S_MAX = 30.0
"""How long is remembered whose a stream is, seconds; streams seldom change hands or move to another district."""

READ_METHODS = ("GET", "HEAD", "OPTIONS")
_OWNERS = "SELECT id, area, owner, thing_id FROM sense_datastream WHERE id = ANY(%s)"


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


def sight_of(allowed: Allowed | None) -> Sight | None:
    """Return what a token sees, None for everything."""
    if allowed is None or allowed.reaches_all:
        return None
    datasets = frozenset(code for code in allowed.datasets if code)
    return Sight(allowed.organisation, datasets, allowed.area, allowed.thing_id)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose a datastream is."""

    area: AreaCode
    organisation: str
    thing_id: int

    def is_of(self, allowed: Allowed) -> bool:
        if allowed.thing_id is not None:
            return self.thing_id == allowed.thing_id and allowed.covers(self.area)
        if allowed.organisation and self.organisation != allowed.organisation:
            return False
        return allowed.covers(self.area)


class Gate:
    """Lets in who may.

    Args:
        book: knows the tokens.
        reader: gives connections.
        anonymous: whether everybody may do everything.
    """

    def __init__(self, book: TokenBook, reader: Reader, *, anonymous: bool) -> None:
        """Remember no owners yet."""
        self._book, self._reader, self._anonymous = book, reader, anonymous
        self._owners: dict[int, _Owner] = {}
        self._owners_until = 0.0

    def known(self, headers: Mapping[bytes, bytes]) -> Allowed | None:
        """Return what the sender of a request may do, None for everything.

        Raises:
            TokenMissingError: if no valid token came along.
        """
        if self._anonymous:
            return None
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        found = self._book.of_token(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise TokenMissingError
        return found

    @staticmethod
    def check(allowed: Allowed | None, *, method: str) -> None:
        """Let a token do what its rights allow: devices and machines of nobody only add observations.

        Raises:
            TokenMayNotError: if it may not.
        """
        if allowed is None:
            return
        sight = sight_of(allowed)
        if method in READ_METHODS:
            may = allowed.may_read and (sight is None or sight.may_read)
        else:
            may = allowed.may_write and (sight is None or sight.may_shape or method == "POST")
        if not may:
            raise TokenMayNotError

    async def check_streams(self, allowed: Allowed | None, streams: Iterable[int]) -> None:
        """Let a limited token add observations to its own streams only.

        Raises:
            TokenMayNotError: if a stream is another's or is not there.
        """
        if allowed is None or allowed.reaches_all:
            return
        wanted = set(streams)
        if time.monotonic() > self._owners_until:
            self._owners, self._owners_until = {}, time.monotonic() + OWNERS_S_MAX
        if not wanted <= self._owners.keys():
            async with self._reader.connection() as connection:
                rows = await (await connection.execute(_OWNERS, (sorted(wanted),))).fetchall()
            self._owners.update((key, _Owner(AreaCode(area), owner, thing)) for key, area, owner, thing in rows)
        if not all(key in self._owners and self._owners[key].is_of(allowed) for key in wanted):
            raise TokenMayNotError

    async def check_features(self, allowed: Allowed | None, features: Iterable[int]) -> None:
        """Let a limited token name features of interest that it sees only.

        Raises:
            TokenMayNotError: if a feature is not seen or is not there.
        """
        sight, wanted = sight_of(allowed), sorted({feature for feature in features if feature})
        if sight is None or not wanted:
            return
        parameters = Parameters()
        rows = sight.rows(FEATURE_OF_INTEREST, FEATURE_OF_INTEREST.table, parameters.once)
        statement = f"SELECT count(*) FROM {rows} f WHERE f.id = ANY ({parameters.add(wanted, 'bigint[]')})"
        async with self._reader.connection() as connection:
            cursor = await AsyncRawCursor(connection).execute(statement, parameters.values)
            found = await cursor.fetchone()
        if found is None or found[0] < len(wanted):
            raise TokenMayNotError
