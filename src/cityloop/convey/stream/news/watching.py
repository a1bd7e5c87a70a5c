"""Looks at who listens: the transport's list of subscriptions, and the sessions its clients have just changed."""

import logging
from typing import Any

import msgspec

from cityloop.convey.stream.nats import Nats
from cityloop.convey.stream.news.interest import covers_topics

log = logging.getLogger(__name__)

LISTED_MAX = 100_000
"""Bound of the subscriptions the transport is asked for."""

SESSIONS = "$MQTT.sess.>"
"""Where the server stores the sessions of MQTT clients, before it acknowledges a subscription."""

_OWN_ACCOUNTS = ("CITY", "SYS", "AUTH")
_LIST = "$SYS.REQ.SERVER.PING.SUBSZ"


class _Session(msgspec.Struct):
    subs: dict[str, Any] = msgspec.field(default_factory=dict)


_session = msgspec.json.Decoder(_Session)


async def listed(system: Nats) -> dict[str, frozenset[int]]:
    """Return the subscriptions of clients to public topics, with the numbers of their connections.

    Args:
        system: a connection of the transport's own account.

    Raises:
        NatsAwayError: if the transport does not answer.
    """
    answer = await system.request(_LIST, {"subscriptions": True, "limit": LISTED_MAX})
    found: dict[str, set[int]] = {}
    for item in answer.get("data", {}).get("subscriptions_list", ()):
        subject, account = item.get("subject", ""), item.get("account", "")
        if account not in _OWN_ACCOUNTS and covers_topics(subject):
            found.setdefault(subject, set()).add(item.get("cid", 0))
    return {subject: frozenset(who) for subject, who in found.items()}


def subscribed(session: bytes) -> list[str]:
    """Return what a stored session is subscribed to, nothing where it cannot be read.

    A pattern that ends in `#` hears the level above it too, which the server holds as a subscription of its own.
    """
    try:
        subjects = list(_session.decode(session).subs)
    except msgspec.DecodeError:
        return []
    return subjects + [subject.removesuffix(".>") for subject in subjects if subject.endswith(".>")]
