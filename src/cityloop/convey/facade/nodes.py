"""The door to the nodes of the government cloud: who they are, how they stand, what is carried between them."""

from cityloop.convey.rules.nodes import CLOCK_APART_S_MAX, HUB, NODE_NUMBER_MAX, NodeKind, NodeState
from cityloop.convey.selectors.nodes import (
    BacklogView,
    NodeView,
    backlog_for,
    has_hub,
    nodes,
    registered_numbers,
    streams_of_node,
)
from cityloop.convey.services.nodes import (
    NodeNumberError,
    apply_envelope,
    incarnation,
    note_status,
    register_node,
    remove_node,
    send_envelope,
    take_in_entities,
)

__all__ = [
    "CLOCK_APART_S_MAX",
    "HUB",
    "NODE_NUMBER_MAX",
    "BacklogView",
    "NodeKind",
    "NodeNumberError",
    "NodeState",
    "NodeView",
    "apply_envelope",
    "backlog_for",
    "has_hub",
    "incarnation",
    "nodes",
    "note_status",
    "register_node",
    "registered_numbers",
    "remove_node",
    "send_envelope",
    "streams_of_node",
    "take_in_entities",
]
