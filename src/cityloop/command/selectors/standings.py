"""How projects reckon their own lines to stand: each offers it, the wall asks; no project is known here by name."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from cityloop.kernel.declarations import LineStanding

log = logging.getLogger(__name__)

Standings = Callable[[datetime], Mapping[str, LineStanding]]
"""Returns a project's lines by code, as of an instant."""

FRESH_S = 60
"""How long an answer is kept before it is asked again, seconds."""
KEPT_MAX = 32
"""Answers kept by a process."""

_OFFERED: dict[str, Standings] = {}


def offer_standings(project: str, standings: Standings) -> None:
    """Let a project tell how its lines stand; the last one to be offered counts.

    Args:
        project: its code.
        standings: asked at most once a minute and process.
    """
    _OFFERED[project] = standings
    forget_standings()


@lru_cache(maxsize=KEPT_MAX)
def _asked(project: str, turn: int) -> Mapping[str, LineStanding]:
    try:
        return _OFFERED[project](datetime.fromtimestamp(turn * FRESH_S, UTC))
    except Exception:  # one project never takes the wall from the others
        log.exception("The project %s cannot tell how its lines stand", project)
        return {}


def standing_of(project: str, line: str, now: datetime) -> LineStanding | None:
    """Return how a line stands by its project's reckoning at the last whole minute, None where it tells nothing.

    A project that fails tells nothing until the next minute.
    """
    if project not in _OFFERED:
        return None
    return _asked(project, int(now.timestamp() // FRESH_S)).get(line)


def forget_standings() -> None:
    """Forget what is kept: for tests, whose readings change within a turn."""
    _asked.cache_clear()


__all__ = ["Standings", "forget_standings", "offer_standings", "standing_of"]
