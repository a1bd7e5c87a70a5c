"""`{% load lifelines %}`: figures of the sheet, states and dependencies in words."""

from typing import Any

from django import template
from django.utils.translation import gettext

from cityloop.projects.lifelines.facade import Effect, Figure, NodeKind
from cityloop.registry.facade import in_words

register = template.Library()


@register.inclusion_tag("lifelines/figure.html")
def sheet_figure(figure: Figure, *, label: str = "", sign: bool = False) -> dict[str, Any]:
    """Show a number of the sheet as a link to its trace; where there is none, why."""
    written = "–"
    if figure.value is not None:
        written = f"{figure.value:{'+' if sign else ''},.{figure.decimals}f}"
    return {"figure": figure, "written": written, "label": label}


@register.inclusion_tag("lifelines/state.html")
def line_state(day: Any) -> dict[str, Any]:
    """Show the state of a line by word, shape and colour."""
    return {"level": day.level, "words": in_words(day.state.words)}


@register.filter
def effect_word(effect: Effect) -> str:
    """Return what a loss does, in words."""
    return {Effect.FAILS: gettext("fails"), Effect.WEAKENS: gettext("goes on with less")}[Effect(effect)]


@register.filter
def node_kind_word(kind: NodeKind) -> str:
    """Return what nodes of a kind are, in words."""
    return {
        NodeKind.LINE: gettext("Lines"),
        NodeKind.WORKS: gettext("Works"),
        NodeKind.STATION: gettext("Stations"),
        NodeKind.SERVED: gettext("Who is served"),
    }[NodeKind(kind)]


@register.filter
def hours_word(hours: float) -> str:
    """Return hours after a loss, in words: at once, or so many hours."""
    if hours == 0:
        return gettext("at once")
    return gettext("after %(hours)s h") % {"hours": f"{hours:g}"}
