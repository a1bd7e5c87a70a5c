"""What other rooms ask of sense, and what projects declare to it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from cityloop.journal import facade as journal
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.declarations import Origin, Project, StreamSpec, ThingSpec
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.facts import new_fact_id
from cityloop.kernel.facts.sensed import ReadingsKept
from cityloop.kernel.instants import to_us
from cityloop.kernel.observation_ids import ObservationIds
from cityloop.kernel.text import Text
from cityloop.sense import facade
from cityloop.sense.models import Datastream, Rejected, RejectedCount
from cityloop.sense.selectors.counters import _Settled
from tests.seeds import seed_registry

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
WATER = Text("水", "Water")


def project(*, title: Text = WATER, origin: Origin = Origin.LIVE) -> Project:
    thing = ThingSpec(code="well", title=WATER, description=WATER, longitude=116.3975, latitude=39.9087)
    stream = StreamSpec(
        code="well.level",
        thing="well",
        title=title,
        property_code="level",
        property_title=WATER,
        property_definition="http://example.org/level",
        unit_symbol="m",
        unit_name="metre",
        unit_definition="http://example.org/m",
        period_s=60,
        origin=origin,
        source=Text("回放", "replayed") if origin is Origin.REPLAYED else None,
    )
    return Project(
        code="wells",
        number=None,
        title=WATER,
        summary=WATER,
        lead="x",
        plan_source=WATER,
        things=(thing,),
        streams=(stream,),
    )


def keep(stream: int, at: datetime, value: float, ids: ObservationIds = ObservationIds(node=0, writer=0)) -> int:  # noqa: B008  one source of ids for the module
    ((number, _),) = ids.reserve(1, now_us=to_us(NOON))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id) "
            "VALUES (%s, %s, %s, %s, 1)",
            [stream, at, number, value],
        )
    return number


@pytest.fixture
def stream() -> int:
    seed_registry()
    facade.declare(project())
    (view,) = facade.streams_of_project("wells")
    return view.datastream_id


def test_a_declared_stream_lies_in_its_district(stream: int) -> None:
    view = facade.stream_view(stream)
    assert (view.code, view.area, view.title, view.period_s) == ("wells/well.level", "110101", WATER, 60)
    assert view.source is None


def test_a_stream_declared_again_keeps_its_id_and_takes_the_new_words(stream: int) -> None:
    facade.declare(project(title=Text("水位", "Level"), origin=Origin.REPLAYED))
    (view,) = facade.streams_of_project("wells")
    assert view.datastream_id == stream
    assert (view.title.en, view.origin, view.source and view.source.zh) == ("Level", Origin.REPLAYED, "回放")


def test_a_stream_that_nobody_declared_shows_its_own_name_in_both_languages(stream: int) -> None:
    Datastream.objects.filter(pk=stream).update(properties={"title_zh": 7}, name="Pegel")
    assert facade.stream_view(stream).title == Text("Pegel", "Pegel")


def test_an_unknown_stream_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        facade.stream_view(1)


def test_a_stream_without_readings_has_no_latest(stream: int) -> None:
    assert facade.latest_of([stream]) == {}


def test_a_reading_is_found_by_its_id_on_its_day_and_on_any_other(stream: int) -> None:
    near, far = keep(stream, NOON, 1.5), keep(stream, NOON - timedelta(days=400), 2.5)
    found = [facade.observation(number) for number in (near, far)]
    assert [view.value for view in found if view] == [1.5, 2.5]
    assert facade.observation(7) is None


def test_a_curve_is_the_mean_of_each_span(stream: int) -> None:
    for minute, value in ((0, 1.0), (10, 3.0), (70, 5.0)):
        keep(stream, NOON + timedelta(minutes=minute), value)
    curve = facade.series([stream], since=NOON, until=NOON + timedelta(hours=2), bucket_s=3600)
    assert (curve.mean, curve.count) == ((2.0, 5.0), (2, 1))
    assert facade.hourly(stream, since=NOON, until=NOON + timedelta(hours=1)) == [(NOON, 2.0)]


def test_arrivals_count_each_moment_once_and_expect_one_a_period(stream: int) -> None:
    for minute in (0, 0, 1, 2):
        keep(stream, NOON + timedelta(minutes=minute), 1.0)
    assert facade.arrivals([stream], since=NOON, until=NOON + timedelta(minutes=10)) == (3, 10)


def test_readings_are_counted_once_however_often_one_asks() -> None:
    def kept(at: datetime, readings: int) -> None:
        fact = ReadingsKept(
            fact_id=new_fact_id(), happened_at=at, actor="system:wire", area=AreaCode("110000"), readings=readings,
            duplicates=0, rejected=0, first_observation_id=1, last_observation_id=2,
        )  # fmt: skip
        journal.post(fact)

    settled = _Settled()
    for minutes in (900, 30, 2):
        kept(NOON - timedelta(minutes=minutes), 100)
    kept(NOON - timedelta(seconds=5), 50)
    first = facade.reading_counters(now=NOON, settled=settled)
    again = facade.reading_counters(now=NOON + timedelta(minutes=2), settled=settled)
    assert (first.today, first.per_s, again.today, again.per_s) == (250, 5.0, 250, 0.0)


def test_refused_messages_are_shown_newest_first_and_forgotten_in_time() -> None:
    for reason, days in (("old", 40), ("new", 0)):
        Rejected.objects.create(
            mouth="mqtt", reason=reason, payload=b"{", received_at=datetime.now(UTC) - timedelta(days=days)
        )
        RejectedCount.objects.create(mouth="mqtt", reason=reason, day=NOON.date(), count=days + 1)
    assert [row.reason for row in facade.rejected_recent(10)] == ["new", "old"]
    assert [(row.reason, row.count) for row in facade.rejected_counts(NOON)] == [("old", 41), ("new", 1)]
    assert facade.trim_rejected() == 1
    assert [row.reason for row in facade.rejected_recent(10)] == ["new"]


def test_partitions_are_made_ahead_once() -> None:
    assert facade.make_partitions(date(2031, 1, 1)) == 3
    assert facade.make_partitions(date(2031, 1, 2)) == 1


def test_streams_are_named_by_code_by_pattern_and_by_number() -> None:
    seed_registry()
    facade.declare(project(), Origin.LIVE)
    (view,) = facade.streams_of_project(project().code)
    whole, number = view.code, f"#{view.datastream_id}"
    for names in ([whole], [whole[:-2] + "*"], [number], [whole, number, "nobody"]):
        assert [one.datastream_id for one in facade.streams_named(names, streams_max=5)] == [view.datastream_id]
    for names in ([], ["nobody"], [str(view.datastream_id)], ["#"], ["#x"], ["#" + "9" * 40], ["#²"]):
        assert facade.streams_named(names, streams_max=5) == []
    assert facade.streams_named([whole], streams_max=0) == []
