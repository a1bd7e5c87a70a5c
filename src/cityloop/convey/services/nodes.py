"""Writes about nodes: registering them, whose datastreams are whose, how each stands."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from cityloop.convey.models.nodes import Incarnation, Node, NodeStream, Outbox
from cityloop.convey.models.positions import StreamPosition
from cityloop.convey.rules.nodes import NODE_NUMBER_MAX, NodeKind
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.text import Text
from cityloop.sense import facade as sense

PASSWORD_BYTES = 32
"""Entropy of a node's password, bytes."""

Apply = Callable[[int, dict[str, Any]], None]
"""Acts on an envelope: number of the sender, and the content."""


class NodeNumberError(CityloopError):
    """A node was given a number that no node can have, or one that is taken."""

    key = "A node's number is between 1 and %(most)s, and not that of another node."
    status = 400


@transaction.atomic
def register_node(number: int, *, kind: NodeKind, title: Text, area: AreaCode) -> str:
    """Let a node below this one be known and return its password; it is shown this once, only its SHA-256 is kept.

    A removed node may come back under its number, with a new password.

    Raises:
        NodeNumberError: if the number is none, or taken.
    """
    if not 1 <= number <= NODE_NUMBER_MAX or Node.objects.filter(pk=number, removed_at=None).exists():
        raise NodeNumberError(field="number", most=NODE_NUMBER_MAX)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    Node.objects.update_or_create(
        number=number,
        defaults={
            "kind": kind,
            "title_zh": title.zh,
            "title_en": title.en,
            "area": area,
            "registered_at": timezone.now(),
            "removed_at": None,
            "digest": hashlib.sha256(password.encode()).hexdigest(),
        },
    )
    return password


@transaction.atomic
def remove_node(number: int) -> None:
    """Let a node be known no more; its readings stay, new ones are refused.

    Raises:
        NotFoundError: if there is none of this number.
    """
    if not Node.objects.filter(pk=number, removed_at=None).update(removed_at=timezone.now()):
        raise NotFoundError(what=Text(f"节点 {number}", f"node {number}"))


@transaction.atomic
def take_in_entities(number: int, told: list[dict[str, Any]]) -> dict[int, int]:
    """Make or renew copies of a node's things and return which of our datastreams is which of its own.

    Raises:
        CopyUnreadableError: if what it tells cannot be read; nothing is changed.
    """
    mine = sense.take_in_things(told, node=number)
    NodeStream.objects.bulk_create(
        (NodeStream(number=number, remote_id=remote, datastream_id=own) for remote, own in mine.items()),
        update_conflicts=True,
        unique_fields=["number", "remote_id"],
        update_fields=["datastream_id"],
    )
    return mine


@transaction.atomic
def send_envelope(target: int, topic: str, content: Mapping[str, Any]) -> None:
    """Put an envelope for another node into the outbox, in the caller's transaction.

    Args:
        target: number of the node.
        topic: which applier there acts on it.
        content: JSON values.
    """
    Outbox.objects.create(target=target, topic=topic, payload=json.dumps(content, ensure_ascii=False).encode())


@transaction.atomic
def apply_envelope(  # noqa: PLR0913  the position it moves
    number: int, content: dict[str, Any], *, apply: Apply, stream: str, after: int, through: int
) -> bool:
    """Act on an envelope exactly once: its effect and the position are committed together.

    Args:
        number: of the sender.
        content: JSON values.
        apply: acts on it.
        stream: name of the sender's stream.
        after: position before it.
        through: position afterwards.

    Returns:
        False if the position does not stand where the envelope follows; nothing was done.
    """
    row = StreamPosition.objects.select_for_update().filter(pk=stream).first()
    if (row.sequence if row else 0) != after:
        return False
    apply(number, content)
    StreamPosition.objects.update_or_create(stream=stream, defaults={"sequence": through, "moved_at": timezone.now()})
    return True


def note_status(  # noqa: PLR0913  what a node tells
    number: int,
    *,
    incarnation: str,
    version: str,
    clock_ahead_s: float,
    waiting_rows: int,
    waiting_readings: int,
    oldest_at: datetime | None,
    taken: int,
    late: int,
    gaps: int,
) -> bool:
    """Note how a node stands; return False if it is not registered, or was removed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE convey_node SET incarnation = %s, version = %s, heard_at = clock_timestamp(), clock_ahead_s = %s,"
            " waiting_rows = %s, waiting_readings = %s, oldest_at = %s, taken_readings = taken_readings + %s,"
            " late_readings = late_readings + %s, gaps = gaps + %s WHERE number = %s AND removed_at IS NULL",
            [
                incarnation[:40],
                version[:40],
                clock_ahead_s,
                waiting_rows,
                waiting_readings,
                oldest_at,
                taken,
                late,
                gaps,
                number,
            ],
        )
        return bool(cursor.rowcount)


def incarnation() -> str:
    """Return which database this is."""
    return str(Incarnation.objects.get(pk=1).code)
