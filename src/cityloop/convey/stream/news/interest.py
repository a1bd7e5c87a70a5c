"""Which topics anybody listens to: the transport's list of subscriptions, and what clients have just subscribed to."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from cityloop.convey.stream.news.batches import Wanted
from cityloop.convey.stream.news.subjects import ROOT, has_wildcard, matches
from cityloop.convey.stream.news.topics import Shape, Topic, topic_named
from cityloop.kernel.errors import CityloopError

log = logging.getLogger(__name__)

HINT_S = 10.0
"""A topic that a client has just subscribed to counts as heard for so long without being on the list, seconds."""

TOPICS_MAX = 20_000
"""Bound of topics that are told anything; further ones are counted and said."""

LOOKED_UP_MAX = 500
"""Bound of topics whose news a query must find; further ones are counted and said."""

STREAMS_MAX = 10_000
"""Of more single streams than this all readings are wanted."""

SESSIONS_MAX = 20_000
"""Bound of the sessions that are remembered; of one that is forgotten, topics may be taken for new once more."""

_IGNORED_MAX = 10_000

Subscriptions = Mapping[str, frozenset[int]]
"""By subject or pattern, the connections that listen."""


@dataclass(slots=True)
class Heard:
    """Topics that are listened to, ordered by how their news are found.

    Attributes:
        sets: by entity type, the topics of whole entity sets.
        streams: by datastream, the topic of its observations.
        looked_up: by entity type, topics whose news a query finds.
        wildcards: patterns; what they cover is told where it is news anyway.
    """

    sets: dict[str, Topic] = field(default_factory=dict)
    streams: dict[int, Topic] = field(default_factory=dict)
    looked_up: dict[str, list[Topic]] = field(default_factory=dict)
    wildcards: list[str] = field(default_factory=list)

    def is_covered(self, subject: str) -> bool:
        """Return whether a pattern hears a subject."""
        return any(matches(pattern, subject) for pattern in self.wildcards)

    def wanted(self) -> Wanted:
        """Return whose readings anybody listens to."""
        others = self.looked_up.get("Observation", ())
        streams = {*self.streams, *(topic.stream for topic in others if topic.stream)}
        broad = (
            "Observation" in self.sets
            or any(not topic.stream for topic in others)
            or bool(self.wildcards)
            or len(streams) > STREAMS_MAX
        )
        return Wanted(broad, np.array([] if broad else sorted(streams), dtype=np.int64))

    def __bool__(self) -> bool:
        """Return whether anybody listens to anything."""
        return bool(self.sets or self.streams or self.looked_up or self.wildcards)


class Interest:
    """Knows what is listened to.

    Attributes:
        heard: as it stands.
        ignored: topics that are told nothing, with the reason.
        dropped: how many topics are beyond the bounds.
    """

    def __init__(self) -> None:
        """Know of nobody."""
        self.heard = Heard()
        self.ignored: dict[str, str] = {}
        self.dropped = 0
        self._listed: Subscriptions = {}
        self._hints: dict[str, float] = {}
        self._sessions: dict[str, frozenset[str]] = {}
        self._come: Counter[str] = Counter()

    def subjects(self) -> set[str]:
        """Return what is listened to, as the transport writes it."""
        return {*self._listed, *self._hints}

    def list_is(self, listed: Subscriptions, *, now_s: float) -> set[str]:
        """Take the transport's list; return the subjects to which somebody has come since the last one.

        Args:
            listed: the subscriptions of clients.
            now_s: a clock.
        """
        fresh = self._come_to(listed)
        before = self.subjects()
        self._hints = {
            subject: until for subject, until in self._hints.items() if until > now_s and subject not in listed
        }
        self._listed = dict(listed)
        self._come = Counter({subject: self._come[subject] for subject in self._come.keys() & self.subjects()})
        if before != self.subjects():
            self._order()
        return fresh

    def _come_to(self, listed: Subscriptions) -> set[str]:
        """Return the subjects with more new listeners than their sessions have told of."""
        fresh = set()
        for subject, who in listed.items():
            new, told = len(who - self._listed.get(subject, frozenset())), self._come[subject]
            self._come[subject] = max(0, told - new)
            if new > told:
                fresh.add(subject)
        return fresh

    def has_subscribed(self, client: str, subjects: Iterable[str], *, now_s: float) -> set[str]:
        """Note what a client's session holds now; return the subjects that it did not hold before.

        Args:
            client: names the session.
            subjects: what it is subscribed to.
            now_s: a clock.
        """
        mine = frozenset(subject for subject in subjects if covers_topics(subject))
        fresh = set(mine - self._sessions.pop(client, frozenset()))
        if mine:
            self._sessions[client] = mine
            if len(self._sessions) > SESSIONS_MAX:
                del self._sessions[next(iter(self._sessions))]
        self._come.update(fresh)
        if new := fresh - self.subjects():
            self._hints.update((subject, now_s + HINT_S) for subject in new)
            self._order()
        return fresh

    def _order(self) -> None:
        heard, dropped, looked_up = Heard(), 0, 0
        for number, subject in enumerate(sorted(self.subjects())):
            if has_wildcard(subject):
                heard.wildcards.append(subject)
                continue
            topic = self._read(subject)
            if topic is None:
                continue
            looked_up += topic.shape is Shape.LOOKED_UP
            if number >= TOPICS_MAX or (topic.shape is Shape.LOOKED_UP and looked_up > LOOKED_UP_MAX):
                dropped += 1
            elif topic.shape is Shape.ENTITY_SET:
                heard.sets[topic.entity.name] = topic
            elif topic.shape is Shape.STREAM:
                heard.streams[topic.stream] = topic
            else:
                heard.looked_up.setdefault(topic.entity.name, []).append(topic)
        if dropped > self.dropped:
            log.warning("%d topics are beyond the bound and told nothing", dropped)
        self.heard, self.dropped = heard, dropped

    def _read(self, subject: str) -> Topic | None:
        if subject in self.ignored:
            return None
        try:
            return topic_named(subject)
        except CityloopError as error:
            if len(self.ignored) < _IGNORED_MAX:
                self.ignored[subject] = error.sentence()
                log.info("A topic is told nothing: %s", error)
            return None


def covers_topics(subject: str) -> bool:
    """Return whether a subscription hears public topics of entities."""
    return subject == ">" or subject.startswith((f"{ROOT}.", "*."))
