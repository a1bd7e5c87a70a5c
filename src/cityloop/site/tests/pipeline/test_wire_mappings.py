"""What a device publishes in its vendor's words reaches the history, on a real NATS server."""

import asyncio
import json
from collections.abc import AsyncIterator

import nats
import pytest

from cityloop.convey.stream.book import ChannelRecord
from cityloop.convey.stream.jetstream import prepare_stream
from cityloop.convey.stream.mappings import MappedMouth, Mappings
from cityloop.convey.stream.mouths import Mouths
from cityloop.convey.stream.mqtt import MqttMouth
from cityloop.convey.stream.nats import open_nats
from cityloop.site.configuration import Configuration
from cityloop.site.pipeline import Pipeline
from cityloop.site.secrets import nats_url
from cityloop.site.wire import Wire

from .conftest import RecordingJudge, Store
from .gateway import TableBook, eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def judge() -> RecordingJudge:
    """Return a screen that remembers."""
    return RecordingJudge()


@pytest.fixture
def book() -> TableBook:
    """Return a ledger with a device that speaks plain JSON."""
    book = TableBook()
    book.enter("json:plain", "", level=ChannelRecord(1, scale=100.0))
    return book


@pytest.fixture
async def server(nats_server: Configuration, pipeline: Pipeline, book: TableBook) -> AsyncIterator[nats.NATS]:
    """Yield a connection to a server whose stream a wire takes over."""
    prepared = await open_nats(nats_url(nats_server, user="wire"))
    await prepared.request("$JS.API.STREAM.DELETE.$MQTT_msgs", {})
    await prepare_stream(prepared)
    prepared.close()
    mouths = Mouths(MqttMouth(), MappedMouth(book, Mappings()))
    wire = asyncio.create_task(Wire(nats_url(nats_server, user="wire"), pipeline, mouths).run())
    connection = await nats.connect(nats_url(nats_server, user="wire"))
    yield connection
    await connection.close()
    wire.cancel()
    await asyncio.gather(wire, return_exceptions=True)


async def test_vendors_json_and_observations_come_in_side_by_side(
    server: nats.NATS, store: Store, judge: RecordingJudge
) -> None:
    said = {"time": "2026-01-01T08:00:00", "values": {"level": 1.25}}
    await server.publish("devices.device-1.up", json.dumps(said).encode())
    observation = {"phenomenonTime": "2026-01-01T00:00:01Z", "result": 7}
    await server.publish("v1//1.Datastreams(2).Observations", json.dumps(observation).encode())
    await eventually(lambda: store.count() == 2)
    found = [(stream, at.isoformat(), value) for stream, at, value in store.observations()]
    assert found == [(1, "2026-01-01T00:00:00+00:00", 125.0), (2, "2026-01-01T00:00:01+00:00", 7.0)]
    assert {stream for stream, _, _ in judge.judged} == {1, 2}


async def test_what_does_not_fit_is_kept_for_inspection_and_counted(server: nats.NATS, store: Store) -> None:
    for code, payload in [("device-1", b"{"), ("stranger", b"{}"), ("device-1", b'{"values": {"depth": 1}}')]:
        await server.publish(f"devices.{code}.up", payload)
    await eventually(lambda: store.count("sense_rejected") == 3)
    rows = store.rows("SELECT mouth, reason, source FROM sense_rejected ORDER BY reason")
    assert rows == [
        ("devices", "malformed", "devices/device-1/up"),
        ("devices", "unknown_channel", "devices/device-1/up"),
        ("devices", "unknown_device", "devices/stranger/up"),
    ]
