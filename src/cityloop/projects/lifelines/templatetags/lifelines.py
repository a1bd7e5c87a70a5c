"""`{% load lifelines %}`: figures of the sheet, states and dependencies in words."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from cityloop.projects.lifelines.facade import Effect, Figure, NodeKind, State
from cityloop.registry.facade import Right, in_words, person_of

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
    return {"level": day.level, "words": in_words(day.state.words), "is_known": day.state is not State.UNKNOWN}


@register.inclusion_tag("lifelines/pages.html", takes_context=True)
def lifeline_pages(context: Mapping[str, Any], page: str) -> dict[str, Any]:
    """Show the way between the pages of the lifelines, as of the same instant; only pages the reader may open.

    Args:
        context: of the page.
        page: the name of its address.
    """
    request = context["request"]
    rights, asked = person_of(request).rights, request.GET.get("at", "").strip()
    query = f"?{urlencode({'at': asked})}" if asked else ""
    pages = (
        ("lines", gettext("Lines"), Right.SEE_PROJECTS),
        ("sheet", gettext("Daily sheet"), Right.SEE_PROJECTS),
        ("gaps", gettext("Gap board"), Right.SEE_PROJECTS),
        ("requests", gettext("Requests to upstream"), Right.SEE_COORDINATION),
        ("reductions", gettext("Demand side"), Right.SEE_COORDINATION),
        ("network", gettext("Network"), Right.SEE_PROJECTS),
        ("dependencies", gettext("Dependencies"), Right.SEE_PROJECTS),
    )
    links = [
        (reverse(f"lifelines:{name}") + query, title, name == page) for name, title, right in pages if right in rights
    ]
    if Right.SEE_PROJECTS in rights:
        links.append((reverse("projects:project", args=["lifelines"]), gettext("Streams and rules"), False))
    return {"links": links}


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
