"""Topics and subjects are each other's image; who may subscribe to what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.news.subjects import (
    answers_allowed,
    has_wildcard,
    matches,
    subject_of,
    topic_of,
    topics_allowed,
)
from cityloop.convey.stream.news.topics import Shape, topic_named
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import CityloopError
from cityloop.registry.stream import TokenRights

LEVELS = st.text("abcXYZ019()$=,%?'_-", min_size=1, max_size=8)
WORDS = st.lists(st.lists(LEVELS, min_size=1, max_size=3).map(".".join), min_size=1, max_size=4)


def rights(*, may_read: bool = True, area: AreaCode = CITY, organisation: str = "", thing: int = 0) -> TokenRights:
    return TokenRights(
        token_id=1,
        name="t",
        may_read=may_read,
        may_write=False,
        area=area,
        organisation=organisation,
        thing_id=thing or None,
    )


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("v1.1/Things", "v1//1.Things"),
        ("v1.1/Datastreams(5)/Observations", "v1//1.Datastreams(5).Observations"),
        ("v1.1/Things?$filter=a%20gt%203.5", "v1//1.Things?$filter=a%20gt%203//5"),
    ],
)
def test_a_topics_dot_is_two_slashes_and_its_slash_a_dot(topic: str, subject: str) -> None:
    assert subject_of(topic) == subject
    assert topic_of(subject) == topic


@given(WORDS)
def test_a_topic_comes_back_from_its_subject(words: list[str]) -> None:
    assert topic_of(subject_of("/".join(words))) == "/".join(words)


@pytest.mark.parametrize(
    ("pattern", "subject", "hears"),
    [
        ("v1//1.>", "v1//1.Things", True),
        ("v1//1.>", "v1//1", False),
        (">", "v1//1", True),
        ("v1//1.*", "v1//1.Things", True),
        ("v1//1.*", "v1//1.Things(1).name", False),
        ("v1//1.*.Observations", "v1//1.Datastreams(1).Observations", True),
        ("v1//1.Things", "v1//1.Things", True),
        ("v1//1.Things", "v1//1.Thing", False),
        ("v1//1.Things.name", "v1//1.Things", False),
    ],
)
def test_patterns_hear_as_the_transport_lets_them(pattern: str, subject: str, hears: bool) -> None:  # noqa: FBT001  a case
    assert matches(pattern, subject) is hears
    assert has_wildcard(pattern) is (pattern != subject and ("*" in pattern or ">" in pattern))


def test_who_reaches_all_hears_all_and_the_limited_only_below_their_streams() -> None:
    assert topics_allowed(rights(), [1]) == ["v1//1.>"]
    assert topics_allowed(rights(organisation="o"), [5, 7]) == [
        "v1//1.Datastreams(5)",
        "v1//1.Datastreams(5).*",
        "v1//1.Datastreams(7)",
        "v1//1.Datastreams(7).*",
    ]
    assert topics_allowed(rights(area=AreaCode("110105")), []) == []
    assert topics_allowed(rights(may_read=False), [5]) == []


def test_a_device_hears_its_own_tasks_only_and_answers_them() -> None:
    assert topics_allowed(rights(thing=3), [5], capabilities=[8]) == ["v1//1.TaskingCapabilities(8).Tasks"]
    assert answers_allowed([8]) == ["mouth.v1//1.TaskingCapabilities(8).*.status"]


@given(st.lists(st.integers(1, 2**40), max_size=5))
def test_no_limited_token_hears_a_broad_topic(streams: list[int]) -> None:
    allowed = topics_allowed(rights(organisation="o"), streams)
    broad = ("v1//1.Observations", "v1//1.Datastreams", "v1//1.Things(1)", "v1//1.Tasks", "v1//1.Datastreams(0).x")
    assert not any(matches(pattern, subject) for pattern in allowed for subject in broad)


@pytest.mark.parametrize(
    ("subject", "shape", "entity", "stream"),
    [
        ("v1//1.Things", Shape.ENTITY_SET, "Thing", 0),
        ("v1//1.Datastreams(5).Observations", Shape.STREAM, "Observation", 5),
        ("v1//1.Datastreams(5).Observations?$select=result", Shape.LOOKED_UP, "Observation", 5),
        ("v1//1.Datastreams(5).Observations(7)", Shape.LOOKED_UP, "Observation", 5),
        ("v1//1.Datastreams(5).Thing", Shape.LOOKED_UP, "Thing", 5),
        ("v1//1.Things(5).name", Shape.LOOKED_UP, "Thing", 0),
        ("v1//1.Observations?$filter=result%20gt%203//5&$expand=Datastream", Shape.LOOKED_UP, "Observation", 0),
        ("v1//1.Datastreams(5).Observations?$filter=parameters%2Fdepth%20gt%203", Shape.LOOKED_UP, "Observation", 5),
    ],
)
def test_a_subject_names_what_is_told(subject: str, shape: Shape, entity: str, stream: int) -> None:
    topic = topic_named(subject)
    assert (topic.shape, topic.entity.name, topic.stream) == (shape, entity, stream)


@pytest.mark.parametrize(
    "subject",
    [
        "v2.Things",
        "v1//1.Nothing",
        "v1//1.Things(x)",
        "v1//1.Things?$top=5",
        "v1//1.Things?$select=nothing",
        "v1//1.Things?$filter=name%20eq",
        "v1//1.Things(1).$ref",
        "v1//1.Things(1).name.$value",
        "v1//1.Datastreams(5).Thing.Datastreams",
        "v1//1.Datastreams(5).Observations?$expand=Datastream",
        "v1//1.Datastreams(5).Observations?$filter=Datastream%2Fname%20eq%20'a'",
        "v1//1.Datastreams(5).Observations?$filter=not%20(FeatureOfInterest%2Fname%20eq%20'a')",
        "v1//1.Things?$filter=" + "x" * 2000,
    ],
)
def test_what_is_told_nothing_is_refused_with_a_reason(subject: str) -> None:
    with pytest.raises(CityloopError):
        topic_named(subject)


@given(st.text(max_size=60))
def test_no_subject_breaks_the_reading_of_topics(text: str) -> None:
    assert refusal(f"v1//1.{text}") is None or text is not None


def refusal(subject: str) -> CityloopError | None:
    try:
        topic_named(subject)
    except CityloopError as error:
        return error
    return None
