"""Kinds and states of nodes."""

from datetime import datetime, timedelta
from enum import StrEnum

from cityloop.kernel.text import Text

HUB = 0
"""Number of the city: the node above every other."""

NODE_NUMBER_MAX = 63
"""Greatest number of a node: six bits of an observation's id."""

SILENT_AFTER = timedelta(seconds=30)
"""A node that was not heard for so long is cut off; it tells how it stands every five seconds (house default)."""

CLOCK_APART_S_MAX = 2.0
"""A node's clock may differ from ours by this much, seconds (house default)."""


class NodeKind(StrEnum):
    """What a node is in the 1+1+16 government cloud; the speech leaves open what the second 1 is."""

    CITY = "city"
    DISTRICT = "district"
    KEY_FIELD = "key_field"

    @property
    def words(self) -> Text:
        """Return the kind in words."""
        return {
            NodeKind.CITY: Text("市级节点", "city node"),
            NodeKind.DISTRICT: Text("区级节点", "district node"),
            NodeKind.KEY_FIELD: Text("重点领域节点", "key-field node"),
        }[self]


class NodeState(StrEnum):
    """How a node stands."""

    WAITED_FOR = "waited_for"
    CONNECTED = "connected"
    CATCHING_UP = "catching_up"
    CUT_OFF = "cut_off"
    REMOVED = "removed"

    @property
    def words(self) -> Text:
        """Return the state in words."""
        return {
            NodeState.WAITED_FOR: Text("未接入", "not connected yet"),
            NodeState.CONNECTED: Text("已连接", "connected"),
            NodeState.CATCHING_UP: Text("补传中", "catching up"),
            NodeState.CUT_OFF: Text("已断开", "cut off"),
            NodeState.REMOVED: Text("已移除", "removed"),
        }[self]


def state_of(*, heard_at: datetime | None, oldest_at: datetime | None, removed: bool, now: datetime) -> NodeState:
    """Return how a node stands.

    Args:
        heard_at: when it last told of itself, None where it never has.
        oldest_at: since when the oldest of what waits there waits, None where nothing does.
        removed: whether it was removed.
        now: the present.
    """
    if removed:
        return NodeState.REMOVED
    if heard_at is None:
        return NodeState.WAITED_FOR
    if now - heard_at > SILENT_AFTER:
        return NodeState.CUT_OFF
    if oldest_at is not None and heard_at - oldest_at > SILENT_AFTER:
        return NodeState.CATCHING_UP
    return NodeState.CONNECTED
