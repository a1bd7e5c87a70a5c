"""Rows of a file as readings: whole columns where all is well, one by one where something is not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow carries no types
import pyarrow.compute as pc  # type: ignore[import-untyped]  # pyarrow carries no types

from cityloop.kernel.instants import to_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.bulk.files import Piece
from cityloop.sense.stream.readings import NO_TIME, Float64s, Int64s, OtherParts, UInt8s
from cityloop.sense.stream.sta.times import instant_us

_ZONE = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)$")
_PLAIN_LENGTH = 19
"""Characters of a date and a time to the second."""

_QUALITIES = {quality.name.lower(): int(quality) for quality in Quality} | {str(int(q)): int(q) for q in Quality}

Streams = Callable[[Sequence[str], str], dict[str, tuple[int, str]]]
"""Finds streams: from texts, and `datastream_id` or `datastream_code`, to id and unit by text."""


@dataclass(slots=True)
class Refused:
    """A row that cannot be a reading.

    Attributes:
        row: its number in the file, from 1, the header not counted.
        reason: why, an English sentence to be translated.
        text: what stands there.
    """

    row: int
    reason: str
    text: str


@dataclass(slots=True)
class Rows:
    """The good rows of a piece, shape (n,) each column.

    Attributes:
        row: numbers in the file.
        datastream_id: the streams.
        time_us: phenomenon times, microseconds since the Unix epoch.
        result: the numbers, NaN where there is none.
        quality: the flags.
        result_us: result times, `NO_TIME` where absent.
        feature_id: features of interest, 0 for the stream's own.
        others: by place, what few readings carry.
        refused: the rows that are none.
    """

    row: Int64s
    datastream_id: Int64s
    time_us: Int64s
    result: Float64s
    quality: UInt8s
    result_us: Int64s
    feature_id: Int64s
    others: dict[int, OtherParts] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.row)


class RowReader:
    """Reads rows.

    Args:
        streams: finds datastreams.
        zone: of times that name none; None refuses such times.
    """

    def __init__(self, streams: Streams, *, zone: ZoneInfo | None) -> None:
        """Know both."""
        self._streams, self._zone = streams, zone

    def read(self, piece: Piece) -> Rows:
        """Return the good rows of a piece and what was wrong with the others."""
        table, count = piece.table, len(piece)
        skipped = np.array([number for number, _ in piece.broken], dtype=np.int64)
        numbers = np.setdiff1d(np.arange(piece.first, piece.first + count + len(skipped), dtype=np.int64), skipped)
        faults: dict[int, str] = {}
        streams = self._read_streams(table, faults)
        time_us = self._instants(table, "phenomenon_time", faults, needed=True)
        result, jsons = _results(table, faults)
        quality = _qualities(table, faults)
        result_us = self._instants(table, "result_time", faults)
        features = _integers(table, "feature_id", faults)
        others = self._others(table, jsons, faults)
        good = np.setdiff1d(np.arange(count), np.fromiter(faults, dtype=np.int64, count=len(faults)))
        place_of = {int(place): number for number, place in enumerate(good)} if others else {}
        return Rows(
            row=numbers[: len(table)][good],
            datastream_id=streams[good],
            time_us=time_us[good],
            result=result[good],
            quality=quality[good],
            result_us=result_us[good],
            feature_id=features[good],
            others={place_of[place]: parts for place, parts in others.items() if place in place_of},
            refused=[
                *(Refused(number, WIDTH, text) for number, text in piece.broken),
                *(Refused(int(numbers[place]), reason, _text(table, place)) for place, reason in faults.items()),
            ],
        )

    def _read_streams(self, table: pa.Table, faults: dict[int, str]) -> Int64s:
        by = "datastream_id" if "datastream_id" in table.column_names else "datastream_code"
        if by == "datastream_id" and "datastream_code" in table.column_names and _is_empty(table[by]):
            by = "datastream_code"
        texts, places = _distinct(table[by])
        found = self._streams([text for text in texts if text], by)
        ids = np.array([found[text][0] if text in found else 0 for text in texts], dtype=np.int64)[places]
        for place in np.flatnonzero(ids == 0).tolist():
            faults.setdefault(place, STREAM)
        if "unit" in table.column_names:
            units, which = _distinct(table["unit"])
            own = [found[text][1] if text in found else "" for text in texts]
            for place, (text, unit) in enumerate(zip(places.tolist(), which.tolist(), strict=True)):
                if units[unit] and units[unit] != own[text]:
                    faults.setdefault(place, UNIT)
        return ids

    def _instants(self, table: pa.Table, name: str, faults: dict[int, str], *, needed: bool = False) -> Int64s:
        if name not in table.column_names:
            return np.full(len(table), NO_TIME, dtype=np.int64)
        column = table[name]
        if pa.types.is_timestamp(column.type):
            instants = self._from_timestamps(column)
        else:
            instants = self._from_texts(column.cast(pa.string()).to_pylist(), faults)
        for place in np.flatnonzero(instants == NO_TIME).tolist() if needed else ():
            faults.setdefault(place, TIME)
        return instants

    def _from_timestamps(self, column: pa.ChunkedArray) -> Int64s:
        if column.type.tz is None:
            if self._zone is None:
                return np.full(len(column), NO_TIME, dtype=np.int64)
            column = pc.assume_timezone(column, str(self._zone), ambiguous="earliest", nonexistent="earliest")
        numbers = pc.fill_null(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()), NO_TIME)
        return np.asarray(numbers.to_numpy(), dtype=np.int64)

    def _from_texts(self, texts: list[str | None], faults: dict[int, str]) -> Int64s:
        together = self._together(texts)
        return together if together is not None else self._one_by_one(texts, faults)

    def _together(self, texts: list[str | None]) -> Int64s | None:
        """Return times that are all written alike, None where they are not."""
        if not texts or texts[0] is None or any(text is None or len(text) < _PLAIN_LENGTH for text in texts):
            return None
        mark = _ZONE.search(texts[0], _PLAIN_LENGTH - 1)
        ending = mark[0] if mark else ""
        plain = [str(text)[: len(str(text)) - len(ending)] for text in texts if str(text).endswith(ending)]
        if len(plain) < len(texts) or any(text[10] not in "Tt " or _ZONE.search(text, 18) for text in plain):
            return None
        try:
            local = np.array([text.replace("t", "T") for text in plain], dtype="datetime64[us]").astype(np.int64)
        except ValueError:
            return None
        if ending:
            return np.asarray(local - _offset_us(ending), dtype=np.int64)
        return self._from_timestamps(pa.chunked_array([pa.array(local, pa.timestamp("us"))]))

    def _one_by_one(self, texts: list[str | None], faults: dict[int, str]) -> Int64s:
        instants = np.full(len(texts), NO_TIME, dtype=np.int64)
        for place, text in enumerate(texts):
            if not text:
                continue
            try:
                instants[place] = self._one(text.strip())
            except ValueError:
                faults.setdefault(place, TIME)
        return instants

    def _one(self, text: str) -> int:
        if _ZONE.search(text, 10):
            return instant_us(text)
        if self._zone is None:
            raise ValueError(text)
        return to_us(datetime.fromisoformat(text).replace(tzinfo=self._zone))

    def _others(self, table: pa.Table, results: dict[int, bytes], faults: dict[int, str]) -> dict[int, OtherParts]:
        others: dict[int, OtherParts] = {place: OtherParts(result_json=text) for place, text in results.items()}
        for name, part in (("phenomenon_end", "phenomenon_end_us"), ("valid_from", "valid_from_us"),
                           ("valid_until", "valid_until_us")):  # fmt: skip
            instants = self._instants(table, name, faults)
            for place in np.flatnonzero(instants != NO_TIME).tolist():
                setattr(others.setdefault(place, OtherParts()), part, int(instants[place]))
        for name, part in (("result_quality", "result_quality_json"), ("parameters", "parameters_json")):
            for place, text in _jsons(table, name, faults).items():
                setattr(others.setdefault(place, OtherParts()), part, text)
        return others


WIDTH = "the row has too many or too few values"
STREAM = "there is no such datastream"
UNIT = "the unit is not the datastream's"
TIME = "the time cannot be read, or names no zone"
NUMBER = "the result is no finite number"
RESULT = "there is no result"
JSON = "the text is no JSON"
QUALITY = "there is no such quality flag"
WHOLE = "a whole number is needed here"
REASONS = (WIDTH, STREAM, UNIT, TIME, NUMBER, RESULT, JSON, QUALITY, WHOLE)


def _offset_us(ending: str) -> int:
    if ending in "Zz":
        return 0
    hours, minutes = int(ending[1:3]), int(ending[-2:])
    return (-1 if ending[0] == "-" else 1) * (hours * 60 + minutes) * 60_000_000


def _is_empty(column: pa.ChunkedArray) -> bool:
    return all(not text for text in column.unique().cast(pa.string()).to_pylist())


def _distinct(column: pa.ChunkedArray) -> tuple[list[str], Int64s]:
    """Return the distinct texts of a column, and which one each row has."""
    encoded = pc.fill_null(column.cast(pa.string()), "").combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), np.asarray(encoded.indices.to_numpy(), dtype=np.int64)


def _results(table: pa.Table, faults: dict[int, str]) -> tuple[Float64s, dict[int, bytes]]:
    numbers = _floats(table, faults)
    texts = _jsons(table, "result_json", faults)
    numbers[list(texts)] = np.nan
    for place in np.flatnonzero(np.isnan(numbers)).tolist():
        if place not in texts:
            faults.setdefault(place, RESULT)
    return numbers, texts


def _floats(table: pa.Table, faults: dict[int, str]) -> Float64s:
    if "result" not in table.column_names:
        return np.full(len(table), np.nan)
    column = table["result"]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _numbers_of(column.to_pylist(), faults)
    numbers = np.array(pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(), dtype=np.float64)
    for place in np.flatnonzero(np.isinf(numbers)).tolist():
        faults.setdefault(place, NUMBER)
    return numbers


def _numbers_of(texts: list[str | None], faults: dict[int, str]) -> Float64s:
    numbers = np.full(len(texts), np.nan)
    try:
        numbers[:] = np.array([text or "nan" for text in texts], dtype=np.float64)
    except ValueError:
        for place, text in enumerate(texts):
            try:
                numbers[place] = float(text or "nan")
            except ValueError:
                faults.setdefault(place, NUMBER)
    for place in np.flatnonzero(~np.isfinite(numbers)).tolist():
        if texts[place]:
            faults.setdefault(place, NUMBER)
    return numbers


def _jsons(table: pa.Table, name: str, faults: dict[int, str]) -> dict[int, bytes]:
    if name not in table.column_names or _is_empty(table[name]):
        return {}
    found = {}
    for place, text in enumerate(table[name].cast(pa.string()).to_pylist()):
        if not text:
            continue
        try:
            msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            faults.setdefault(place, JSON)
        else:
            found[place] = text.encode()
    return found


def _qualities(table: pa.Table, faults: dict[int, str]) -> UInt8s:
    if "quality" not in table.column_names:
        return np.zeros(len(table), dtype=np.uint8)
    texts, places = _distinct(table["quality"])
    flags = np.array([_QUALITIES.get(text.lower(), -1) if text else 0 for text in texts], dtype=np.int64)[places]
    for place in np.flatnonzero(flags < 0).tolist():
        faults.setdefault(place, QUALITY)
    return np.maximum(flags, 0).astype(np.uint8)


def _integers(table: pa.Table, name: str, faults: dict[int, str]) -> Int64s:
    if name not in table.column_names:
        return np.zeros(len(table), dtype=np.int64)
    texts, places = _distinct(table[name])
    known = np.array([int(text) if text.isdigit() else 0 for text in texts], dtype=np.int64)
    wrong = np.array([bool(text) and not text.isdigit() for text in texts], dtype=np.bool_)
    for place in np.flatnonzero(wrong[places]).tolist():
        faults.setdefault(place, WHOLE)
    return known[places]


def _text(table: pa.Table, place: int) -> str:
    row: dict[str, Any] = table.slice(place, 1).to_pylist()[0]
    return ", ".join(f"{name}={value}" for name, value in row.items() if value not in (None, ""))[:500]
