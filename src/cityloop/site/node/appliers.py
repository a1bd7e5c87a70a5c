"""Who acts on envelopes of other nodes: topic on the left, act on the right."""

from datetime import UTC, datetime
from typing import Any

from cityloop.journal.facade import post
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.facts.base import new_fact_id
from cityloop.kernel.facts.carried import NodeIntroduced

INTRODUCTION = "introduction"
"""A node tells what it is when its database or its version is new."""


def introduce(number: int, content: dict[str, Any]) -> None:
    """Enter in the journal that a node has introduced itself."""
    post(
        NodeIntroduced(
            fact_id=new_fact_id(),
            happened_at=datetime.now(UTC),
            actor=f"node:{number}",
            area=AreaCode(str(content.get("area") or CITY)),
            number=number,
            version=str(content.get("version", ""))[:40],
            incarnation=str(content.get("incarnation", ""))[:40],
        )
    )


APPLIERS = {INTRODUCTION: introduce}
"""Topics and their acts."""
