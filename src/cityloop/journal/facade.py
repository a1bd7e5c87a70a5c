"""The door of the journal."""

from cityloop.journal.rules import Entry, Position
from cityloop.journal.selectors import (
    ListenerState,
    effects_of,
    entries_after,
    fact_with_id,
    facts_of_aggregate,
    facts_with_ids,
    horizon,
    latest_fact,
    listener_states,
    newest_facts,
)
from cityloop.journal.services import CHANNEL, deliver, post, wait_of

__all__ = [
    "CHANNEL",
    "Entry",
    "ListenerState",
    "Position",
    "deliver",
    "effects_of",
    "entries_after",
    "fact_with_id",
    "facts_of_aggregate",
    "facts_with_ids",
    "horizon",
    "latest_fact",
    "listener_states",
    "newest_facts",
    "post",
    "wait_of",
]
