"""Tags and filters of the whole house: `{% load cityloop %}`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.registry.facade import in_words, person_of
from cityloop.site.navigation import entries_for

register = template.Library()

SHAPES = {
    Level.RED: "M7 2h10l5 5v10l-5 5H7l-5-5V7z",
    Level.ORANGE: "M12 1l11 11-11 11L1 12z",
    Level.YELLOW: "M12 2l11 20H1z",
    Level.BLUE: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20z",
}
"""A shape a level, for severity is never told by colour alone: octagon, diamond, triangle, disc (24x24)."""

_PLAIN_BELOW = 1e6
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60


@register.filter
def said(text: Text | str | None) -> str:
    """Return a text of both languages in the reader's language; a plain string stays as it is."""
    return in_words(text) if isinstance(text, Text) else str(text or "")


@register.filter
def html_lang(code: str) -> str:
    """Return Django's language code as HTML writes it: `zh-Hans`."""
    return "zh-Hans" if code.startswith("zh") else code


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> list[Any]:
    """Return the pages the signed-in person may open, in the order of the loop."""
    request: HttpRequest | None = context.get("request")
    return entries_for(request) if request is not None else []


@register.simple_tag(takes_context=True)
def signed_in(context: dict[str, Any]) -> Any:
    """Return the person who is signed in, None for nobody."""
    request = context.get("request")
    person = person_of(request) if request is not None else None
    return None if person is None or person.is_visitor else person


@register.inclusion_tag("parts/severity.html")
def severity(level: int | None, *, small: bool = False) -> dict[str, Any]:
    """Show a level by colour, word, grade and shape; nothing in force is said in words."""
    if level is None:
        return {"level": None}
    grave = Level(level)
    return {"level": int(grave), "colour": said(grave.colour), "roman": grave.roman, "grade": said(grave.grade),
            "shape": SHAPES[grave], "small": small}  # fmt: skip


@register.inclusion_tag("parts/remaining.html")
def remaining(due_at: datetime | None, *, now: datetime | None = None) -> dict[str, Any]:
    """Show how long until a limit, or how long past it, in words with the instant beside it."""
    if due_at is None:
        return {"due_at": None}
    left = due_at - (now or timezone.now())
    return {"due_at": due_at, "overdue": left < timedelta(0), "soon": timedelta(0) <= left < timedelta(hours=2),
            "span": span_in_words(abs(left))}  # fmt: skip


@register.filter
def span_in_words(span: timedelta | float) -> str:
    """Return a span in its two greatest units: `2 d 3 h`, `5 min`."""
    seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
    days, rest = divmod(seconds, _DAY_S)
    hours, rest = divmod(rest, _HOUR_S)
    minutes, left = divmod(rest, _MINUTE_S)
    if days:
        return ngettext("%(days)d d %(hours)d h", "%(days)d d %(hours)d h", days) % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min") % {"minutes": minutes}
    return _("%(seconds)d s") % {"seconds": left}


@register.simple_tag
def age_of(instant: datetime | None, *, now: datetime | None = None) -> str:
    """Return how long ago an instant was, in words."""
    return span_in_words(max(timedelta(0), (now or datetime.now(UTC)) - instant)) if instant else ""


@register.inclusion_tag("parts/number.html")
def number(
    value: float | None, *, unit: str = "", decimals: int = 0, trace: str = "", label: str = ""
) -> dict[str, Any]:
    """Show a number with its unit as a link to its trace; an absent value is said so, never shown as 0."""
    return {"written": written(value, decimals), "unit": unit, "trace": trace, "label": label}


@register.filter
def written(value: float | None, decimals: int = 0) -> str:
    """Return a number with thousands set apart, a dash where there is none."""
    return "–" if value is None else f"{value:,.{decimals}f}"


@register.inclusion_tag("parts/empty.html")
def empty(title: str, hint: str = "", *, link: str = "", action: str = "") -> dict[str, str]:
    """Show that a list is empty, why, and what can be done."""
    return {"title": title, "hint": hint, "link": link, "action": action}


@register.simple_tag
def origin_label(origin: str) -> str:
    """Return what is said on a screen about where readings come from; nothing for live ones."""
    return {
        "replayed": pgettext("origin of readings", "replayed real data"),
        "simulated": pgettext("origin of readings", "simulated"),
    }.get(str(origin), "")


@register.inclusion_tag("parts/map.html")
def district_map(data: dict[str, Any], *, name: str, label: str) -> dict[str, Any]:
    """Show districts and points on a map; the page puts the table behind it, and loads `site/map.js`."""
    return {"data": data, "id": name, "data_id": f"{name}-data", "label": label}


@register.inclusion_tag("parts/chart.html")
def line_chart(data: dict[str, Any], *, name: str, label: str) -> dict[str, Any]:
    """Show curves over time; the page puts the table behind them, and loads `site/chart.js`."""
    return {"data": data, "id": name, "data_id": f"{name}-data", "label": label}


@register.filter
def shown(value: Any) -> str:
    """Return any value of a fact as people read it: both languages, instants in the city's zone, yes and no."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < _PLAIN_BELOW else f"{value:,.0f}"
    return said(value)
