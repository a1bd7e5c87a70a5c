"""The log of reads: who read whose data, by which contract; written before the answer is given.

A row names the data sets the path touched. Where the path does not tell (a query over all shared data) it names all
the reader may see, and says that it is so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from cityloop.convey.stream.sharing.asking import Asker
from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ingested_at_us

NEAR = timedelta(hours=36)
"""How far from its receipt the phenomenon of an observation is looked for; beyond, the read counts as one of all."""

PATH_MAX = 300
"""How much of a path is kept, characters."""

_DATASTREAM = re.compile(r"Datastreams\((\d{1,18})\)", re.ASCII)
_OBSERVATION = re.compile(r"Observations\((\d{1,19})\)", re.ASCII)


class ReadKind(StrEnum):
    """By which path data was read."""

    SENSORTHINGS = "sensorthings"
    FEATURES = "features"
    FEED = "feed"
    EXPORT = "export"
    WEBHOOK = "webhook"
    MQTT = "mqtt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read.

    Attributes:
        kind: by which path.
        path: what was asked for.
        rows: how many readings or features were given.
        datasets: the data sets it touched, None where that is not known: then all that may be seen.
        owners: whose data it touched beyond those of the data sets.
    """

    kind: ReadKind
    path: str
    rows: int
    datasets: tuple[str, ...] | None = None
    owners: tuple[str, ...] = ()


_INSERT = """
    WITH touched AS (SELECT %(datasets)s::varchar[] AS codes)
    INSERT INTO convey_access
      (token_id, token_name, organisation, kind, path, rows, whole, datasets, owners, contracts)
    SELECT %(token)s::bigint,
      coalesce((SELECT name FROM registry_apitoken WHERE id = %(token)s::bigint), %(name)s::text),
      %(organisation)s::text, %(kind)s::text, %(path)s::text, %(rows)s::bigint, %(whole)s::boolean, touched.codes,
      coalesce((SELECT array_agg(DISTINCT owner) FROM (
        SELECT owner FROM convey_dataset WHERE code = ANY(touched.codes)
        UNION SELECT unnest(%(owners)s::varchar[])) AS whose), '{}'),
      coalesce((SELECT array_agg(DISTINCT contract_id) FROM registry_grant
        WHERE organisation = %(organisation)s::text AND organisation <> '' AND dataset = ANY(touched.codes)
          AND ended_at IS NULL AND valid_from <= now() AND valid_until > now()), '{}')
    FROM touched
"""
_OF_OBSERVATION = """
    SELECT d.dataset, d.owner FROM sense_observation AS o JOIN sense_datastream AS d ON d.id = o.datastream_id
    WHERE o.id = %s AND o.phenomenon_time >= %s AND o.phenomenon_time < %s
"""
_OF_PACKED = """
    SELECT d.dataset, d.owner FROM sense_packed_place(%s) AS o JOIN sense_datastream AS d ON d.id = o.datastream_id
"""
_OF_STREAM = "SELECT DISTINCT dataset, owner FROM sense_datastream WHERE id = %s"


async def write_read(connection: AsyncConnection[Any], asker: Asker, read: Read, *, name: str = "") -> None:
    """Write a read, in the caller's transaction.

    Args:
        connection: of the database.
        asker: who reads.
        read: what is read.
        name: what the reader is called where it has no token.
    """
    datasets = read.datasets
    granted = tuple(sorted(asker.rights.datasets)) if asker.rights else ()
    await connection.execute(
        _INSERT,
        {
            "token": asker.rights.token_id if asker.rights else None,
            "name": name,
            "organisation": asker.organisation,
            "kind": read.kind.value,
            "path": read.path[:PATH_MAX],
            "rows": read.rows,
            "whole": datasets is None,
            "datasets": list(granted if datasets is None else datasets),
            "owners": [owner for owner in read.owners if owner],
        },
    )


class LimitedReader(Protocol):
    """Whoever reads over SensorThings, as that API knows it."""

    @property
    def actor(self) -> str:
        """Return the actor code of the machine."""
        ...

    @property
    def organisation(self) -> str:
        """Return whose machine it is."""
        ...

    @property
    def datasets(self) -> frozenset[str]:
        """Return the data sets that contracts in force let it read."""
        ...


class ReadLog:
    """Notes what limited tokens read over SensorThings; `sense.stream.sta.rights.ReadLog` is its port.

    Args:
        pool: connections of its own, autocommitting.
    """

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        """Write to the log through a pool."""
        self._pool = pool

    async def note(self, allowed: LimitedReader, *, path: str, rows: int) -> None:
        """Note a read before its answer is sent."""
        token = int(allowed.actor.partition(":")[2])
        async with self._pool.connection() as connection:
            touched = await _touched(connection, path)
            codes = sorted(allowed.datasets) if touched is None else sorted({code for code, _ in touched if code})
            owners = {allowed.organisation} if touched is None else {owner for _, owner in touched}
            await connection.execute(
                _INSERT,
                {
                    "token": token,
                    "name": "",
                    "organisation": allowed.organisation,
                    "kind": ReadKind.SENSORTHINGS.value,
                    "path": path[:PATH_MAX],
                    "rows": rows,
                    "whole": touched is None,
                    "datasets": codes,
                    "owners": sorted(owner for owner in owners if owner),
                },
            )


async def _touched(connection: AsyncConnection[Any], path: str) -> list[tuple[str, str]] | None:
    """Return data set and owner of the streams a SensorThings path names, None where it names none."""
    resource = path.partition("?")[0]
    if found := _DATASTREAM.search(resource):
        return await _rows(connection, _OF_STREAM, [int(found[1])])
    if found := _OBSERVATION.search(resource):
        return await _of_observation(connection, int(found[1]))
    return None


async def _of_observation(connection: AsyncConnection[Any], number: int) -> list[tuple[str, str]] | None:
    if number >= 2**63:
        return []
    at = from_us(ingested_at_us(number))
    near = await _rows(connection, _OF_OBSERVATION, [number, at - NEAR, at + NEAR])
    return near or await _rows(connection, _OF_PACKED, [number]) or None


async def _rows(connection: AsyncConnection[Any], statement: str, values: Iterable[Any]) -> list[tuple[str, str]]:
    cursor = await connection.execute(statement, list(values))
    return [(row[0], row[1]) for row in await cursor.fetchall()]
