"""The frozen picture of a line: its row and its curve as of an instant, kept as JSON and read back as they were."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import msgspec

from cityloop.projects.lifelines.rules.days import LineCurve, LineDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What was known of a line at an instant.

    Attributes:
        day: its row of the daily sheet; `day.at` is the instant.
        curve: its curve as of the same instant.
        position: the newest reading it was made of, an observation id; 0 where there was none.
        readings: newest readings of the line's streams up to then, observation ids: what a trace opens.
    """

    day: LineDay
    curve: LineCurve
    position: int
    readings: tuple[int, ...] = ()


def frozen(picture: Picture) -> dict[str, Any]:
    """Return a picture as JSON values."""
    return dict(msgspec.to_builtins(picture))


def thawed(kept: dict[str, Any]) -> Picture:
    """Return the picture that `frozen` gave.

    Raises:
        msgspec.ValidationError: if it is none.
    """
    return msgspec.convert(kept, Picture)


def seal_of(kept: dict[str, Any]) -> str:
    """Return the SHA-256 of a frozen picture, hex: who holds a print can see that it is the same."""
    canonical = json.dumps(_plain(kept), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a JSON value with whole numbers as such: a database gives 57.0 back as it likes."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
