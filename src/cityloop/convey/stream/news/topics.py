"""What a topic names: an entity set, an entity, a property, or something that must be looked up."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from cityloop.convey.stream.news.subjects import ROOT, SUBJECT_LENGTH_MAX, topic_of
from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.sta.names import EntityType
from cityloop.sense.stream.sta.options import read_options
from cityloop.sense.stream.sta.paths import Resource, read_path
from cityloop.sense.stream.sta.query import check_select
from cityloop.sense.stream.sta.syntax import Node, Options, Path

REMEMBERED_MAX = 20_000
"""Topics whose reading is remembered."""

OPTIONS_READ = frozenset({"$select", "$filter", "$expand"})
"""Options a topic may carry; a topic tells single entities, so there is nothing to order, count or skip."""


STREAM_STEPS_MAX = 2
"""Longest path below a datastream: whoever may hear the datastream may hear all that is told below it."""


class Shape(Enum):
    """How it is found out whether a topic is told of a change."""

    ENTITY_SET = "entity set"
    STREAM = "observations of one datastream"
    LOOKED_UP = "by a query"


class TopicRefusedError(CityloopError):
    """A topic carries options that it may not."""

    key = "The topic %(topic)s is told nothing: %(reason)s"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that is told news.

    Attributes:
        subject: as the transport writes it.
        shape: how its news are found.
        resource: what its path names.
        options: what it selects and filters.
    """

    subject: str
    shape: Shape
    resource: Resource
    options: Options

    @property
    def entity(self) -> EntityType:
        """Return the type of the entities it tells of."""
        return self.resource.last.entity

    @property
    def stream(self) -> int:
        """Return the datastream below which it stands, 0 where it is none."""
        first = self.resource.steps[0]
        return first.key or 0 if first.entity.name == "Datastream" else 0

    def concerns(self, members: tuple[str, ...] | None) -> bool:
        """Return whether a change of these properties, or a new entity, is news here."""
        member = self.resource.member
        return member is None or (members is not None and member.name in members)


@lru_cache(maxsize=REMEMBERED_MAX)
def topic_named(subject: str) -> Topic:
    """Return the topic of a subject without wildcards.

    Raises:
        CityloopError: if it names nothing that is told.
    """
    topic = topic_of(subject.removeprefix(ROOT + "."))
    if not subject.startswith(ROOT + ".") or len(subject) > SUBJECT_LENGTH_MAX:
        raise TopicRefusedError(topic=topic[:200], reason="it is too long or not of this service")
    path, _, query = topic.partition("?")
    resource = read_path(path)
    options = read_options(query, page_size=1, page_max=1)
    _check(topic, resource, options)
    return Topic(subject, _shape(resource, query), resource, options)


def _shape(resource: Resource, query: str) -> Shape:
    steps = resource.steps
    if query or resource.member is not None:
        return Shape.LOOKED_UP
    if len(steps) == 1 and steps[0].key is None:
        return Shape.ENTITY_SET
    if len(steps) == STREAM_STEPS_MAX and [step.entity.name for step in steps] == ["Datastream", "Observation"]:
        return Shape.STREAM if steps[1].key is None else Shape.LOOKED_UP
    return Shape.LOOKED_UP


def _check(topic: str, resource: Resource, options: Options) -> None:
    """Refuse what would tell listeners of one datastream about others: a topic is the same for all who hear it."""
    if resource.raw or resource.references:
        raise TopicRefusedError(topic=topic[:200], reason="values and references are read over HTTP")
    if not options.written.keys() <= OPTIONS_READ:
        raise TopicRefusedError(topic=topic[:200], reason="topics take $select, $filter and $expand")
    check_select(resource.last.entity, options)
    if resource.steps[0].entity.name == "Datastream" and len(resource.steps) > STREAM_STEPS_MAX:
        raise TopicRefusedError(topic=topic[:200], reason="below a datastream, topics lead one step on")
    is_broad = len(resource.steps) == 1 and resource.steps[0].key is None
    leads_on = options.expand or any(
        resource.last.entity.navigation_named(path.parts[0]) for path in _paths(options.filter)
    )
    if leads_on and not is_broad:
        raise TopicRefusedError(
            topic=topic[:200], reason="below an entity, filters speak of the entity's own properties"
        )


def _paths(node: object) -> Iterator[Path]:
    if isinstance(node, Path):
        yield node
    elif isinstance(node, Node):
        for field in dataclasses.fields(node):
            yield from _paths(getattr(node, field.name))
    elif isinstance(node, tuple | list):
        for item in node:
            yield from _paths(item)
