"""The usual messages of a fetch, decoded together: joined by commas they are one JSON array.

Only messages that cannot reach into their neighbours are joined: one pair of braces each, the first character and the
last. As many objects must come out as went in. Were a brace part of a text, so that an object began in one message and
ended in another, there would be fewer objects than braces, and the messages are read one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from cityloop.convey.stream.jetstream import Fetch
from cityloop.sense.stream.readings import NO_TIME, Float64s, Int64s
from cityloop.sense.stream.sta.times import column_us, instant_us

Bools = npt.NDArray[np.bool_]

RESULT_MAX = 1e14
"""Beyond it a result may be a whole number of too many digits for a float64: then its text is looked at."""

TOGETHER_MIN = 8
"""So few messages among which one is odd are read one by one."""


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    result: float
    phenomenonTime: str | None = None  # noqa: N815  the standard's name
    resultTime: str | None = None  # noqa: N815


_decode = msgspec.json.Decoder(list[_Plain]).decode


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain observations of a fetch, shape (n,) each column.

    Attributes:
        row: which message of the fetch, rising.
        datastream_id: the stream.
        phenomenon_us: phenomenon time; where there was none, when the transport stored the message.
        result: the number.
        result_us: result time, `NO_TIME` where there was none.
    """

    row: Int64s
    datastream_id: Int64s
    phenomenon_us: Int64s
    result: Float64s
    result_us: Int64s


def plain_of(fetch: Fetch, streams: Sequence[int]) -> Plain:
    """Return the messages that are one observation with a number and instants as usual; the rest is left out.

    Args:
        fetch: the messages.
        streams: the datastream each message's topic names, 0 where it names none.
    """
    rows = _joinable(fetch.payloads, streams)
    found = _decoded([fetch.payloads[row] for row in rows])
    if None in found:
        rows = [row for row, observation in zip(rows, found, strict=True) if observation is not None]
    observations = [observation for observation in found if observation is not None]
    row = np.array(rows, dtype=np.int64)
    stored_us = np.array(fetch.stored_us, dtype=np.int64)[row]
    phenomenon = [observation.phenomenonTime for observation in observations]
    result_time = [observation.resultTime for observation in observations]
    phenomenon_us, good = _instants(phenomenon, stored_us)
    if result_time == phenomenon:
        result_us = np.where([text is None for text in result_time], NO_TIME, phenomenon_us)
    else:
        result_us, good_result = _instants(result_time, np.full(len(row), NO_TIME))
        good &= good_result
    result = np.array([observation.result for observation in observations], dtype=np.float64)
    good &= np.abs(result) < RESULT_MAX
    datastream_id = np.array(streams, dtype=np.int64)[row]
    if good.all():
        return Plain(row, datastream_id, phenomenon_us, result, result_us)
    return Plain(row[good], datastream_id[good], phenomenon_us[good], result[good], result_us[good])


def _joinable(payloads: Sequence[bytes], streams: Sequence[int]) -> list[int]:
    rows = [
        row
        for row, (stream, payload) in enumerate(zip(streams, payloads, strict=True))
        if stream and payload[:1] == b"{" and payload[-1:] == b"}"
    ]
    joined = b"".join([payloads[row] for row in rows])
    if joined.count(b"{") == joined.count(b"}") == len(rows):
        return rows
    return [row for row in rows if payloads[row].count(b"{") == payloads[row].count(b"}") == 1]


def _decoded(payloads: Sequence[bytes]) -> Sequence[_Plain | None]:
    """Return the observation of each message, None where it must be read alone; an odd one is found by halving."""
    try:
        found = _decode(b"[%b]" % b",".join(payloads))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = []
    if len(found) == len(payloads):
        return found
    if len(payloads) < TOGETHER_MIN:
        return [None] * len(payloads)
    half = len(payloads) // 2
    return [*_decoded(payloads[:half]), *_decoded(payloads[half:])]


def _instants(texts: Sequence[str | None], absent_us: Int64s) -> tuple[Int64s, Bools]:
    """Return instants, and which of the texts are one; where there is no text, the instant given for its absence."""
    good = np.ones(len(texts), dtype=np.bool_)
    given = [text for text in texts if text is not None]
    if len(given) == len(texts) and (column := column_us(given)) is not None:
        return column, good
    instants = absent_us.copy()
    widths = np.array([0 if text is None else len(text) for text in texts], dtype=np.int64)
    for width in np.unique(widths[widths > 0]).tolist():
        rows = np.flatnonzero(widths == width)
        alike = [text for text in texts if text is not None and len(text) == width]
        column = column_us(alike)
        if column is None:
            column, good[rows] = _one_by_one(alike)
        instants[rows] = column
    return instants, good


def _one_by_one(texts: Sequence[str]) -> tuple[Int64s, Bools]:
    instants, good = np.zeros(len(texts), dtype=np.int64), np.ones(len(texts), dtype=np.bool_)
    for row, text in enumerate(texts):
        try:
            instants[row] = instant_us(text)
        except ValueError:
            good[row] = False
    return instants, good
