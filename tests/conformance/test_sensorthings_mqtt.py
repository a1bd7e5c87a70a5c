"""SensorThings over MQTT, A.7 and A.8: observations are created by publishing, updates are received by subscribing.

Everything is real: the NATS server, the callout that knows the tokens, the notifier, the wire, the API.
"""

from typing import Any

import httpx
import psycopg
import pytest

from tests.city import eventually
from tests.conformance.mqtt_city import Listener, Transport
from tests.conformance.sta_service import Sta

BASE = "http://city.test/sta/v1.1"


@pytest.fixture
def sta(news_sta: Sta) -> Sta:
    """Meet the API that announces its news."""
    return news_sta


def got(sta: Sta, path: str, **options: Any) -> Any:
    """Return what GET answers, with the addresses that MQTT tells."""
    text = sta.ask(path, **options).text.replace(sta.address, BASE)
    return httpx.Response(200, text=text).json()


# --- A.8 receive updates: every form of topic, insert, PATCH and PUT -------------------------------------------


def test_an_entity_set_tells_new_entities_as_get_shows_them(sta: Sta, machine: Listener) -> None:
    assert machine.subscribe("v1.1/Things")
    key = sta.create("Things", {"name": "pump house", "description": "at the lake"})
    assert machine.one("v1.1/Things") == got(sta, f"Things({key})")


def test_every_entity_set_tells_of_a_deep_insert(sta: Sta, machine: Listener) -> None:
    sets = ("Things", "Locations", "Datastreams", "Sensors", "ObservedProperties", "HistoricalLocations")
    for name in sets:
        assert machine.subscribe(f"v1.1/{name}")
    stream = sta.stream("deep")
    for name in sets:
        body = machine.one(f"v1.1/{name}")
        assert body == got(sta, f"{name}({body['@iot.id']})")
    assert sta.get(f"Datastreams({stream})/Thing")["name"] == "deep"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_sets_and_entities_tell_of_changes(sta: Sta, machine: Listener, method: str) -> None:
    key = sta.create("Things", {"name": "before", "description": "d"})
    other = sta.create("Things", {"name": "other", "description": "d"})
    own, every = f"v1.1/Things({key})", "v1.1/Things"
    for topic in (own, every):
        assert machine.subscribe(topic)
    for changed, name in ((other, "not on the entity's topic"), (key, "after")):
        assert sta.send(method, f"Things({changed})", {"name": name, "description": "d"}).status_code == 200
    assert machine.one(own) == got(sta, f"Things({key})")
    names = [machine.until(every, name=name)["name"] for name in ("not on the entity's topic", "after")]
    assert names == ["not on the entity's topic", "after"]


def test_a_property_tells_only_when_it_changes(sta: Sta, machine: Listener) -> None:
    key = sta.create("Things", {"name": "n", "description": "before"})
    assert machine.subscribe(f"v1.1/Things({key})/description")
    assert sta.send("PATCH", f"Things({key})", {"name": "m"}).status_code == 200
    assert sta.send("PATCH", f"Things({key})", {"description": "after"}).status_code == 200
    assert machine.one() == {"description": "after"} == sta.get(f"Things({key})/description")


def test_select_tells_what_is_selected(sta: Sta, machine: Listener) -> None:
    topic = "v1.1/Things?$select=name,description"
    assert machine.subscribe(topic)
    key = sta.create("Things", {"name": "n", "description": "d", "properties": {"a": 1}})
    assert machine.one(topic) == {"name": "n", "description": "d"}
    assert sta.send("PATCH", f"Things({key})", {"name": "m"}).status_code == 200
    assert machine.one(topic) == {"name": "m", "description": "d"}


def test_relative_topics_tell_what_lies_on_their_path(sta: Sta, machine: Listener) -> None:
    stream = sta.stream("on the path")
    thing = sta.get(f"Datastreams({stream})/Thing")["@iot.id"]
    for topic in (f"v1.1/Datastreams({stream})/Thing", f"v1.1/Things({thing})/Datastreams"):
        assert machine.subscribe(topic)
    sta.stream("elsewhere")
    assert sta.send("PATCH", f"Things({thing})", {"name": "renamed"}).status_code == 200
    assert machine.one(f"v1.1/Datastreams({stream})/Thing") == got(sta, f"Things({thing})")
    assert sta.send("PATCH", f"Datastreams({stream})", {"name": "renamed too"}).status_code == 200
    assert machine.one(f"v1.1/Things({thing})/Datastreams") == got(sta, f"Datastreams({stream})")


def test_a_move_tells_of_the_historical_location(sta: Sta, machine: Listener) -> None:
    thing = sta.create("Things", {"name": "tanker", "description": "d"})
    assert machine.subscribe("v1.1/HistoricalLocations")
    assert machine.subscribe(f"v1.1/Things({thing})/Locations")
    place = {"name": "bay", "description": "", "encodingType": "application/geo+json"}
    place["location"] = {"type": "Point", "coordinates": [116.3, 39.9]}
    sta.create(f"Things({thing})/Locations", place)
    assert machine.one(f"v1.1/Things({thing})/Locations")["name"] == "bay"
    key = machine.one("v1.1/HistoricalLocations")["@iot.id"]
    assert sta.get(f"HistoricalLocations({key})/Thing")["@iot.id"] == thing


# --- A.8 observations -----------------------------------------------------------------------------------------


def test_observations_are_told_on_their_set_and_stream_as_get_shows_them(sta: Sta, machine: Listener) -> None:
    stream, other = sta.stream("heard"), sta.stream("other")
    for topic in ("v1.1/Observations", f"v1.1/Datastreams({stream})/Observations"):
        assert machine.subscribe(topic)
    sta.observe(other, 1)
    key = sta.observe(stream, 2.5, "2026-05-01T00:00:00Z", resultTime="2026-05-01T00:00:01Z", parameters={"a": [1]})
    assert machine.one(f"v1.1/Datastreams({stream})/Observations") == got(sta, f"Observations({key})")
    assert [machine.one("v1.1/Observations")["result"] for _ in range(2)] == [1, 2.5]


def test_the_very_next_observation_after_the_acknowledgement_is_told(sta: Sta, machine: Listener) -> None:
    streams = [sta.stream(f"s{number}") for number in range(8)]
    for stream in streams:
        topic = f"v1.1/Datastreams({stream})/Observations"
        assert machine.subscribe(topic, qos=stream % 2)
        key = sta.observe(stream, stream)
        assert machine.one(topic)["@iot.id"] == key
    assert not machine.heard


def test_filter_and_select_of_a_topic_are_applied(sta: Sta, machine: Listener) -> None:
    stream = sta.stream()
    topic = f"v1.1/Datastreams({stream})/Observations?$filter=result%20gt%203%2E5&$select=result"
    assert machine.subscribe(topic)
    for result in (3, 4, 2, 5):
        sta.observe(stream, result)
    assert [machine.one(topic) for _ in range(2)] == [{"result": 4}, {"result": 5}]


def test_a_filter_may_lead_on_where_the_topic_is_for_those_who_see_everything(sta: Sta, machine: Listener) -> None:
    stream = sta.stream("led to")
    topic = "v1.1/Observations?$filter=Datastream%2Fname%20eq%20'led%20to'&$expand=Datastream($select=name)"
    assert machine.subscribe(topic)
    sta.observe(sta.stream("not led to"), 1)
    sta.observe(stream, 2)
    body = machine.one(topic)
    assert (body["result"], body["Datastream"]) == (2, {"name": "led to"})


def test_a_changed_observation_is_told_again(sta: Sta, machine: Listener) -> None:
    stream = sta.stream()
    key = sta.observe(stream, 1)
    topics = [
        f"v1.1/Datastreams({stream})/Observations",
        f"v1.1/Observations({key})",
        f"v1.1/Observations({key})/result",
    ]
    for topic in topics:
        assert machine.subscribe(topic)
    assert sta.send("PATCH", f"Observations({key})", {"result": 7}).status_code == 200
    assert [machine.one(topic)["result"] for topic in topics] == [7, 7, 7]


def test_wildcards_hear_each_plain_topic_once(sta: Sta, machine: Listener) -> None:
    stream = sta.stream()
    assert machine.subscribe(f"v1.1/Datastreams({stream})/#")
    sta.observe(stream, 1)
    sta.observe(stream, 2)
    topic = f"v1.1/Datastreams({stream})/Observations"
    assert [machine.one(topic)["result"] for _ in range(2)] == [1, 2]
    assert not machine.heard


def test_topics_that_name_nothing_are_told_nothing_and_harm_nobody(sta: Sta, machine: Listener) -> None:
    for topic in ("v1.1/Nothing", "v1.1/Things?$filter=no%20such", "v1.1/Things?$orderby=name", "v1.1/Things(1)/$ref"):
        assert machine.subscribe(topic)
    assert machine.subscribe("v1.1/Sensors")
    body = {"name": "s", "description": "d", "encodingType": "text/plain", "metadata": "m"}
    key = sta.create("Sensors", body)
    assert machine.one("v1.1/Sensors")["@iot.id"] == key
    assert not machine.heard


def test_a_notifier_that_was_killed_hinders_nobody_and_knows_the_listeners_again(
    sta: Sta, machine: Listener, transport: Transport
) -> None:
    stream = sta.stream()
    topic = f"v1.1/Datastreams({stream})/Observations"
    assert machine.subscribe(topic)
    transport.end("notify", hard=True)
    sta.observe(stream, 1)
    transport.start("notify")

    def hears() -> bool:
        sta.observe(stream, 2)
        return bool(machine.heard)

    eventually(hears, what="news after the notifier has come back")
    assert machine.one(topic)["result"] == 2


# --- A.7 create observations ----------------------------------------------------------------------------------


def test_publishing_on_the_three_topics_creates_observations_and_tells_of_them(sta: Sta, machine: Listener) -> None:
    stream = sta.stream()
    first = sta.observe(stream, 0)
    feature = sta.get(f"Observations({first})/FeatureOfInterest")["@iot.id"]
    assert machine.subscribe(f"v1.1/Datastreams({stream})/Observations")
    link = {"@iot.id": stream}
    machine.publish(f"v1.1/Datastreams({stream})/Observations", {"result": 1})
    machine.publish("v1.1/Observations", {"result": 2, "Datastream": link, "phenomenonTime": "2026-05-01T00:00:02Z"})
    body = {"result": 3, "Datastream": link, "phenomenonTime": "2026-05-01T00:00:03Z"}
    machine.publish(f"v1.1/FeaturesOfInterest({feature})/Observations", body)
    told = [machine.one() for _ in range(3)]
    assert [item["result"] for item in told] == [1, 2, 3]
    assert [item["phenomenonTime"] for item in told[1:]] == ["2026-05-01T00:00:02Z", "2026-05-01T00:00:03Z"]
    assert told[2] == got(sta, f"Observations({told[2]['@iot.id']})")


def test_what_cannot_be_created_is_set_aside_with_its_reason_and_told_to_nobody(
    sta: Sta, machine: Listener, transport: Transport
) -> None:
    stream = sta.stream()
    assert machine.subscribe("v1.1/Observations")
    own, before = f"v1.1/Datastreams({stream})/Observations", counted(transport)
    machine.publish(own, b"{")
    machine.publish(own, {"phenomenonTime": "2026-05-01T00:00:00Z"})
    machine.publish(own, {"result": 1, "phenomenonTime": "yesterday"})
    machine.publish("v1.1/Datastreams(999999)/Observations", {"result": 1})
    machine.publish("v1.1/Observations", {"result": 1})
    machine.publish("v1.1/Things", {"name": "n", "description": "d"})
    machine.publish(own, {"result": "the good one"})
    assert machine.one("v1.1/Observations")["result"] == "the good one"
    refused = {reason: count - before.get(reason, 0) for reason, count in counted(transport).items()}
    assert refused == {
        "malformed": 2,
        "bad_time": 1,
        "unknown_datastream": 1,
        "no_datastream": 1,
        "unknown_topic": 1,
    }
    assert not machine.heard


def counted(transport: Transport) -> dict[str, int]:
    with psycopg.connect(transport.dsn) as connection:
        rows = connection.execute(
            "SELECT reason, sum(count)::int FROM sense_rejectedcount WHERE mouth = 'mqtt' GROUP BY 1"
        )
        return dict(rows.fetchall())


# --- who hears what -------------------------------------------------------------------------------------------


def test_a_limited_machine_hears_its_own_streams_and_nothing_broad(sta: Sta, transport: Transport) -> None:
    own, foreign = sta.stream("own"), sta.stream("foreign")
    with psycopg.connect(transport.dsn, autocommit=True) as connection:
        connection.execute("UPDATE sense_datastream SET owner = 'water' WHERE id = %s", (own,))
    reader = transport.client(transport.token(organisation="water", may_write=False), "waterworks")
    try:
        for topic in (f"v1.1/Datastreams({own})", f"v1.1/Datastreams({own})/Observations?$select=result"):
            assert reader.subscribe(topic), topic
        broad = ("v1.1/Observations", "v1.1/Datastreams", "v1.1/#", "v1.1/+/Observations")
        for topic in (*broad, f"v1.1/Datastreams({foreign})/Observations"):
            assert not reader.subscribe(topic), topic
        assert reader.subscribe(f"v1.1/Datastreams({own})/#")  # allowed, for nothing else is told below it
        sta.observe(foreign, 1)
        key = sta.observe(own, 2)
        assert reader.one(f"v1.1/Datastreams({own})/Observations") == got(sta, f"Observations({key})")
        assert all(body == {"result": 2} for _, body in reader.heard)
    finally:
        reader.leave()


def test_nothing_foreign_is_told_below_a_datastream(sta: Sta, machine: Listener) -> None:
    stream = sta.stream("own")
    thing = sta.get(f"Datastreams({stream})/Thing")["@iot.id"]
    probing = "$filter=Datastream%2FThing%2Fname%20eq%20'x'"
    leading = (f"v1.1/Datastreams({stream})/Thing/Datastreams", f"v1.1/Datastreams({stream})/Observations?{probing}")
    for topic in (*leading, f"v1.1/Datastreams({stream})/Thing?$expand=Datastreams", f"v1.1/Things({thing})"):
        assert machine.subscribe(topic)
    sta.observe(stream, 1)
    for path in (f"Datastreams({stream})", f"Things({thing})"):
        assert sta.send("PATCH", path, {"name": "new"}).status_code == 200
    assert machine.one()["name"] == "new"
    assert not machine.heard


def test_a_device_hears_no_readings(sta: Sta, transport: Transport) -> None:
    stream = sta.stream()
    thing = sta.get(f"Datastreams({stream})/Thing")["@iot.id"]
    device = transport.client(transport.token(thing_id=thing, may_read=False), "pump-9")
    try:
        for topic in (f"v1.1/Datastreams({stream})/Observations", "v1.1/Observations", f"v1.1/Things({thing})"):
            assert not device.subscribe(topic)
        device.publish(f"v1.1/Datastreams({stream})/Observations", {"result": 3})
    finally:
        device.leave()
