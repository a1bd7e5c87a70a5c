"""`CreateObservations`: many observations in data arrays, read column by column."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.readings import NO_TIME, Float64s, Int64s, OtherParts, Readings, concatenated
from cityloop.sense.stream.sta.errors import BodyError
from cityloop.sense.stream.sta.observations import EXACT_MAX, Reading, now_us, reading_of, several
from cityloop.sense.stream.sta.times import column_us, given_instant

ROWS_MAX = 100_000
"""Most observations of one request."""

_COMPONENTS = {
    "result": float,
    "phenomenonTime": str,
    "resultTime": str,
}
_ALL = (*_COMPONENTS, "validTime", "resultQuality", "parameters", "FeatureOfInterest/id", "FeatureOfInterest/@iot.id")


class _Id(msgspec.Struct):
    key: int = msgspec.field(name="@iot.id")


class _Group(msgspec.Struct):
    Datastream: _Id
    components: tuple[str, ...]
    dataArray: msgspec.Raw  # noqa: N815  the standard's name


_decode_groups = msgspec.json.Decoder(list[_Group]).decode


@dataclass(slots=True)
class Arrays:
    """What a request holds.

    Attributes:
        readings: those that can be read.
        rows: place of each reading among the request's rows, shape (n,).
        count: rows of the request.
    """

    readings: Readings
    rows: Int64s
    count: int


@dataclass(slots=True)
class _Columns:
    """Columns of one or more groups, still growing."""

    streams: list[Int64s]
    results: list[Float64s]
    phenomenon: list[str]
    result_times: list[str]
    rows: list[Int64s]
    careful: list[tuple[int, int, int, Reading]]
    count: int = 0


@lru_cache(maxsize=256)
def _decoder(components: tuple[str, ...]) -> msgspec.json.Decoder[Any] | None:
    """Return the decoder of the usual rows: a number and its times as texts."""
    usual = "phenomenonTime" in components and "result" in components and len(set(components)) == len(components)
    if not usual or any(component not in _COMPONENTS for component in components):
        return None
    row: Any = tuple.__class_getitem__(tuple(_COMPONENTS[component] for component in components))
    return msgspec.json.Decoder(list.__class_getitem__(row))


def read_arrays(body: bytes) -> Arrays:
    """Return the observations of a `CreateObservations` body.

    Raises:
        BodyError: if it is no list of data arrays, or too long.
    """
    try:
        groups = _decode_groups(body)
    except msgspec.ValidationError as error:
        raise BodyError(
            field="CreateObservations", reason="Datastream, components and dataArray are needed here"
        ) from error
    except msgspec.DecodeError as error:
        raise BodyError(field="CreateObservations", reason="this is no JSON") from error
    columns = _Columns([], [], [], [], [], [])
    for group in groups:
        if not _read_usual(group, columns):
            _read_careful(group, columns)
        if columns.count > ROWS_MAX:
            raise BodyError(field="CreateObservations", reason="there are too many rows")
    return _joined(columns)


def _read_usual(group: _Group, columns: _Columns) -> bool:
    decoder = _decoder(group.components)
    if decoder is None:
        return False
    try:
        rows = decoder.decode(group.dataArray)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return False
    by_name = dict(zip(group.components, zip(*rows, strict=True), strict=True)) if rows else {}
    results = np.array(by_name.get("result", ()), dtype=np.float64)
    if not (np.abs(results) < EXACT_MAX).all():
        return False
    columns.streams.append(np.full(len(rows), group.Datastream.key, dtype=np.int64))
    columns.results.append(results)
    columns.phenomenon += by_name.get("phenomenonTime", ())
    columns.result_times += by_name.get("resultTime", ("",) * len(rows))
    columns.rows.append(np.arange(columns.count, columns.count + len(rows)))
    columns.count += len(rows)
    return True


def _read_careful(group: _Group, columns: _Columns) -> None:
    if any(component not in _ALL for component in group.components):
        raise BodyError(field="components", reason="the name is unknown")
    rows = msgspec.json.decode(group.dataArray)
    if not isinstance(rows, list):
        raise BodyError(field="dataArray", reason="a list is needed here")
    for row in rows:
        values = dict(zip(group.components, row, strict=False)) if isinstance(row, list) else {}
        complete = isinstance(row, list) and len(row) == len(group.components)
        reading = _careful(values) if complete else None
        if reading is not None:
            columns.careful.append((columns.count, group.Datastream.key, *reading))
        columns.count += 1


def _careful(values: dict[str, Any]) -> tuple[int, Reading] | None:
    feature = values.pop("FeatureOfInterest/id", None) or values.pop("FeatureOfInterest/@iot.id", None) or 0
    if isinstance(feature, bool) or not isinstance(feature, int) or not 0 <= feature < 2**63:
        return None
    try:
        return feature, reading_of(values)
    except CityloopError:
        return None


def _times(texts: Sequence[str]) -> tuple[Int64s, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return instants and which of the texts could be read; an empty text is no time."""
    if not any(texts):
        return np.full(len(texts), NO_TIME), np.ones(len(texts), dtype=np.bool_)
    column = column_us(texts)
    if column is not None:
        return column, np.ones(len(texts), dtype=np.bool_)
    values, good = np.full(len(texts), NO_TIME), np.ones(len(texts), dtype=np.bool_)
    for row, text in enumerate(texts):
        try:
            values[row] = given_instant(text, field="time") if text else NO_TIME
        except BodyError:
            good[row] = False
    return values, good


def _joined(columns: _Columns) -> Arrays:
    phenomenon, good = _intervals(columns)
    result_us, good_result = _times(columns.result_times)
    good &= good_result
    slow = columns.careful
    empty = np.empty(0, dtype=np.int64)
    readings = Readings(
        datastream_id=np.concatenate([*columns.streams, empty])[good],
        phenomenon_us=phenomenon[good],
        result=np.concatenate([*columns.results, np.empty(0)])[good],
        quality=np.zeros(int(good.sum()), dtype=np.uint8),
        result_us=result_us[good],
        feature_id=np.zeros(int(good.sum()), dtype=np.int64),
        received_us=now_us(),
    )
    rows = np.concatenate([*columns.rows, empty]).astype(np.int64)[good]
    return Arrays(readings, rows, columns.count) if not slow else _with_careful(readings, rows, columns)


def _intervals(columns: _Columns) -> tuple[Int64s, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return the phenomenon times; a row that holds an interval is moved to those read carefully."""
    values, good = _times(columns.phenomenon)
    good &= np.array([bool(text) for text in columns.phenomenon], dtype=np.bool_)
    if good.all():
        return values, good
    streams = np.concatenate(columns.streams)
    results, rows = np.concatenate(columns.results), np.concatenate(columns.rows)
    for row in np.flatnonzero(~good).tolist():
        body = {"result": float(results[row]), "phenomenonTime": columns.phenomenon[row] or "-"}
        if columns.result_times[row]:
            body["resultTime"] = columns.result_times[row]
        careful = _careful(body)
        if careful is not None:
            columns.careful.append((int(rows[row]), int(streams[row]), *careful))
    return values, good


def _with_careful(usual: Readings, rows: Int64s, columns: _Columns) -> Arrays:
    slow = columns.careful
    careful = several([(stream, feature, reading) for _, stream, feature, reading in slow])
    both = concatenated([usual, careful])
    places = np.concatenate([rows, np.array([row for row, *_ in slow], dtype=np.int64)])
    order = np.argsort(places, kind="stable")
    others: dict[int, OtherParts] = {}
    for new, old in enumerate(order.tolist()):
        if old in both.others:
            others[new] = both.others[old]
    names = ("datastream_id", "phenomenon_us", "result", "quality", "result_us", "feature_id")
    sorted_columns = {name: getattr(both, name)[order] for name in names}
    return Arrays(Readings(**sorted_columns, received_us=both.received_us, others=others), places[order], columns.count)


def answer_body(arrays: Arrays, observation_ids: Int64s, kept: Sequence[bool], *, base: str) -> bytes:
    """Return the JSON that answers: for each row its link, or the word `error`.

    Args:
        arrays: the request.
        observation_ids: of its readings, shape (n,).
        kept: which of its readings are kept, shape (n,).
        base: address of the service root.
    """
    if len(arrays.rows) == arrays.count and all(kept):
        links = [f'"{base}/Observations({key})"' for key in observation_ids.tolist()]
    else:
        links = ['"error"'] * arrays.count
        for row, key, is_kept in zip(arrays.rows.tolist(), observation_ids.tolist(), kept, strict=True):
            if is_kept:
                links[row] = f'"{base}/Observations({key})"'
    return f"[{','.join(links)}]".encode()
