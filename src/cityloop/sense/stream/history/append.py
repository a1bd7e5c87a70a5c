"""Appending: from a batch of readings to rows, ids and answers, in the caller's transaction."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection, AsyncCursor

from cityloop.kernel.observation_ids import ObservationIds
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.features import make_features
from cityloop.sense.stream.history.arrays import float8_array, int8_array, timestamp_array
from cityloop.sense.stream.history.duplicates import Folded, duplicates, folded, known_ids
from cityloop.sense.stream.history.latest import LatestRows, Renewal, renewal
from cityloop.sense.stream.history.packing import COPY_FULL, COPY_PLAIN, packed_full, packed_plain
from cityloop.sense.stream.readings import NO_TIME, Int64s, Kept, Outcome, Readings, UInt8s

CLOCK_SKEW_US = 300_000_000
"""How far a phenomenon may lie ahead of its receipt before its clock counts as wrong, microseconds: five minutes."""

FEW_ROWS_MAX = 100
"""So few rows are inserted with the statements that follow: COPY would cost three more round trips."""

_INSERT_FEW = """
    INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, quality, feature_id, result_time)
    SELECT stream, time, id, result, quality, feature, nullif(result_time, '0001-01-01 00:00+00')
    FROM unnest(%s, %s, %s, %s, %s, %s, %s) AS v (stream, time, id, result, quality, feature, result_time)
"""
_NO_RESULT_TIME_US = -62_135_596_800_000_000

Bools = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Appended:
    """What became of a batch.

    Attributes:
        kept: the answer, in the batch's order.
        rows: kept rows sorted by stream, time and id.
        judged: those of `rows` that carry a number, are not older than their stream's latest value and not of a wrong
            clock.
        change: what the batch changes in the latest rows, None where nothing was kept.
        few: rows that `insert_few` has still to write.
        features: feature of interest of each reading.
    """

    kept: Kept
    rows: Int64s
    judged: Int64s
    change: Renewal | None
    few: Int64s
    features: Int64s


def refuse(outcome: UInt8s, where: Bools, reason: Outcome) -> None:
    """Give a reason to the rows that are still to be kept."""
    outcome[where & (outcome == Outcome.KEPT)] = reason


def flag_wrong_clocks(readings: Readings) -> None:
    """Flag readings whose phenomenon lies beyond the allowed skew as suspect, unless they carry a flag already."""
    ahead = readings.phenomenon_us > readings.received_us + CLOCK_SKEW_US
    readings.quality[ahead & (readings.quality == Quality.GOOD)] = Quality.SUSPECT


async def append(  # noqa: PLR0913  the parts of one step
    connection: AsyncConnection[Any],
    readings: Readings,
    *,
    latest: LatestRows,
    features_known: Int64s,
    idempotent: Bools,
    outcome: UInt8s,
    ids: ObservationIds,
) -> Appended:
    """Write the readings of a batch that can be kept, each once.

    Args:
        connection: within the transaction that locked `latest`.
        readings: the batch.
        latest: the locked rows of its streams.
        features_known: those of the features it names that exist, rising.
        idempotent: which rows are the same reading where stream and phenomenon time are the same, shape (n,).
        outcome: `Outcome.KEPT` where a row is to be kept, else why not; changed in place, shape (n,).
        ids: the writer's source of ids.
    """
    place, exists = latest.places(readings.datastream_id)
    refuse(outcome, ~exists, Outcome.UNKNOWN_DATASTREAM)
    if not exists.any():
        none = np.zeros(0, dtype=np.int64)
        return Appended(Kept(np.zeros(len(readings), dtype=np.int64), outcome), none, none, None, none, none)
    refuse(outcome, (readings.feature_id > 0) & ~np.isin(readings.feature_id, features_known), Outcome.UNKNOWN_FEATURE)
    features = await _features(connection, readings, latest, place, outcome)
    refuse(outcome, features == 0, Outcome.NO_LOCATION)
    flag_wrong_clocks(readings)
    grouping = folded(
        np.flatnonzero(outcome == Outcome.KEPT),
        datastream_id=readings.datastream_id,
        phenomenon_us=readings.phenomenon_us,
    )
    known = await _known(connection, readings, grouping, latest.last_us[place], idempotent)
    again = duplicates(grouping, idempotent=idempotent, known=known != 0)
    outcome[grouping.order[again]] = Outcome.DUPLICATE
    observation_id = _numbered(outcome, ids, now_us=readings.received_us)
    first_id = np.where(known != 0, known, observation_id[grouping.first])
    observation_id[grouping.order[again]] = first_id[grouping.group[again]]
    rows = grouping.order[~again]
    few = rows if _are_few(readings, rows) else rows[:0]
    if len(rows) > len(few):
        await _copy(connection, readings, rows=rows, ids=observation_id, features=features)
    judged, change = _summed(readings, rows, latest.phenomenon_us[place[rows]])
    return Appended(Kept(observation_id, outcome), rows, judged, change, few, features)


async def insert_few(cursor: AsyncCursor[Any], readings: Readings, appended: Appended) -> None:
    """Write the rows that were too few for COPY; part of the same transaction."""
    rows = appended.few
    if not len(rows):
        return
    result_us = readings.result_us[rows]
    await cursor.execute(
        _INSERT_FEW,
        (
            int8_array(readings.datastream_id[rows]),
            timestamp_array(readings.phenomenon_us[rows]),
            int8_array(appended.kept.observation_id[rows]),
            float8_array(readings.result[rows]),
            int8_array(readings.quality[rows]),
            int8_array(appended.features[rows]),
            timestamp_array(np.where(result_us == NO_TIME, _NO_RESULT_TIME_US, result_us)),
        ),
    )


def _are_few(readings: Readings, rows: Int64s) -> bool:
    return len(rows) <= FEW_ROWS_MAX and not readings.others and not np.isnan(readings.result[rows]).any()


async def _features(
    connection: AsyncConnection[Any], readings: Readings, latest: LatestRows, place: Int64s, outcome: UInt8s
) -> Int64s:
    own = latest.feature_id.copy()
    wanted = (readings.feature_id == 0) & (outcome == Outcome.KEPT)
    missing = np.unique(readings.datastream_id[wanted & (own[place] == 0)])
    made = await make_features(connection, missing.tolist()) if len(missing) else {}
    for stream, feature in made.items():
        own[np.searchsorted(latest.datastream_id, stream)] = feature
    return np.where(readings.feature_id > 0, readings.feature_id, own[place])


async def _known(
    connection: AsyncConnection[Any], readings: Readings, grouping: Folded, last_us: Int64s, idempotent: Bools
) -> Int64s:
    first = grouping.first
    asking = np.zeros(len(first), dtype=np.bool_)
    asking[grouping.group[idempotent[grouping.order]]] = True
    asking &= readings.phenomenon_us[first] <= last_us[first]
    known = np.zeros(len(first), dtype=np.int64)
    rows = first[asking]
    known[asking] = await known_ids(
        connection, datastream_id=readings.datastream_id[rows], phenomenon_us=readings.phenomenon_us[rows]
    )
    return known


def _numbered(outcome: UInt8s, ids: ObservationIds, *, now_us: int) -> Int64s:
    numbers = np.zeros(len(outcome), dtype=np.int64)
    kept = np.flatnonzero(outcome == Outcome.KEPT)
    runs = ids.reserve(len(kept), now_us=now_us)
    if runs:
        numbers[kept] = np.concatenate([np.arange(first, first + length, dtype=np.int64) for first, length in runs])
    return numbers


async def _copy(
    connection: AsyncConnection[Any], readings: Readings, *, rows: Int64s, ids: Int64s, features: Int64s
) -> None:
    full = np.isnan(readings.result[rows])
    if readings.others:
        full |= np.isin(rows, np.fromiter(readings.others, dtype=np.int64, count=len(readings.others)))
    for chosen, statement, packed in ((rows[~full], COPY_PLAIN, packed_plain), (rows[full], COPY_FULL, packed_full)):
        if len(chosen):
            async with connection.cursor().copy(statement) as copy:
                await copy.write(packed(readings, rows=chosen, ids=ids, features=features))


def _summed(readings: Readings, rows: Int64s, before_us: Int64s) -> tuple[Int64s, Renewal | None]:
    if not len(rows):
        return rows, None
    until_us = readings.received_us + CLOCK_SKEW_US
    change = renewal(readings, rows=rows, before_us=before_us, until_us=until_us, end_us=_ends(readings, rows))
    numeric = ~np.isnan(readings.result[rows])
    for number, row in enumerate(rows.tolist()) if readings.others else ():
        others = readings.others.get(row)
        numeric[number] &= others is None or others.result_json is None
    time = readings.phenomenon_us[rows]
    return rows[(time >= before_us) & (time <= until_us) & numeric], change


def _ends(readings: Readings, rows: Int64s) -> Int64s:
    ends = readings.phenomenon_us[rows]
    for number, row in enumerate(rows.tolist()) if readings.others else ():
        others = readings.others.get(row)
        if others is not None and others.phenomenon_end_us is not None:
            ends[number] = others.phenomenon_end_us
    return ends
