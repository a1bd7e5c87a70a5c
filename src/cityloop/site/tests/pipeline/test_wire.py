"""From an MQTT publish to the history, on a real NATS server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator

import paho.mqtt.client as mqtt
import pytest

from cityloop.convey.stream.jetstream import RETAINED_BYTES_MAX, StreamState, prepare_stream
from cityloop.convey.stream.nats import Nats, open_nats
from cityloop.site.configuration import Configuration
from cityloop.site.pipeline import Pipeline
from cityloop.site.secrets import nats_url, secret
from cityloop.site.wire import Wire

from .conftest import RecordingJudge, Store

pytestmark = pytest.mark.django_db

DEADLINE_S = 30.0


@pytest.fixture
def judge() -> RecordingJudge:
    """Return a screen that remembers; what comes with a position never goes the short way."""
    return RecordingJudge()


@pytest.fixture
async def nats(nats_server: Configuration) -> AsyncIterator[Nats]:
    """Yield a connection of the server's own user, the stream prepared and empty."""
    connection = await open_nats(nats_url(nats_server, user="wire"))
    await connection.request("$JS.API.STREAM.DELETE.$MQTT_msgs", {})
    await prepare_stream(connection)
    yield connection
    connection.close()


@pytest.fixture
def device(nats: Nats, nats_server: Configuration) -> Iterator[mqtt.Client]:  # noqa: ARG001  prepared first
    """Yield an MQTT device."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="pump-3")
    client.username_pw_set("device", secret(nats_server, "nats-device"))
    client.connect("127.0.0.1", nats_server.mqtt_port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


@pytest.fixture
async def wire(nats: Nats, nats_server: Configuration, pipeline: Pipeline) -> AsyncIterator[Callable[[], Wire]]:  # noqa: ARG001
    """Yield what starts a wire."""
    running: list[asyncio.Task[None]] = []

    def start() -> asyncio.Task[None]:
        task = asyncio.create_task(Wire(nats_url(nats_server, user="wire"), pipeline).run())
        running.append(task)
        return task

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; asked in a thread, for it may wait for a lock that the pipeline holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  polled
            await asyncio.sleep(0.02)


async def send(device: mqtt.Client, topic: str, payload: object, *, qos: int = 1) -> None:
    """Publish and wait for the acknowledgement."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    info = device.publish(topic, body, qos=qos)
    await until(info.is_published)


async def stream(nats: Nats) -> StreamState:
    """Return how the stream stands."""
    return await prepare_stream(nats)


def reasons(store: Store) -> dict[str, int]:
    """Return the counts of refusals."""
    return dict(store.rows("SELECT reason, sum(count)::int FROM sense_rejectedcount GROUP BY 1"))


async def test_every_quality_of_service_reaches_the_history_once(
    device: mqtt.Client, wire: Callable[[], object], store: Store, judge: RecordingJudge
) -> None:
    wire()
    for qos in (0, 1, 2):
        body = {"phenomenonTime": f"2026-01-01T00:00:0{qos}Z", "resultTime": "2026-01-01T00:00:09Z", "result": qos}
        await send(device, "v1.1/Datastreams(1)/Observations", body, qos=qos)
    await until(lambda: store.count() == 3)
    assert [row[2] for row in store.observations()] == [0.0, 1.0, 2.0]
    assert [value for _, _, value in judge.judged] == [0.0, 1.0, 2.0]


async def test_arrays_links_and_the_features_topic_are_understood(
    device: mqtt.Client, wire: Callable[[], object], store: Store
) -> None:
    wire()
    instants = [f"2026-01-01T00:00:0{n}Z" for n in range(3)]
    await send(device, "v1.1/Datastreams(2)/Observations", [{"phenomenonTime": t, "result": 1} for t in instants])
    await send(device, "v1.1/Observations", {"result": "on", "Datastream": {"@iot.id": 3}})
    store.run(
        "INSERT INTO sense_feature (id, name, description, encoding_type, feature) "
        "VALUES (500, 'f', '', 'application/geo+json', '{}')"
    )
    await send(device, "v1.1/FeaturesOfInterest(500)/Observations", {"result": True, "Datastream": {"@iot.id": 4}})
    await until(lambda: store.count() == 5)
    assert store.rows(
        "SELECT result_json, feature_id = 500 FROM sense_observation WHERE datastream_id > 2 ORDER BY datastream_id"
    ) == [
        ("on", False),
        (True, True),
    ]


async def test_an_interval_and_a_missing_time_are_understood(
    device: mqtt.Client, wire: Callable[[], object], store: Store
) -> None:
    wire()
    topic = "v1.1/Datastreams(1)/Observations"
    await send(device, topic, {"phenomenonTime": "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z", "result": 1})
    await send(device, topic, {"result": 2})
    await until(lambda: store.count() == 2)
    ends = store.rows("SELECT phenomenon_end - phenomenon_time FROM sense_observation ORDER BY result")
    assert [str(end) for (end,) in ends] == ["1:00:00", "None"]


async def test_what_cannot_be_read_is_set_aside_and_holds_up_nothing(
    device: mqtt.Client, wire: Callable[[], object], store: Store
) -> None:
    wire()
    topic = "v1.1/Datastreams(1)/Observations"
    bad = [
        (topic, b"{"),
        (topic, b"\xff\xfe"),
        (topic, {"phenomenonTime": "2026-01-01T00:00:00Z"}),
        (topic, {"phenomenonTime": "yesterday", "result": 1}),
        (topic, {"phenomenonTime": 5, "result": 1}),
        (topic, {"result": "zero \0"}),
        ("v1.1/Datastreams(777)/Observations", {"result": 1}),
        ("v1.1/Datastreams(99)/Observations", {"result": 1}),
        ("v1.1/Datastreams(99999999999999999999)/Observations", {"result": 1}),
        ("v1.1/Things(1)/name", {"result": 1}),
        ("v1.1/Observations", {"result": 1}),
        (topic, [{"result": 1, "phenomenonTime": "2026-01-01T00:00:01Z"}, {"result": 2, "phenomenonTime": "?"}, 5]),
    ]
    for place, payload in bad:
        await send(device, place, payload)
    await send(device, topic, {"phenomenonTime": "2026-01-01T00:00:02Z", "result": 3})
    await until(lambda: store.count() == 2)
    assert reasons(store) == {
        "malformed": 5,
        "bad_time": 2,
        "not_storable": 1,
        "unknown_datastream": 1,
        "no_location": 1,
        "unknown_topic": 2,
        "no_datastream": 1,
    }
    assert store.rows("SELECT source FROM sense_rejected WHERE reason = 'unknown_datastream'") == [
        ("v1.1/Datastreams(777)/Observations",)
    ]


async def test_a_device_may_not_speak_elsewhere_nor_listen(device: mqtt.Client, nats: Nats) -> None:
    heard: list[object] = []
    answered: list[list[mqtt.ReasonCode]] = []
    device.on_message = lambda *arguments: heard.append(arguments)
    device.on_subscribe = lambda *arguments: answered.append(arguments[3])
    device.subscribe([("v1.1/#", 1), ("mouth/#", 1)])
    await until(lambda: bool(answered))
    assert [code.is_failure for code in answered[0]] == [True, True]
    await send(device, "elsewhere/x", b"1")
    await send(device, "$JS/API/STREAM/DELETE/$MQTT_msgs", b"{}")
    await send(device, "v1.1/Datastreams(1)/Observations", {"result": 1})
    assert (await stream(nats)).messages == 2
    assert heard == []


async def test_what_devices_publish_as_retained_is_kept_and_bounded(
    device: mqtt.Client, wire: Callable[[], object], nats: Nats, store: Store
) -> None:
    wire()
    info = device.publish("v1.1/Datastreams(1)/Observations", b'{"result": 1}', qos=1, retain=True)
    await until(info.is_published)
    await until(lambda: store.count() == 1)
    retained = await nats.request("$JS.API.STREAM.INFO.$MQTT_rmsgs", {})
    assert retained["config"]["max_bytes"] == RETAINED_BYTES_MAX


async def test_two_deliveries_and_many_restarts_keep_each_reading_once(
    device: mqtt.Client, wire: Callable[[], asyncio.Task[None]], store: Store
) -> None:
    topic = "v1.1/Datastreams(1)/Observations"
    task = wire()
    for n in range(120):
        task = wire() if task.done() else task
        body = {"phenomenonTime": f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z", "result": n}
        await send(device, topic, body)
        await send(device, topic, body)
        if n % 20 == 15:
            task.cancel()
    await until(lambda: store.count() == 120)
    assert [row[2] for row in store.observations()] == [float(n) for n in range(120)]
    await until(lambda: store.rows("SELECT count(*) FROM convey_streamposition") == [(1,)])


async def test_two_wires_at_once_keep_each_reading_once(
    device: mqtt.Client, wire: Callable[[], object], store: Store
) -> None:
    wire()
    wire()
    for n in range(60):
        body = {"phenomenonTime": f"2026-01-01T00:00:{n:02}Z", "result": n}
        await send(device, "v1.1/Datastreams(1)/Observations", body)
    await until(lambda: store.count() == 60)


async def test_what_is_in_the_history_leaves_the_stream(
    device: mqtt.Client, wire: Callable[[], object], nats: Nats, store: Store
) -> None:
    wire()
    await send(device, "v1.1/Datastreams(1)/Observations", {"result": 1})
    await until(lambda: store.count() == 1)
    async with asyncio.timeout(DEADLINE_S):
        while (await stream(nats)).messages > 1:  # noqa: ASYNC110  polled
            await asyncio.sleep(0.05)


async def test_a_stream_made_anew_is_read_from_its_start(
    device: mqtt.Client, wire: Callable[[], object], nats: Nats, store: Store
) -> None:
    wire()
    topic = "v1.1/Datastreams(1)/Observations"
    await send(device, topic, {"phenomenonTime": "2026-01-01T00:00:00Z", "result": 1})
    await until(lambda: store.count() == 1)
    await nats.request("$JS.API.STREAM.DELETE.$MQTT_msgs", {})
    await prepare_stream(nats)
    await send(device, topic, {"phenomenonTime": "2026-01-01T00:00:01Z", "result": 2})
    await until(lambda: store.count() == 2)
