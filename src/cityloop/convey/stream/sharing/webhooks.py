"""Webhooks: what comes into shared data sets is posted to the receiver, in order, until the receiver says it has it.

The history is the queue: a subscription keeps a position and nothing else. A batch is posted, and when the receiver has
answered 2xx the position moves; else the same batch is posted again, later each time, and after the last attempt it
becomes a dead letter and the position moves on. The contract is asked before every post: when it has ended, the
subscription stops.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg import AsyncConnection

from cityloop.convey.rules.feed_position import FeedPosition, PositionUnreadableError
from cityloop.convey.rules.signatures import HEADER, signature, subscription_key
from cityloop.convey.stream.sharing.asking import Asker, Condition
from cityloop.convey.stream.sharing.changes import Reading, changes_after, position_now, readings_with_ids
from cityloop.convey.stream.sharing.post import AddressRefusedError, PostFailedError, post, target_of
from cityloop.convey.stream.sharing.readlog import Read, ReadKind, write_read
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.kernel.observation_ids import ingested_at_us
from cityloop.registry.stream import TokenRights

BATCH_ROWS_MAX = 200
"""Most readings of one delivery."""

LOOK_S = 1.0
"""Between two looks for what is to be delivered, seconds."""

SWEEP_S = 60.0
"""Between two looks as far back as anything can still come in, seconds."""

ATTEMPTS_MAX = 10
"""After so many failures a batch becomes a dead letter."""

PAUSE_S_MIN, PAUSE_S_MAX = 2.0, 600.0
"""Between two attempts, seconds, doubled from the least to the most; ten attempts take about half an hour."""

BEHIND = timedelta(days=1)
"""A receiver may lie this far behind; what is older is passed over, and a dead letter says so."""

DEAD_LETTERS_MAX = 200
"""Most dead letters kept of a subscription; the oldest go."""

AT_ONCE = 8
"""Subscriptions delivered to at the same time."""

ERROR_TEXT_MAX = 300
ONE_DELIVERER = 7_431_902
"""Advisory lock of the one process that delivers."""

_OK = range(200, 300)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that runs.

    Attributes:
        subscription_id: its row.
        contract_id: the contract it stands under.
        organisation: who reads.
        owner: whose data it is.
        datasets: the data sets the contract grants in this moment; none where it has ended.
        url: where to.
        key_version: of the key that signs.
        position: how far the receiver has acknowledged.
        failures: attempts of the present batch.
    """

    subscription_id: int
    contract_id: int
    organisation: str
    owner: str
    datasets: tuple[str, ...]
    url: str
    key_version: int
    position: str
    failures: int

    @property
    def streams(self) -> Condition:
        """Return which datastreams are delivered: those of the granted data sets that are the owner's still."""
        return Condition(
            "d.dataset = ANY(%(granted)s) AND d.owner = %(owner)s",
            {"granted": list(self.datasets), "owner": self.owner},
        )

    @property
    def asker(self) -> Asker:
        """Return who reads, as the log of reads knows it."""
        rights = TokenRights(
            0, "", may_read=True, may_write=False, area=CITY, organisation=self.organisation,
            datasets=frozenset(self.datasets),
        )  # fmt: skip
        return Asker(rights)


_RUNNING = """
    SELECT u.id, u.contract_id, c.asker, c.owner,
      coalesce((SELECT array_agg(DISTINCT g.dataset ORDER BY g.dataset) FROM registry_grant AS g
        WHERE g.contract_id = c.id AND g.ended_at IS NULL AND g.valid_from <= now() AND g.valid_until > now()), '{}'),
      u.url, u.key_version, u.position, u.failures, u.next_try_at <= now()
    FROM convey_subscription AS u JOIN convey_contract AS c ON c.id = u.contract_id
    WHERE u.state = 'running' ORDER BY u.id
"""
_STOP = """
    UPDATE convey_subscription SET state = 'ended', stopped_at = now()
    WHERE id = %s AND state = 'running' AND NOT EXISTS (
      SELECT 1 FROM registry_grant AS g JOIN convey_contract AS c ON c.id = g.contract_id
      WHERE c.id = contract_id AND g.ended_at IS NULL AND g.valid_until > now())
"""
_DELIVERED = """
    UPDATE convey_subscription
    SET position = %s, failures = 0, last_error = '', next_try_at = now(), delivered = delivered + %s,
      delivered_at = now()
    WHERE id = %s
"""
_MOVED = "UPDATE convey_subscription SET position = %s WHERE id = %s"
_FAILED = """
    UPDATE convey_subscription
    SET failures = failures + 1, last_error = %s, next_try_at = now() + make_interval(secs => %s) WHERE id = %s
"""
_GIVEN_UP = """
    UPDATE convey_subscription SET position = %s, failures = 0, last_error = %s, next_try_at = now() WHERE id = %s
"""
_DEAD = """
    INSERT INTO convey_deadletter (subscription_id, at, kind, observation_ids, error) VALUES (%s, now(), %s, %s, %s)
"""
_TRIM_DEAD = """
    DELETE FROM convey_deadletter WHERE subscription_id = %s AND id <= (
      SELECT id FROM convey_deadletter WHERE subscription_id = %s ORDER BY id DESC OFFSET %s LIMIT 1)
"""
_AGAIN = """
    SELECT id, observation_ids FROM convey_deadletter
    WHERE subscription_id = %s AND again_at IS NOT NULL AND (redelivered_at IS NULL OR redelivered_at < again_at)
    ORDER BY id LIMIT 1
"""
_REDELIVERED = "UPDATE convey_deadletter SET redelivered_at = now(), error = '' WHERE id = %s"
_NOT_REDELIVERED = "UPDATE convey_deadletter SET again_at = NULL, error = %s WHERE id = %s"

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]


def _why(error: CityloopError) -> str:
    """Return why a delivery failed as a phrase that is translated where it is shown."""
    return str(error.parameters.get("reason") or error.key)[:ERROR_TEXT_MAX]


async def _is_alone(connection: AsyncConnection[Any]) -> bool:
    row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [ONE_DELIVERER])).fetchone()
    return bool(row and row[0])


def _subscription(row: Sequence[Any]) -> Subscription:
    number, contract, organisation, owner, datasets, url, key_version, position, failures, _ = row
    return Subscription(number, contract, organisation, owner, tuple(datasets), url, key_version, position, failures)


def pause_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row, seconds."""
    return float(min(PAUSE_S_MIN * 2 ** min(failures, 30), PAUSE_S_MAX))


class Webhooks:
    """Delivers to all subscriptions.

    Args:
        connect: opens an autocommitting connection.
        city_secret: of which the keys of subscriptions are derived.
        private: whether receivers may stand on this machine and its network: for tests.
        context: of TLS, in place of one that trusts what this machine trusts.
    """

    def __init__(
        self, connect: Connect, *, city_secret: str, private: bool = False, context: ssl.SSLContext | None = None
    ) -> None:
        """Have delivered nothing yet."""
        self._connect, self._secret, self._private, self._context = connect, city_secret, private, context
        self._swept: dict[int, float] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Deliver until cancelled; come back when the database does."""
        while True:
            try:
                async with await self._connect() as connection:
                    is_alone = False
                    while True:
                        is_alone = is_alone or await _is_alone(connection)
                        has_more = is_alone and await self.turn(connection)
                        await asyncio.sleep(0 if has_more else LOOK_S)
            except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
                log.warning("the database is away: %s", str(error).partition("\n")[0])
                await asyncio.sleep(LOOK_S)

    async def turn(self, connection: AsyncConnection[Any]) -> bool:
        """Deliver one batch to every subscription that is due, stop those whose contract has ended.

        Returns:
            Whether some have more waiting.
        """
        rows = await (await connection.execute(_RUNNING)).fetchall()
        running = [(_subscription(row), bool(row[9])) for row in rows]
        for one, _ in running:
            if not one.datasets and (await connection.execute(_STOP, [one.subscription_id])).rowcount:
                await self._say_ended(one)
        due = [one for one, is_due in running if is_due and one.datasets]
        self._swept = {one.subscription_id: self._swept.get(one.subscription_id, float("-inf")) for one, _ in running}
        return any(await asyncio.gather(*(self._serve(one) for one in due)))

    async def _say_ended(self, one: Subscription) -> None:
        told = {"subscription": one.subscription_id, "contract": one.contract_id, "ended": True}
        try:
            await self._send(one, told, f"{one.subscription_id}-ended")
        except CityloopError as error:
            log.info("the end of subscription %s was not heard: %s", one.subscription_id, error)

    async def _serve(self, one: Subscription) -> bool:
        async with self._places:
            try:
                async with await self._connect() as connection:
                    await self._send_again(connection, one)
                    return await self._deliver(connection, one)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                raise
            except Exception:  # one subscription holds up no other
                log.exception("subscription %s failed", one.subscription_id)
                return False

    async def _deliver(self, connection: AsyncConnection[Any], one: Subscription) -> bool:
        now, moment = datetime.now(UTC), time.monotonic()
        position = await self._bounded(connection, one, now)
        sweeps = one.failures > 0 or moment - self._swept[one.subscription_id] >= SWEEP_S
        found = await changes_after(
            connection, position, where=one.streams, now_us=to_us(now), limit=BATCH_ROWS_MAX, sweeps=sweeps
        )
        if sweeps and not found.is_cut:
            self._swept[one.subscription_id] = moment
        if not found.readings:
            if found.position != position:
                await connection.execute(_MOVED, [found.position.written(), one.subscription_id])
            return False
        try:
            await self._post(connection, one, found.readings)
        except CityloopError as error:
            await self._fail(connection, one, found.readings, found.position, error)
            return False
        after = [found.position.written(), len(found.readings), one.subscription_id]
        await connection.execute(_DELIVERED, after)
        return found.is_cut

    async def _bounded(self, connection: AsyncConnection[Any], one: Subscription, now: datetime) -> FeedPosition:
        """Return the position, moved forward if the receiver lies too far behind; a dead letter tells of the gap."""
        try:
            position = FeedPosition.read(one.position)
        except PositionUnreadableError:
            return position_now(to_us(now))
        told_us = max((ingested_at_us(last) for last in position.lanes.values()), default=0)
        furthest_us = to_us(now - BEHIND)
        if max(told_us, ingested_at_us(position.base)) >= furthest_us or one.failures == 0:
            return position
        await self._bury(connection, one, "gap", [], "")
        return position_now(furthest_us)

    async def _post(self, connection: AsyncConnection[Any], one: Subscription, readings: list[Reading]) -> None:
        """Post readings once, after the log of reads says so.

        Raises:
            PostFailedError: if the receiver did not answer 2xx.
            AddressRefusedError: if the address may not be posted to.
        """
        first, last = readings[0].observation_id, readings[-1].observation_id
        delivery = f"{one.subscription_id}-{first}-{last}"
        codes = tuple(sorted({reading.dataset for reading in readings}))
        path = f"webhook {one.subscription_id}: {target_of(one.url, private=self._private).authority}"
        read = Read(kind=ReadKind.WEBHOOK, path=path, rows=len(readings), datasets=codes, owners=(one.owner,))
        await write_read(connection, one.asker, read, name=f"webhook {one.subscription_id}")
        told = {"subscription": one.subscription_id, "contract": one.contract_id, "delivery": delivery}
        await self._send(one, {**told, "readings": [reading.told() for reading in readings]}, delivery)

    async def _send(self, one: Subscription, told: dict[str, Any], delivery: str) -> None:
        target = target_of(one.url, private=self._private)
        body, at_s = msgspec.json.encode(told), int(time.time())
        key = subscription_key(self._secret, subscription_id=one.subscription_id, version=one.key_version)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Cityloop",
            "Cityloop-Delivery": delivery,
            HEADER: signature(key, body, at_s=at_s),
        }
        status = await post(target, body, headers, private=self._private, context=self._context)
        if status not in _OK:
            raise PostFailedError(reason=f"HTTP {status}")

    async def _fail(
        self,
        connection: AsyncConnection[Any],
        one: Subscription,
        readings: list[Reading],
        behind: FeedPosition,
        error: CityloopError,
    ) -> None:
        words = _why(error)
        if one.failures + 1 < ATTEMPTS_MAX and not isinstance(error, AddressRefusedError):
            await connection.execute(_FAILED, [words, pause_s(one.failures), one.subscription_id])
            return
        await self._bury(connection, one, "refused", [reading.observation_id for reading in readings], words)
        await connection.execute(_GIVEN_UP, [behind.written(), words, one.subscription_id])

    async def _bury(
        self, connection: AsyncConnection[Any], one: Subscription, kind: str, ids: list[int], words: str
    ) -> None:
        await connection.execute(_DEAD, [one.subscription_id, kind, ids, words])
        await connection.execute(_TRIM_DEAD, [one.subscription_id, one.subscription_id, DEAD_LETTERS_MAX])

    async def _send_again(self, connection: AsyncConnection[Any], one: Subscription) -> None:
        row = await (await connection.execute(_AGAIN, [one.subscription_id])).fetchone()
        if row is None:
            return
        number, ids = row
        readings = await readings_with_ids(connection, list(ids), where=one.streams)
        try:
            if readings:
                await self._post(connection, one, readings)
        except CityloopError as error:
            await connection.execute(_NOT_REDELIVERED, [_why(error), number])
            return
        await connection.execute(_REDELIVERED, [number])
