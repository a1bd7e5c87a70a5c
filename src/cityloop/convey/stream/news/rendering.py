"""From changes to messages: which subjects are told what."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cityloop.convey.stream.news.batches import EntityNews, ReadingNews
from cityloop.convey.stream.news.interest import Heard
from cityloop.convey.stream.news.subjects import ROOT
from cityloop.convey.stream.news.topics import Topic
from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.sta.names import BY_COLLECTION, OBSERVATION, EntityType
from cityloop.sense.stream.sta.paths import Resource, Step
from cityloop.sense.stream.sta.syntax import Options
from cityloop.sense.stream.sta.telling import ENTITIES_MAX, Observed, Teller

log = logging.getLogger(__name__)

Told = tuple[str, bytes]
"""A subject and what is published on it."""


@dataclass(slots=True)
class Changes:
    """What has happened since it was last told.

    Attributes:
        readings: batches of new observations.
        entities: by entity set, the changed members of each entity, None of a new one.
    """

    readings: list[ReadingNews] = field(default_factory=list)
    entities: dict[str, dict[int, tuple[str, ...] | None]] = field(default_factory=dict)

    def add_entity(self, news: EntityNews) -> None:
        """Take an entity in; several changes of one entity are told once, as it then is, last."""
        known = self.entities.setdefault(news.collection, {})
        before = known.pop(news.key, ())
        known[news.key] = None if before is None or news.members is None else tuple({*before, *news.members})

    def __bool__(self) -> bool:
        """Return whether there is anything to tell."""
        return bool(self.readings or self.entities)


def _whole(entity: EntityType) -> Resource:
    return Resource((Step(entity, None, None),))


class Renderer:
    """Finds what is to be published.

    Args:
        teller: shows entities.
    """

    def __init__(self, teller: Teller) -> None:
        """Take the teller."""
        self._teller = teller

    async def told(self, changes: Changes, heard: Heard) -> list[Told]:
        """Return subjects and messages, in the order in which they are published."""
        messages: list[Told] = []
        if changes.readings:
            messages += await self._readings(changes.readings, heard)
        for collection, changed in changes.entities.items():
            entity = BY_COLLECTION.get(collection)
            if entity is not None:
                messages += await self._entities(entity, changed, heard)
        return messages

    async def _readings(self, batches: Sequence[ReadingNews], heard: Heard) -> list[Told]:
        stream = np.concatenate([batch.datastream_id for batch in batches])
        rows = heard.wanted().rows(stream)
        columns = (
            stream[rows],
            np.concatenate([batch.phenomenon_us for batch in batches])[rows],
            np.concatenate([batch.observation_id for batch in batches])[rows],
        )
        news: list[Observed] = list(zip(*(column.tolist() for column in columns), strict=True))
        messages: list[Told] = []
        for first in range(0, len(news), ENTITIES_MAX):
            messages += await self._observations(news[first : first + ENTITIES_MAX], heard, members=None)
        return messages

    async def _observations(
        self, news: Sequence[Observed], heard: Heard, *, members: tuple[str, ...] | None
    ) -> list[Told]:
        """Return what is told of observations; `members` are what changed of them, None of new ones."""
        messages: list[Told] = []
        everywhere = OBSERVATION.name in heard.sets or bool(heard.wildcards)
        plain = [item for item in news if everywhere or item[0] in heard.streams]
        if plain:
            stream_of = {key: stream for stream, _, key in plain}
            for key, body in await self._safe_observations(_whole(OBSERVATION), Options(), plain):
                messages += [(s, body) for s in _observation_subjects(stream_of[key], key, heard)]
        for topic in heard.looked_up.get(OBSERVATION.name, ()):
            mine = [item for item in news if _may_concern(topic, item)] if topic.concerns(members) else []
            if mine and not _is_told_already(topic, heard):
                told = await self._safe_observations(topic.resource, topic.options, mine)
                messages += [(topic.subject, body) for _, body in told]
        return messages

    async def _safe_observations(
        self, resource: Resource, options: Options, news: Sequence[Observed]
    ) -> list[tuple[int, bytes]]:
        try:
            return await self._teller.observations(resource, options, news)
        except CityloopError as error:
            log.warning("Observations could not be told: %s", error)
            return []

    async def _entities(
        self, entity: EntityType, changed: dict[int, tuple[str, ...] | None], heard: Heard
    ) -> list[Told]:
        if entity is OBSERVATION:
            return await self._changed_observations(changed, heard)
        messages: list[Told] = []
        if entity.name in heard.sets or heard.wildcards:
            for key, body in await self._safe_entities(_whole(entity), Options(), changed):
                subjects = (f"{ROOT}.{entity.collection}", f"{ROOT}.{entity.collection}({key})")
                messages += [(s, body) for s in subjects if _is_plainly_heard(s, entity, heard)]
        for topic in heard.looked_up.get(entity.name, ()):
            mine = [key for key, members in changed.items() if topic.concerns(members) and _is_named(topic, key)]
            if mine and not _is_told_already(topic, heard) and not _is_carried(topic):
                told = await self._safe_entities(topic.resource, topic.options, mine)
                messages += [(topic.subject, body) for _, body in told]
        return messages

    async def _changed_observations(self, changed: dict[int, tuple[str, ...] | None], heard: Heard) -> list[Told]:
        messages: list[Told] = []
        for item in await self._teller.observed(list(changed)):
            messages += await self._observations([item], heard, members=changed[item[2]])
        return messages

    async def _safe_entities(
        self, resource: Resource, options: Options, keys: Iterable[int]
    ) -> list[tuple[int, bytes]]:
        told: list[tuple[int, bytes]] = []
        everyone = list(keys)
        try:
            for first in range(0, len(everyone), ENTITIES_MAX):
                told += await self._teller.entities(resource, options, everyone[first : first + ENTITIES_MAX])
        except CityloopError as error:
            log.warning("Entities could not be told: %s", error)
        place = {key: number for number, key in enumerate(everyone)}
        return sorted(told, key=lambda item: place[item[0]])


def _observation_subjects(stream: int, key: int, heard: Heard) -> list[str]:
    whole = f"{ROOT}.Observations"
    own, single = f"{ROOT}.Datastreams({stream}).Observations", f"{ROOT}.Observations({key})"
    subjects = []
    if OBSERVATION.name in heard.sets or heard.is_covered(whole):
        subjects.append(whole)
    if stream in heard.streams or heard.is_covered(own):
        subjects.append(own)
    if heard.is_covered(single):
        subjects.append(single)
    return subjects


def _is_plainly_heard(subject: str, entity: EntityType, heard: Heard) -> bool:
    found = heard.sets.get(entity.name)
    return (found is not None and found.subject == subject) or heard.is_covered(subject)


def _is_told_already(topic: Topic, heard: Heard) -> bool:
    """Return whether a topic is the plain address of one entity, which a pattern has been told of."""
    is_plain = len(topic.resource.steps) == 1 and topic.resource.member is None and not topic.options.written
    return is_plain and heard.is_covered(topic.subject)


def _is_carried(topic: Topic) -> bool:
    """Return whether a topic is where a device hears its tasks: those are brought to it, each once, not told."""
    names = [step.entity.name for step in topic.resource.steps]
    return names == ["TaskingCapability", "Task"] and topic.resource.last.key is None and not topic.options.written


def _is_named(topic: Topic, key: int) -> bool:
    """Return whether a topic that names its entity by id names this one."""
    named = topic.resource.last.key
    return named is None or named == key


def _may_concern(topic: Topic, news: Observed) -> bool:
    return topic.stream in (0, news[0]) and _is_named(topic, news[2])
