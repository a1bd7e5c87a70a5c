"""What a token may do over MQTT: the same rights as over HTTP, said as subjects of the transport."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cityloop.convey.stream.jetstream import PRIVATE_PREFIX
from cityloop.convey.stream.news.subjects import answers_allowed, topics_allowed
from cityloop.registry.stream import TokenRights

log = logging.getLogger(__name__)

TOPICS_MAX = 5_000
"""Bound of the single topics a reader may subscribe to; 5,000 make claims of about 200 KB for each login."""

STREAMS = "v1//1"
"""First word of the subjects of SensorThings topics: `v1.1` as the transport writes it."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects, wildcards allowed; what is not named is forbidden.

    Attributes:
        publish: where it may publish, as mapped.
        subscribe: what it may subscribe to.
    """

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the database knows of a token's owner.

    Attributes:
        device_code: of a device's token: its code in the ledger, empty where it is in none.
        own_streams: datastreams it may add observations to.
        visible_streams: datastreams it may read.
        capabilities: of a device: the tasking capabilities of its thing.
        is_impostor: whether it calls itself by the code of a device that it is not.
    """

    device_code: str = ""
    own_streams: Sequence[int] = ()
    visible_streams: Sequence[int] = ()
    capabilities: Sequence[int] = ()
    is_impostor: bool = False


def permissions_of(rights: TokenRights, belongings: Belongings) -> Permissions:
    """Return what a token may do.

    A device adds to the streams of its thing, says how it is, and hears its own tasks. A machine of the city that may
    write adds to any stream, one that may read hears all of them; a machine of an organisation hears what it owns and
    what contracts grant it.
    """
    if rights.thing_id is not None:
        return _of_device(rights, belongings) if rights.may_write else Permissions()
    if rights.reaches_all:
        return Permissions(
            publish=(f"{PRIVATE_PREFIX}{STREAMS}.>",) if rights.may_write else (),
            subscribe=tuple(topics_allowed(rights, ())),
        )
    publish = _observations(rights, belongings.own_streams, prefix=PRIVATE_PREFIX) if rights.may_write else ()
    subscribe = topics_allowed(rights, _bounded(rights, belongings.visible_streams))
    return Permissions(publish=publish, subscribe=tuple(subscribe))


def _of_device(rights: TokenRights, belongings: Belongings) -> Permissions:
    streams = [f"{PRIVATE_PREFIX}{STREAMS}.Datastreams({number}).Observations" for number in belongings.own_streams]
    code = belongings.device_code
    said = [f"{PRIVATE_PREFIX}devices.{code}.up"] if code else []
    heard = [f"devices.{code}.>"] if code else []
    tasks = topics_allowed(rights, (), capabilities=belongings.capabilities)
    answers = answers_allowed(belongings.capabilities)
    return Permissions(publish=(*streams, *said, *answers), subscribe=(*heard, *tasks))


def _observations(rights: TokenRights, streams: Sequence[int], *, prefix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{STREAMS}.Datastreams({number}).Observations" for number in _bounded(rights, streams))


def _bounded(rights: TokenRights, streams: Sequence[int]) -> Sequence[int]:
    if len(streams) > TOPICS_MAX:
        log.warning(
            "%s (%s) has %d datastreams; over MQTT it reaches the first %d of them",
            rights.actor,
            rights.name,
            len(streams),
            TOPICS_MAX,
        )
    return streams[:TOPICS_MAX]
