"""The chain of a trace: which aggregate counts a fact, and how an aggregate is written in an address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cityloop.kernel.areas import AreaCode, lies_within
from cityloop.kernel.facts.base import Fact, Ref, RefKind, fact_kind

SELECTOR = "journal.facts"
_PARAMETERS = ("kind", "area", "from", "until")


def counts(ref: Ref, fact: Fact) -> bool:
    """Return whether an aggregate counts a fact: its kind, its area and its time fit.

    The position `as_of` is the caller's to compare: a fact does not know where it stands in the journal.
    """
    asked = ref.parameters
    if ref.kind is not RefKind.AGGREGATE or ref.key != SELECTOR or asked.get("kind") != fact_kind(type(fact)):
        return False
    if (area := asked.get("area")) and not lies_within(fact.area, AreaCode(area)):
        return False
    since, until = asked.get("from"), asked.get("until")
    return (not since or fact.happened_at >= datetime.fromisoformat(since)) and (
        not until or fact.happened_at < datetime.fromisoformat(until)
    )


def address_of(ref: Ref) -> str:
    """Return the page of an aggregate, empty where it is not one of the journal."""
    if ref.kind is not RefKind.AGGREGATE or ref.key != SELECTOR:
        return ""
    asked = {name: ref.parameters[name] for name in _PARAMETERS if ref.parameters.get(name)}
    return "/trace/facts/?" + urlencode({**asked, **({"as_of": ref.as_of} if ref.as_of else {})})


def aggregate_from(query: Mapping[str, Any]) -> Ref:
    """Return the aggregate an address names.

    Raises:
        ValueError: if it names no kind, or an instant that is none.
    """
    asked = {name: str(query[name]) for name in _PARAMETERS if query.get(name)}
    if "kind" not in asked:
        message = "an aggregate needs a kind of fact"
        raise ValueError(message)
    for name in ("from", "until"):
        if name in asked and datetime.fromisoformat(asked[name]).tzinfo is None:
            message = f"the instant {name} needs a zone"
            raise ValueError(message)
    return Ref.aggregate(SELECTOR, asked, as_of=str(query.get("as_of", "")))
