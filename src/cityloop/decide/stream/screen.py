"""The screen: compares every fresh reading's band with the one before, wherever readings arrive."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from psycopg import AsyncConnection

from cityloop.decide.rules import HOURS_OF_WEEK, Ladder, Moments
from cityloop.decide.stream.compiled import Bindings, Compiled, Float64s, Int64s, Judged
from cityloop.decide.stream.outlook import Issued, Outlook, column_of, outlook_of
from cityloop.decide.stream.spread import centre_and_spread
from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.instants import from_us, to_us

CANDIDATES_CHANNEL = "cityloop_candidates"
"""NOTIFY channel: there is work for the alarm machine; the payload is empty."""

_WATCHES = """
    SELECT w.id, w.kind, w.limits, w.hysteresis, w.hold_s, w.off_delay_s, w.steps,
      ARRAY(SELECT s.datastream_id FROM decide_watchstream s WHERE s.watch_id = w.id)
    FROM decide_watch w
    WHERE w.valid_until IS NULL AND w.enabled AND NOT w.asleep AND w.kind IN ('high', 'low', 'rate', 'baseline',
      'forecast')
"""
_BASELINES = """
    SELECT datastream_id, hour_of_week, n, mean, m2 FROM decide_baseline WHERE datastream_id IN (
        SELECT s.datastream_id FROM decide_watch w JOIN decide_watchstream s ON s.watch_id = w.id
        WHERE w.valid_until IS NULL AND w.enabled AND NOT w.asleep AND w.kind = 'baseline')
"""
_FORECASTS = """
    SELECT f.* FROM (
        SELECT DISTINCT s.datastream_id FROM decide_watch w JOIN decide_watchstream s ON s.watch_id = w.id
        WHERE w.valid_until IS NULL AND w.enabled AND NOT w.asleep AND w.kind = 'forecast') w,
      LATERAL (SELECT f.datastream_id, f.starts_at, f.issued_at, f.curve, f.low, f.high FROM decide_forecast f
        WHERE f.datastream_id = w.datastream_id AND f.curve IS NOT NULL ORDER BY f.starts_on DESC LIMIT 2) f
    ORDER BY f.datastream_id, f.starts_at
"""
_VERSION = "SELECT version FROM decide_compilation WHERE id = 1"
_BANDS = "SELECT datastream_id, watch_id, band FROM decide_screen WHERE datastream_id = ANY(%s)"
_KEEP_BANDS = """
    INSERT INTO decide_screen (datastream_id, watch_id, band, since)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::timestamptz[])
    ON CONFLICT (datastream_id, watch_id) DO UPDATE SET band = excluded.band, since = excluded.since
"""
_ADD_CANDIDATES = """
    INSERT INTO decide_candidate
        (watch_id, datastream_id, observation_id, phenomenon_time, received_at, value, band_before, band)
    SELECT watch_id, datastream_id, observation_id, at, %s, value, before, band
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::float8[], %s::smallint[],
                %s::smallint[])
        WITH ORDINALITY AS c (watch_id, datastream_id, observation_id, at, value, before, band, place)
    ORDER BY place
"""


class Screen:
    """The watches of the city as arrays, and the bands their streams are in, kept in the database.

    Attributes:
        version: version of the watches that are loaded, -1 before the first load.
    """

    def __init__(self) -> None:
        """Begin without watches."""
        self.version = -1
        self._compiled = Compiled([])

    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Load the watches in force.

        The version is read first: what changes while we read makes us read again.
        """
        version = await _version(connection)
        learnt = await _baselines(connection)
        ahead = await _outlooks(connection)
        self._compiled = Compiled(_bindings(await _rows(connection, _WATCHES), learnt, ahead))
        self.version = version

    async def reload_if_changed(self, connection: AsyncConnection[Any]) -> bool:
        """Load again if the watches have changed: one read of one row; call it at most once a second.

        Returns:
            Whether they had changed.
        """
        if await _version(connection) == self.version:
            return False
        await self.load(connection)
        return True

    def watches(self, datastream_id: Int64s) -> bool:
        """Return whether any of these streams is watched; then readings of them must be shown to `judge`."""
        return bool(self._compiled.watched(datastream_id).any())

    async def judge(  # noqa: PLR0913  each says one thing
        self,
        connection: AsyncConnection[Any],
        *,
        datastream_id: Int64s,
        phenomenon_us: Int64s,
        value: Float64s,
        observation_id: Int64s,
        received_us: int,
        previous_us: Int64s | None = None,
        previous_value: Float64s | None = None,
    ) -> int:
        """Judge fresh readings, in the transaction that keeps them.

        The caller holds the locks of the streams' `latest` rows, so that what is written here stands in the order of
        commits. Readings of streams that nobody watches cost one binary search and no round trip.

        Args:
            connection: within the transaction.
            datastream_id: shape (n,), sorted.
            phenomenon_us: shape (n,), rising within a stream, newer than the stream's latest reading before.
            value: shape (n,).
            observation_id: shape (n,).
            received_us: when the batch reached us.
            previous_us: shape (n,), phenomenon time of the stream's latest reading before this batch, `NO_TIME`
                (int64 minimum) where there is none; only the value at a stream's first row is read. Without it a
                watch of the rate of change judges from the batch's second reading on.
            previous_value: shape (n,), that reading; NaN where there is none or it is no number.

        Returns:
            How many changes of band were handed to the alarm machine.
        """
        compiled = self._compiled
        watched = np.flatnonzero(compiled.watched(datastream_id))
        if not len(watched):
            return 0
        judged = compiled.judge(
            datastream_id[watched],
            phenomenon_us[watched],
            value[watched],
            previous_us=None if previous_us is None else previous_us[watched],
            previous_value=None if previous_value is None else previous_value[watched],
        )
        if not len(judged):
            return 0
        known = await _known_bands(connection, compiled, np.unique(compiled.datastream_id[judged.entry]))
        changed, before = judged.changes(known)
        if not changed.any():
            return 0
        return await _hand_over(
            connection, compiled, judged, np.flatnonzero(changed), before,
            at_us=phenomenon_us[watched], observation_id=observation_id[watched], received_us=received_us,
        )  # fmt: skip


async def _rows(connection: AsyncConnection[Any], sql: str, parameters: list[Any] | None = None) -> list[Any]:
    cursor = await connection.execute(sql, parameters)
    return await cursor.fetchall()


async def _version(connection: AsyncConnection[Any]) -> int:
    rows = await _rows(connection, _VERSION)
    return int(rows[0][0]) if rows else 0


async def _baselines(connection: AsyncConnection[Any]) -> dict[int, dict[int, Moments]]:
    found: dict[int, dict[int, Moments]] = {}
    for datastream_id, hour, n, mean, m2 in await _rows(connection, _BASELINES):
        found.setdefault(datastream_id, {})[hour] = Moments(n, mean, m2)
    return found


async def _outlooks(connection: AsyncConnection[Any]) -> dict[int, Outlook]:
    found: dict[int, list[Issued]] = {}
    for datastream_id, starts_at, issued_at, *curves in await _rows(connection, _FORECASTS):
        value, low, high = (column_of(curve) for curve in curves)
        found.setdefault(datastream_id, []).append(Issued(to_us(starts_at), to_us(issued_at), value, low, high))
    return {datastream_id: outlook_of(issued) for datastream_id, issued in found.items()}


def _bindings(
    watches: Iterable[tuple[Any, ...]], learnt: dict[int, dict[int, Moments]], ahead: dict[int, Outlook]
) -> Bindings:
    ids, streams, ladders, first = [], [], [], 0
    baselines: dict[int, tuple[Float64s, Float64s]] = {}
    outlooks: dict[int, Outlook] = {}
    for watch_id, kind, limits, hysteresis, hold_s, off_delay_s, steps, bound in watches:
        ladder = Ladder.stored(
            kind, limits=limits, hysteresis=hysteresis, hold_s=hold_s, off_delay_s=off_delay_s, steps=steps
        )
        if ladder is None:
            continue
        if kind == WatchKind.BASELINE:
            baselines |= {first + row: _hours(learnt.get(stream, {})) for row, stream in enumerate(bound)}
        if kind == WatchKind.FORECAST:
            outlooks |= {first + row: ahead[stream] for row, stream in enumerate(bound) if stream in ahead}
        ids.append(watch_id)
        streams.append(np.array(bound, dtype=np.int64))
        ladders.append(ladder)
        first += len(bound)
    lengths = [len(bound) for bound in streams]
    return Bindings(
        np.repeat(np.array(ids, dtype=np.int64), lengths),
        np.concatenate([*streams, np.zeros(0, dtype=np.int64)]),
        np.repeat(np.arange(len(ladders)), lengths),
        ladders,
        baselines,
        outlooks,
    )


def _hours(known: dict[int, Moments]) -> tuple[Float64s, Float64s]:
    mean, deviation = np.full(HOURS_OF_WEEK, np.nan), np.full(HOURS_OF_WEEK, np.nan)
    for hour, moments in known.items():
        mean[hour], deviation[hour] = centre_and_spread(moments)
    return mean, deviation


async def _known_bands(connection: AsyncConnection[Any], compiled: Compiled, streams: Int64s) -> Int64s:
    known = np.zeros(len(compiled), dtype=np.int64)
    rows = await _rows(connection, _BANDS, [streams.tolist()])
    if rows:
        datastream_id, watch_id, band = np.array(rows, dtype=np.int64).T
        entry = compiled.entries_of(datastream_id, watch_id)
        known[entry[entry >= 0]] = band[entry >= 0]
    return known


async def _hand_over(  # noqa: PLR0913  each says one thing
    connection: AsyncConnection[Any],
    compiled: Compiled,
    judged: Judged,
    changed: Int64s,
    before: Int64s,
    *,
    at_us: Int64s,
    observation_id: Int64s,
    received_us: int,
) -> int:
    entry, row, band = judged.entry[changed], judged.row[changed], judged.band[changed]
    last = np.flatnonzero(np.append(entry[1:] != entry[:-1], True))
    instants = {int(us): from_us(int(us)) for us in at_us[row]}
    await connection.execute(
        _KEEP_BANDS,
        [
            compiled.datastream_id[entry[last]].tolist(),
            compiled.watch_id[entry[last]].tolist(),
            band[last].tolist(),
            [instants[int(us)] for us in at_us[row[last]]],
        ],
    )
    order = np.lexsort((entry, at_us[row]))
    await connection.execute(
        _ADD_CANDIDATES,
        [
            from_us(received_us),
            compiled.watch_id[entry[order]].tolist(),
            compiled.datastream_id[entry[order]].tolist(),
            observation_id[row[order]].tolist(),
            [instants[int(us)] for us in at_us[row[order]]],
            judged.value[changed][order].tolist(),
            before[changed][order].tolist(),
            band[order].tolist(),
        ],
    )
    await connection.execute(f"NOTIFY {CANDIDATES_CHANNEL}")
    return len(changed)
