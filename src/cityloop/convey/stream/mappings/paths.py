"""Paths into JSON: `object.battery`, `rxInfo[0].rssi`, `a."b.c"`; none searches, so its cost is its length."""

import re
from typing import Any

Path = tuple[str | int, ...]

STEPS_MAX = 20
"""Bound of a path's steps."""

_STEP = re.compile(r'(?:^|\.)(?:"([^"]+)"|([^."\[\]]+))|\[(\d{1,5})\]')

MISSING = object()
"""What stands where a path leads nowhere; null is something."""


def path_of(text: str) -> Path:
    """Return the steps of a path.

    Raises:
        ValueError: if it is none.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or not (found[0]):
            break
        steps.append(int(found[3]) if found[3] else found[1] or found[2])
        at = found.end()
    if at != len(text) or not steps or len(steps) > STEPS_MAX:
        message = f"no path: {text[:100]!r}"
        raise ValueError(message)
    return tuple(steps)


def found_at(path: Path, whole: Any) -> Any:
    """Return what stands at a path in decoded JSON, `MISSING` where it leads nowhere."""
    here = whole
    for step in path:
        if isinstance(step, str) and isinstance(here, dict):
            here = here.get(step, MISSING)
        elif isinstance(step, int) and isinstance(here, list) and step < len(here):
            here = here[step]
        else:
            return MISSING
    return here
