"""From the readings of a stream and day to its packed row, without loss.

Every column is written as what is regular in it and the rest: times as steps and remainders, numbers as whole numbers
of their last decimal where that gives back the very same float64, ids as the moment of ingest and the lane.
"""

import numpy as np

from cityloop.kernel.observation_ids import NODE_BITS, SEQUENCE_BITS, WRITER_BITS
from cityloop.sense.stream.archive import fields
from cityloop.sense.stream.archive.columns import DayColumns, Jsons
from cityloop.sense.stream.archive.planes import Series, series_of
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.stream.readings import NO_TIME, Float64s, Int64s

DECIMALS_MAX = 6
"""Most digits after the point that are tried for whole numbers of the last decimal."""

WHOLE_MAX = 1 << 31
"""Greatest whole number of the last decimal; two planes hold it."""

LAG_US_MAX = 1 << 50
"""Greatest lag kept as one number, microseconds: PostgreSQL multiplies intervals by float64."""

_DAYS_TO_2000 = 10_957
_LOW_BITS = NODE_BITS + WRITER_BITS + SEQUENCE_BITS
_LOW_MASK = (1 << _LOW_BITS) - 1

COPY_PACKED = """
    COPY sense_packedday (
        datastream_id, day, n, first_time, last_time, end_time, first_result_time, last_result_time, first_id, last_id,
        is_run, numbers, least, greatest, total,
        time_base_us, time_step_us, time_unit_us, time_0, time_1, time_2, tick_base, tick_follows, tick_0, tick_1,
        tick_2, lane_base, lane_step, lane_0, lane_1, value_base, value_scale, value_0, value_1, result,
        quality_all, quality, feature_all, feature_id, result_lag_us, result_time, end_lag_us, phenomenon_end,
        valid_from, valid_until, result_json, result_quality, parameters
    ) FROM STDIN (FORMAT binary)
"""


class NotPackableError(ValueError):
    """A day holds what the packed row cannot give back; it stays as it is."""


def packed_row(day: DayColumns, *, is_run: bool = False) -> bytes:
    """Return the readings of one stream and day as a row of `COPY_PACKED`.

    Args:
        day: in the order of time and id, at least one, all of one stream and UTC day.
        is_run: whether its ids are one run of a lane in which no other reading has an id between them.

    Raises:
        NotPackableError: if a column does not fit.
    """
    return fields.row([
        *_about(day, is_run=is_run), *_times(day.time_us), *_ids(day), *_values(day.result),
        *_alike_smallint(day), *_alike_bigint(day.feature_id),
        *_following(day.result_us, day.time_us), *_following(day.end_us, day.time_us),
        _present(day.valid_from_us), _present(day.valid_until_us),
        _texts(day.result_json), _texts(day.result_quality), _texts(day.parameters),
    ])  # fmt: skip


def _about(day: DayColumns, *, is_run: bool) -> list[bytes]:
    number = int(day.time_us[0] // DAY_US)
    known = day.result_us[day.result_us != NO_TIME]
    values = day.result[~np.isnan(day.result)]
    some = len(values) > 0
    with np.errstate(over="ignore"):
        total = float(values.sum())
    return [
        fields.bigint(int(day.datastream_id[0])),
        fields.integer(number - _DAYS_TO_2000),
        fields.integer(len(day)),
        fields.instant(int(day.time_us[0])),
        fields.instant(int(day.time_us[-1])),
        fields.instant(int(np.maximum(day.time_us, day.end_us).max())),
        fields.instant(int(known.min()) if len(known) else None),
        fields.instant(int(known.max()) if len(known) else None),
        fields.bigint(int(day.id.min())),
        fields.bigint(int(day.id.max())),
        fields.boolean(is_run),
        fields.integer(len(values)),
        fields.double(float(values.min()) if some else None),
        fields.double(float(values.max()) if some else None),
        fields.double(total if some else None),
    ]


def _fitting(series: Series | None) -> Series:
    if series is None:
        raise NotPackableError
    return series


def _times(time_us: Int64s) -> list[bytes]:
    series = _fitting(series_of(time_us - time_us[0], planes=3))
    return [
        fields.bigint(series.base),
        fields.bigint(series.step),
        fields.bigint(series.unit),
        *map(fields.smallints, series.planes),
    ]


def _ids(day: DayColumns) -> list[bytes]:
    tick, low = day.id >> _LOW_BITS, day.id & _LOW_MASK
    offset_ms = (day.time_us - day.time_us[0]) // 1000
    follows = int(np.ptp(tick - offset_ms) < np.ptp(tick))
    ticks = _fitting(series_of(tick - follows * offset_ms, planes=3, with_step=False, with_unit=False))
    stepped = series_of(low, planes=2, with_unit=False)
    flat = _fitting(series_of(low, planes=2, with_step=False, with_unit=False))
    lane = stepped if stepped is not None and _cost(stepped) <= _cost(flat) else flat
    return [
        fields.bigint(ticks.base),
        fields.bigint(follows),
        *map(fields.smallints, ticks.planes),
        fields.bigint(lane.base),
        fields.bigint(lane.step),
        *map(fields.smallints, lane.planes),
    ]


def _cost(series: Series) -> int:
    return sum(plane is not None for plane in series.planes)


def _values(result: Float64s) -> list[bytes]:
    found = _whole(result)
    if found is None:
        return [fields.bigint(0), fields.NULL, fields.NULL, fields.NULL, fields.doubles(result)]
    whole, scale = found
    series = _fitting(series_of(whole, planes=2, with_step=False, with_unit=False))
    return [fields.bigint(series.base), fields.double(scale), *map(fields.smallints, series.planes), fields.NULL]


def _whole(result: Float64s) -> tuple[Int64s, float] | None:
    """Return numbers as whole numbers and their divisor, None where that would not give back the same bits."""
    if np.isnan(result).any() or float(np.abs(result).max()) >= WHOLE_MAX:
        return None
    for decimals in range(DECIMALS_MAX + 1):
        scale = 10.0**decimals
        rounded = np.rint(result * scale)
        if float(np.abs(rounded).max()) >= WHOLE_MAX:
            return None
        whole = rounded.astype(np.int64)
        if np.array_equal((whole / scale).view(np.int64), result.view(np.int64)):
            return whole, scale
    return None


def _alike_smallint(day: DayColumns) -> list[bytes]:
    if (day.quality == day.quality[0]).all():
        return [fields.smallint(int(day.quality[0])), fields.NULL]
    return [fields.NULL, fields.smallints(day.quality)]


def _alike_bigint(column: Int64s) -> list[bytes]:
    if (column == column[0]).all():
        return [fields.bigint(int(column[0])), fields.NULL]
    return [fields.NULL, fields.bigints(column)]


def _following(column_us: Int64s, time_us: Int64s) -> list[bytes]:
    """Return instants as one lag behind the phenomenon time where they keep it, else one by one."""
    if (column_us == NO_TIME).all():
        return [fields.NULL, fields.NULL]
    if not (column_us == NO_TIME).any():
        lag = column_us - time_us
        if (lag == lag[0]).all() and abs(int(lag[0])) < LAG_US_MAX:
            return [fields.bigint(int(lag[0])), fields.NULL]
    return [fields.NULL, fields.instants(column_us)]


def _present(column_us: Int64s) -> bytes:
    return fields.NULL if (column_us == NO_TIME).all() else fields.instants(column_us)


def _texts(texts: Jsons) -> bytes:
    return fields.NULL if texts is None or all(text is None for text in texts) else fields.jsons(texts)
