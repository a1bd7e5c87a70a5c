"""The registry's door for the data plane: districts of points, rights of tokens; no Django."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from psycopg import AsyncConnection
from psycopg import Error as PsycopgError
from shapely.geometry import shape

from cityloop.kernel.areas import CITY, AreaCode, lies_within

RIGHTS_CHANNEL = "cityloop_rights"
"""NOTIFY channel that says the tokens have changed; the payload is empty."""

RELOAD_S = 2.0
"""Longest time a revoked token is still honoured by a process that missed the NOTIFY, seconds."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of an area: its code and its GeoJSON geometry, WGS 84."""

    area: AreaCode
    geometry: dict[str, Any]


class Districts:
    """Finds the district of points, in arrays.

    Args:
        outlines: the districts; later ones lose where two overlap.
    """

    def __init__(self, outlines: Iterable[Outline] = ()) -> None:
        """Build the search tree."""
        self._set(list(outlines))

    def _set(self, outlines: Sequence[Outline]) -> None:
        shapes = [shape(outline.geometry) for outline in outlines]
        shapely.prepare(shapes)
        self._tree = shapely.STRtree(shapes)
        self._codes = np.array([outline.area for outline in outlines] + [CITY], dtype="U15")

    def __len__(self) -> int:
        """Return how many districts are known."""
        return len(self._codes) - 1

    async def load(self, connection: AsyncConnection[Any]) -> "Districts":
        """Read the outlines from the database and return this object."""
        cursor = await connection.execute("SELECT area_id, geometry FROM registry_areashape ORDER BY area_id")
        self._set([Outline(AreaCode(code), geometry) for code, geometry in await cursor.fetchall()])
        return self

    def locate(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.str_]:
        """Return the code of the district each point lies in, the city's for a point in none.

        Args:
            longitude: WGS 84 degrees, shape (n,); NaN lies in no district.
            latitude: WGS 84 degrees, shape (n,).

        Returns:
            Place codes, shape (n,).
        """
        place = np.column_stack([np.atleast_1d(longitude), np.atleast_1d(latitude)]).astype(float)
        points: Any = shapely.points(place)
        number = np.full(len(points), len(self))
        found = self._tree.query(points, predicate="intersects")
        np.minimum.at(number, found[0], found[1])
        codes: NDArray[np.str_] = self._codes[number]
        return codes


@dataclass(frozen=True, slots=True)
class TokenRights:
    """What a machine may do.

    Attributes:
        token_id: its row.
        name: what the machine is called.
        may_read: whether it may read.
        may_write: whether it may create, update and delete.
        area: the area it is limited to, with everything below.
        may_task: whether it may give devices tasks.
        organisation: whose machine it is, empty for the city's own.
        thing_id: of a device's own key: the thing whose datastreams it may add observations to, else None.
        datasets: data sets that contracts in force let its organisation read.
    """

    token_id: int
    name: str
    may_read: bool
    may_write: bool
    area: AreaCode
    may_task: bool = False
    organisation: str = ""
    thing_id: int | None = None
    datasets: frozenset[str] = frozenset()

    @property
    def reaches_all(self) -> bool:
        """Return whether nothing limits what it sees: the city's own machine, in no district, no device."""
        return self.area == CITY and not self.organisation and self.thing_id is None

    @property
    def actor(self) -> str:
        """Return the actor code of the machine."""
        return f"token:{self.token_id}"

    def covers(self, area: AreaCode) -> bool:
        """Return whether an area lies in the token's own."""
        return lies_within(area, self.area)


def digest_of(bearer_token: str) -> str:
    """Return what is kept of a token: its SHA-256 in hexadecimal.

    A fast hash will do, for a token is 256 random bits and cannot be guessed as a password can.
    """
    return hashlib.sha256(bearer_token.encode()).hexdigest()


_TOKENS = """
    SELECT digest, id, name, may_read, may_write, area_id, may_task, organisation, thing_id FROM registry_apitoken
    WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
_GRANTS = """
    SELECT organisation, array_agg(DISTINCT dataset) FROM registry_grant
    WHERE ended_at IS NULL AND valid_from <= now() AND valid_until > now() GROUP BY organisation
"""
_MOVED = """
    SELECT count(*), sum(t.xmin::text::bigint), (
      SELECT row(count(*), sum(g.xmin::text::bigint))::text FROM registry_grant g
      WHERE ended_at IS NULL AND valid_from <= now() AND valid_until > now())
    FROM registry_apitoken t WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""


def _rights(row: Sequence[Any], datasets: Mapping[str, frozenset[str]]) -> TokenRights:
    token_id, name, may_read, may_write, area, may_task, organisation, thing_id = row
    return TokenRights(
        token_id=token_id,
        name=name,
        may_read=may_read,
        may_write=may_write,
        area=AreaCode(area),
        may_task=may_task,
        organisation=organisation,
        thing_id=thing_id,
        datasets=datasets.get(organisation, frozenset()) if organisation else frozenset(),
    )


class Rights:
    """The rights of all valid tokens, contracts included, held in memory: a request costs one hash and one look-up."""

    def __init__(self) -> None:
        """Know nobody until loaded."""
        self._of_digest: dict[str, TokenRights] = {}
        self._marks: object = None

    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Read all valid tokens from the database."""
        self._marks = await (await connection.execute(_MOVED)).fetchone()
        granted = await (await connection.execute(_GRANTS)).fetchall()
        datasets = {organisation: frozenset(codes) for organisation, codes in granted}
        rows = await (await connection.execute(_TOKENS)).fetchall()
        self._of_digest = {digest: _rights(row, datasets) for digest, *row in rows}

    async def load_if_changed(self, connection: AsyncConnection[Any]) -> None:
        """Read all valid tokens if there are others than before: looking costs a tenth of reading."""
        if await (await connection.execute(_MOVED)).fetchone() != self._marks:
            await self.load(connection)

    def of_token(self, bearer_token: str) -> TokenRights | None:
        """Return the rights of a token as presented, None where it is not valid."""
        return self._of_digest.get(digest_of(bearer_token))

    def in_force(self) -> Iterable[TokenRights]:
        """Return the rights of all valid tokens, in no order."""
        return self._of_digest.values()

    async def follow(self, connect: Callable[[], Awaitable[AsyncConnection[Any]]]) -> None:
        """Keep the rights fresh until cancelled: at every NOTIFY, and every `RELOAD_S` in any case.

        A lost connection is made again; until then the rights last read stand.

        Args:
            connect: opens a connection of its own, directly to the server (LISTEN does not pass a transaction pooler).
        """
        while True:
            try:
                await self._follow_once(connect)
            except (OSError, PsycopgError):
                await asyncio.sleep(RELOAD_S)

    async def _follow_once(self, connect: Callable[[], Awaitable[AsyncConnection[Any]]]) -> None:
        connection = await connect()
        async with connection:
            await connection.set_autocommit(True)
            await connection.execute(f"LISTEN {RIGHTS_CHANNEL}")
            while True:
                await self.load_if_changed(connection)
                async for _ in connection.notifies(timeout=RELOAD_S, stop_after=1):
                    pass


@dataclass(frozen=True, slots=True)
class Denial:
    """That a machine reached for something it may not have.

    Attributes:
        actor: who, an actor code.
        right: the right that was missing.
        what: what was reached for.
    """

    actor: str
    right: str
    what: str


_AUDIT = """
    INSERT INTO registry_audit (at, actor, "right", what, area, outcome, address)
    VALUES (now(), %s, %s, %s, '', 'denied', '')
"""


async def write_denials(connection: AsyncConnection[Any], denials: Sequence[Denial]) -> None:
    """Write into the audit what machines may not do; what is too long for its column is cut."""
    async with connection.cursor() as cursor:
        await cursor.executemany(_AUDIT, [(d.actor[:120], d.right[:40], d.what[:200]) for d in denials])
