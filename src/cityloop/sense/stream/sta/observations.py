"""Observations as they come in: the cheap way for the usual body, the careful way for every other."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from cityloop.sense.stream.readings import NO_TIME, OtherParts, Readings
from cityloop.sense.stream.sta.errors import BodyError
from cityloop.sense.stream.sta.showing import BASE
from cityloop.sense.stream.sta.times import given_instant, given_interval, text_of

EXACT_MAX = 2**53
"""Whole numbers beyond are not exact as float64 and are kept as JSON."""

_QUALITY = np.zeros(1, dtype=np.uint8)
_OTHERS = ("resultQuality", "validTime", "parameters")


@dataclass(slots=True)
class Reading:
    """The values of one observation; of a partial one `given` names those that are there."""

    phenomenon_us: int = NO_TIME
    result: float = float("nan")
    result_us: int = NO_TIME
    others: OtherParts | None = None
    given: frozenset[str] = frozenset()


class _Id(msgspec.Struct):
    key: int = msgspec.field(name="@iot.id")


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    """The body nearly every device sends; what is otherwise takes the careful way."""

    result: float
    phenomenonTime: str | None = None  # noqa: N815  the standard's name
    resultTime: str | None = None  # noqa: N815
    Datastream: _Id | None = None
    FeatureOfInterest: _Id | None = None


_decode_plain = msgspec.json.Decoder(_Plain).decode


def now_us() -> int:
    """Return the present instant, microseconds since the Unix epoch."""
    return time.time_ns() // 1000


def plain_reading(body: bytes, *, stream: int) -> tuple[int, int, Reading] | None:
    """Return stream, feature and values of a usual body.

    Args:
        body: as it came.
        stream: the datastream the path names, 0 where it names none.

    Returns:
        None where the body must be read the careful way.

    Raises:
        BodyError: if a time cannot be read.
    """
    try:
        plain = _decode_plain(body)
    except msgspec.DecodeError:
        return None
    given = plain.Datastream.key if plain.Datastream is not None else 0
    if not -EXACT_MAX < plain.result < EXACT_MAX or (stream and given and stream != given) or not (stream or given):
        return None
    start, end = now_us(), None
    if plain.phenomenonTime is not None:
        start, end = given_interval(plain.phenomenonTime, field="phenomenonTime")
    result_us = NO_TIME if plain.resultTime is None else given_instant(plain.resultTime, field="resultTime")
    others = None if end is None else OtherParts(phenomenon_end_us=end)
    feature = plain.FeatureOfInterest.key if plain.FeatureOfInterest is not None else 0
    return stream or given, feature, Reading(start, plain.result, result_us, others)


def reading_of(body: Mapping[str, Any], *, partial: bool = False) -> Reading:
    """Return the values of an observation from decoded JSON.

    Raises:
        BodyError: if the result is missing or a value is of another type.
    """
    if "result" not in body and not partial:
        raise BodyError(field="result", reason="the property is missing")
    start, end = now_us(), None
    if body.get("phenomenonTime") is not None:
        start, end = given_interval(body["phenomenonTime"], field="phenomenonTime")
    result_us = NO_TIME
    if body.get("resultTime") is not None:
        result_us = given_instant(body["resultTime"], field="resultTime")
    number, text = result_of(body.get("result"))
    others = None
    if text is not None or end is not None or any(body.get(name) is not None for name in _OTHERS):
        others = _other_parts(body, end, text)
    return Reading(start, number, result_us, others, frozenset(body))


def result_of(value: object) -> tuple[float, bytes | None]:
    """Return a result as a number, or as JSON text where it is no exact finite float64."""
    if isinstance(value, int | float) and not isinstance(value, bool) and -EXACT_MAX < value < EXACT_MAX:
        return float(value), None
    return float("nan"), msgspec.json.encode(value)


def _other_parts(body: Mapping[str, Any], end_us: int | None, result_json: bytes | None) -> OtherParts:
    parts = OtherParts(result_json=result_json, phenomenon_end_us=end_us)
    if body.get("validTime") is not None:
        parts.valid_from_us, parts.valid_until_us = given_interval(body["validTime"], field="validTime")
    if body.get("resultQuality") is not None:
        parts.result_quality_json = msgspec.json.encode(body["resultQuality"])
    if body.get("parameters") is not None:
        if not isinstance(body["parameters"], dict):
            raise BodyError(field="parameters", reason="an object is needed here")
        parts.parameters_json = msgspec.json.encode(body["parameters"])
    return parts


def one(stream: int, feature: int, reading: Reading) -> Readings:
    """Return one reading as a batch."""
    return Readings(
        datastream_id=np.array((stream,), dtype=np.int64),
        phenomenon_us=np.array((reading.phenomenon_us,), dtype=np.int64),
        result=np.array((reading.result,), dtype=np.float64),
        quality=_QUALITY,
        result_us=np.array((reading.result_us,), dtype=np.int64),
        feature_id=np.array((feature,), dtype=np.int64),
        received_us=now_us(),
        others={} if reading.others is None else {0: reading.others},
    )


def several(rows: Sequence[tuple[int, int, Reading]]) -> Readings:
    """Return readings `(stream, feature, values)` as a batch."""
    return Readings(
        datastream_id=np.array([row[0] for row in rows], dtype=np.int64),
        phenomenon_us=np.array([row[2].phenomenon_us for row in rows], dtype=np.int64),
        result=np.array([row[2].result for row in rows], dtype=np.float64),
        quality=np.zeros(len(rows), dtype=np.uint8),
        result_us=np.array([row[2].result_us for row in rows], dtype=np.int64),
        feature_id=np.array([row[1] for row in rows], dtype=np.int64),
        received_us=now_us(),
        others={number: row[2].others for number, row in enumerate(rows) if row[2].others is not None},
    )


def shown(key: int, reading: Reading) -> str:
    """Return the JSON that answers a new observation, `BASE` for the address of the service."""
    others = reading.others or OtherParts()
    end = "" if others.phenomenon_end_us is None else "/" + text_of(others.phenomenon_end_us)
    result = repr(reading.result) if others.result_json is None else others.result_json.decode()
    result = result.removesuffix(".0") if others.result_json is None else result
    result_time = "null" if reading.result_us == NO_TIME else f'"{text_of(reading.result_us)}"'
    link = f'"{BASE}/Observations({key})'
    return (
        f'{{"@iot.id":{key},"@iot.selfLink":{link}","phenomenonTime":"{text_of(reading.phenomenon_us)}{end}",'
        f'"resultTime":{result_time},"result":{result},"Datastream@iot.navigationLink":{link}/Datastream",'
        f'"FeatureOfInterest@iot.navigationLink":{link}/FeatureOfInterest"}}'
    )
