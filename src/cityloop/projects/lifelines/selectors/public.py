"""The lines as citizens may see them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.cache import cache

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.balance import State
from cityloop.projects.lifelines.rules.days import Line, LineDay
from cityloop.projects.lifelines.rules.lines import MAKES
from cityloop.projects.lifelines.rules.public import SINCE_HOURS_MAX, PublicLine, advice_of, sentence_of
from cityloop.projects.lifelines.selectors.days import line_days
from cityloop.registry import facade as registry

_HOUR = timedelta(hours=1)
_CALM = frozenset({State.NORMAL, State.UNKNOWN})
_HOUR_KEPT_S = 600
"""The state of an hour that is over is asked anew so often, for late readings may change it, seconds."""


def public_lines(at: datetime) -> tuple[PublicLine, ...]:
    """Return every line as of an instant, in plain words."""
    days = line_days(at)
    troubled = {day.line for day in days if day.state not in _CALM}
    since, names = _since(troubled, at), {one.code: one.name for one in registry.organisations()}
    return tuple(_public(day, since, names) for day in days)


def _public(day: LineDay, since: Mapping[Line, tuple[datetime, bool]], names: Mapping[str, Text]) -> PublicLine:
    state, owner = day.state, MAKES[day.line].owner
    began, is_open = since.get(day.line, (None, False))
    return PublicLine(
        line=day.line, title=day.title, state=state, sentence=sentence_of(state), advice=advice_of(day.line, state),
        since=began, since_is_open=is_open, source=names.get(owner, day.title), origins=day.origins,
    )  # fmt: skip


def _since(lines: set[Line], at: datetime) -> dict[Line, tuple[datetime, bool]]:
    """Return since which whole hour each of some lines has not been normal, and whether that was the farthest look."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    began, left = dict.fromkeys(lines, at), set(lines)
    for step in range(SINCE_HOURS_MAX + 1):
        if not left:
            break
        states = _states_at(hour - step * _HOUR)
        left = {line for line in left if states[line] not in _CALM}
        began |= dict.fromkeys(left, hour - step * _HOUR)
    return {line: (instant, line in left) for line, instant in began.items()}


def _states_at(hour: datetime) -> dict[Line, State]:
    key = f"lifelines-states-{int(hour.timestamp())}"
    kept: dict[Line, State] | None = cache.get(key)
    if kept is None:
        kept = {day.line: day.state for day in line_days(hour)}
        cache.set(key, kept, _HOUR_KEPT_S)
    return kept
