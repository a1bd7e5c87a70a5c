"""What readings are compared by wherever they lie: the same number for the same bits, whatever their order."""

import hashlib

import numpy as np
import numpy.typing as npt

from cityloop.sense.stream.archive.columns import DayColumns, Jsons
from cityloop.sense.stream.readings import Float64s

_NUMBERS = (
    "datastream_id", "time_us", "id", "quality", "feature_id", "result_us", "end_us", "valid_from_us", "valid_until_us",
)  # fmt: skip
_TEXTS = ("result_json", "result_quality", "parameters")
_ODD, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
"""Constants of the mixing.

Source:
    Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014), SplitMix64.
"""

Hashes = npt.NDArray[np.uint64]


def hashes_of(columns: DayColumns) -> Hashes:
    """Return a number of every reading that differs where anything of it differs, shape (n,)."""
    hashes = np.zeros(len(columns), dtype=np.uint64)
    for name in _NUMBERS:
        hashes = _mixed(hashes, getattr(columns, name).astype(np.int64).view(np.uint64))
    hashes = _mixed(hashes, _bits(columns.result))
    for name in _TEXTS:
        hashes = _mixed(hashes, _texts(getattr(columns, name), len(columns)))
    return hashes


def checksum_of(columns: DayColumns) -> int:
    """Return one number of readings, a 64 bit integer."""
    return int(np.bitwise_xor.reduce(hashes_of(columns)).view(np.int64)) if len(columns) else 0


def _bits(result: Float64s) -> Hashes:
    """Return the bits of numbers; there is one way only to have none."""
    return np.where(np.isnan(result), np.float64("nan"), result).view(np.uint64)


def _mixed(hashes: Hashes, values: Hashes) -> Hashes:
    mixed = (hashes ^ values) + _ODD
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


def _texts(texts: Jsons, count: int) -> Hashes:
    hashes = np.zeros(count, dtype=np.uint64)
    for place, text in enumerate(texts or ()):
        if text is not None:
            hashes[place] = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
    return hashes
