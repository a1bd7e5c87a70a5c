"""Things of another node are copied whole, renewed in place, and never told on."""

import pytest

from cityloop.kernel.declarations import Origin
from cityloop.sense import facade
from cityloop.sense.models import Datastream, Latest, Location, Thing
from cityloop.sense.tests.test_control_plane import project
from tests.seeds import seed_registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def told() -> list[dict[str, object]]:
    seed_registry()
    facade.declare(project(), Origin.SIMULATED)
    return [thing for part in facade.told_things() for thing in part]


def test_a_copy_has_every_word_of_its_original(told: list[dict[str, object]]) -> None:
    mine = facade.take_in_things(told, node=5)
    assert len(mine) == sum(len(thing["streams"]) for thing in told)
    for remote, own in mine.items():
        original, copy = Datastream.objects.get(pk=remote), Datastream.objects.get(pk=own)
        same = ("name", "unit_symbol", "area", "longitude", "latitude", "owner", "origin", "period_s", "properties")
        assert [getattr(copy, name) for name in same] == [getattr(original, name) for name in same]
        assert copy.sensor.metadata == original.sensor.metadata
        assert copy.observed_property.definition == original.observed_property.definition
        assert Latest.objects.filter(pk=own).exists()


def test_a_copy_is_renewed_in_place_and_never_told_on(told: list[dict[str, object]]) -> None:
    first = facade.take_in_things(told, node=5)
    told[0]["name"] = "another name"
    assert facade.take_in_things(told, node=5) == first
    assert Thing.objects.filter(name="another name").count() == 1
    again = [thing for part in facade.told_things() for thing in part]
    assert len(again) == len(told)
    other = facade.take_in_things(told, node=8)
    assert not set(other.values()) & set(first.values())


def test_a_thing_that_has_moved_keeps_its_past(told: list[dict[str, object]]) -> None:
    facade.take_in_things(told, node=5)
    before = Location.objects.count()
    told[0]["locations"] = [{**told[0]["locations"][0], "id": 999_999, "west": 116.0, "east": 116.0}]
    facade.take_in_things(told, node=5)
    assert Location.objects.count() == before + 1


def test_what_cannot_be_read_changes_nothing(told: list[dict[str, object]]) -> None:
    before = Thing.objects.count()
    broken = [*told, {"id": "no number"}]
    with pytest.raises(facade.CopyUnreadableError):
        facade.take_in_things(broken, node=5)
    assert Thing.objects.count() == before
