"""Public topics, as MQTT writes them and as the transport does, and who may subscribe to which.

An MQTT topic's `.` is `//` in a subject of NATS and its `/` is `.`; a server refuses spaces, so `$filter` comes
percent-encoded, and whoever percent-encodes its `/` and `.` too keeps the topic within two levels.
"""

from collections.abc import Sequence

from cityloop.registry.stream import TokenRights

ROOT = "v1//1"
"""First word of the subjects of SensorThings topics: `v1.1` as the transport writes it."""

TOPIC_ROOT = "v1.1/"
"""Begins every public topic."""

SUBJECT_LENGTH_MAX = 1000
"""Longest subject that is told anything, characters."""


def subject_of(topic: str) -> str:
    """Return the subject of a topic without empty levels."""
    return topic.replace(".", "//").replace("/", "\0").replace("\0\0", "//").replace("\0", ".")


def topic_of(subject: str) -> str:
    """Return the topic of a subject."""
    return ".".join(part.replace(".", "/") for part in subject.split("//"))


def matches(pattern: str, subject: str) -> bool:
    """Return whether a subscription, perhaps with wildcards, hears a subject."""
    wanted, given = pattern.split("."), subject.split(".")
    for number, word in enumerate(wanted):
        if word == ">":
            return len(given) > number
        if number >= len(given) or word not in ("*", given[number]):
            return False
    return len(wanted) == len(given)


def has_wildcard(pattern: str) -> bool:
    """Return whether a subscription hears more than one subject."""
    return any(word in ("*", ">") for word in pattern.split("."))


def topics_allowed(
    rights: TokenRights, visible_datastreams: Sequence[int], *, capabilities: Sequence[int] = ()
) -> list[str]:
    """Return what a token may subscribe to, as subjects of the transport with wildcards.

    What a topic tells is the same for all who hear it. So a limited token hears the topics of its datastreams only: the
    stream, its properties, its observations with their options, and what it belongs to. A device hears the tasks of
    its own thing and nothing else.

    Args:
        rights: of the token.
        visible_datastreams: those a limited token may read.
        capabilities: the tasking capabilities of a device's own thing.
    """
    if rights.thing_id is not None:
        return [f"{ROOT}.TaskingCapabilities({number}).Tasks" for number in capabilities]
    if not rights.may_read:
        return []
    if rights.reaches_all:
        return [f"{ROOT}.>"]
    streams = [f"{ROOT}.Datastreams({number})" for number in visible_datastreams]
    return [subject for stream in streams for subject in (stream, f"{stream}.*")]


def answers_allowed(capabilities: Sequence[int]) -> list[str]:
    """Return where a device may publish how its tasks stand: private subjects of its own thing's capabilities."""
    return [f"mouth.{ROOT}.TaskingCapabilities({number}).*.status" for number in capabilities]
