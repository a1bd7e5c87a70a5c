"""Who comes in over MQTT, on a real server and a real database."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import nats as nats_client
import paho.mqtt.client as mqtt
import psycopg
import pytest

from cityloop.registry.stream import digest_of
from cityloop.site.callout import serve
from cityloop.site.configuration import Configuration
from cityloop.site.secrets import nats_url

from .pipeline.conftest import Store, store  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db

DEADLINE_S = 20.0

CUT_OFF_S = 5.0
"""A revoked device is gone in this time: the promise of the product."""

_AREA = """
    INSERT INTO registry_area (code, level, name_zh, name_en, romanised, kind)
    VALUES ('110000', 1, '北京', 'Beijing', false, '') ON CONFLICT DO NOTHING
"""
_TOKEN = """
    INSERT INTO registry_apitoken (name, digest, may_read, may_write, organisation, thing_id, area_id, issued_at)
    VALUES (%s, %s, %s, %s, %s, %s, '110000', now())
"""
_DEVICE = """
    INSERT INTO convey_device (code, title_zh, title_en, thing_id, area, state)
    VALUES (%s, '泵', 'pump', %s, '110000', 'online')
"""
_END = """
    UPDATE registry_apitoken SET revoked_at = now() WHERE digest = %s
"""


@dataclass
class Book:
    """Tokens as a test issues and revokes them."""

    dsn: str

    def issue(self, token: str, *, organisation: str = "", thing: int | None = None, reads: bool = False) -> None:
        """Make a token that may write, or read."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(_TOKEN, (token, digest_of(token), reads, not reads, organisation, thing))
            connection.execute("NOTIFY cityloop_rights")

    def revoke(self, token: str) -> None:
        """End a token."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(_END, (digest_of(token),))
            connection.execute("NOTIFY cityloop_rights")


@dataclass
class Machine:
    """An MQTT client and what it was told."""

    client: mqtt.Client
    told: list[str] = field(default_factory=list)
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    news: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
async def book(store: Store, nats_server: Configuration) -> AsyncIterator[Book]:  # noqa: F811  the fixture
    """Yield an empty book of tokens whose callout serves."""
    empty = "TRUNCATE registry_apitoken, registry_grant, convey_device CASCADE"
    store.run(_AREA)
    store.run(empty)
    task = asyncio.create_task(serve(nats_server, dsn=store.dsn))
    yield Book(store.dsn)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    store.run(empty)
    store.run("TRUNCATE registry_area CASCADE")


@pytest.fixture
def enter(nats_server: Configuration) -> Iterator[Callable[..., Machine]]:
    """Yield what lets a machine try to come in; it does not come back by itself."""
    machines: list[Machine] = []

    def come(token: str, *, name: str = "anything", client_id: str = "") -> Machine:
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=client_id or f"id-{len(machines)}", reconnect_on_failure=False
        )
        machine = Machine(client)
        machines.append(machine)
        client.username_pw_set(name, token)
        client.on_connect = lambda *a: machine.told.append("refused" if a[3].is_failure else "in")
        client.on_subscribe = lambda *a: machine.told.extend("no" if code.is_failure else "yes" for code in a[3])
        client.on_message = lambda _c, _u, message: machine.heard.append((message.topic, message.payload))
        client.on_disconnect = lambda *_: machine.told.append("out")
        client.connect("127.0.0.1", nats_server.mqtt_port)
        client.loop_start()
        return machine

    yield come
    for machine in machines:
        machine.client.disconnect()
        machine.client.loop_stop()


async def until(condition: Callable[[], object], *, within_s: float = DEADLINE_S) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  polled
            await asyncio.sleep(0.02)


async def entered(enter: Callable[..., Machine], token: str, **more: str) -> Machine:
    """Return a machine that is in; a callout that is just starting may refuse at first."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            machine = enter(token, **more)
            await until(lambda one=machine: one.told)
            if machine.told[0] == "in":
                return machine


async def test_a_device_speaks_for_its_own_streams_only_and_hears_its_own_tasks_only(
    book: Book,
    enter: Callable[..., Machine],
    nats_server: Configuration,
    store: Store,  # noqa: F811  the fixture
) -> None:
    book.issue("key of pump 3", thing=1)
    store.run(_DEVICE, "pump-3", 1)
    device = await entered(enter, "key of pump 3", name="pump-3", client_id="pump-3")
    wire = await nats_client.connect(nats_url(nats_server, user="wire"))
    city = await nats_client.connect(nats_url(nats_server))
    arrived = await wire.subscribe("mouth.>")
    await wire.flush()
    for topic in ("v1.1/Datastreams(99)/Observations", "devices/pump-4/up", "v1.1/Observations", "elsewhere"):
        device.client.publish(topic, b"foreign", qos=1)
    for topic in ("v1.1/Datastreams(1)/Observations", "devices/pump-3/up"):
        device.client.publish(topic, b"own", qos=1)
    told = [await arrived.next_msg(timeout=DEADLINE_S) for _ in range(2)]
    assert [(one.subject, one.data) for one in told] == [
        ("mouth.v1//1.Datastreams(1).Observations", b"own"),
        ("mouth.devices.pump-3.up", b"own"),
    ]
    for topic, answer in (("v1.1/#", "no"), ("devices/pump-4/down", "no"), ("#", "no"), ("devices/pump-3/down", "yes")):
        before = len(device.told)
        device.client.subscribe(topic, 1)
        await until(lambda count=before: len(device.told) > count)
        assert device.told[-1] == answer, topic
    await city.publish("devices.pump-4.down", b"not for you")
    await city.publish("devices.pump-3.down", b"open")
    await until(lambda: device.heard)
    assert device.heard == [("devices/pump-3/down", b"open")]
    await wire.close()
    await city.close()


async def test_a_reader_hears_what_its_organisation_owns_and_nothing_else(
    book: Book,
    enter: Callable[..., Machine],
    nats_server: Configuration,
    store: Store,  # noqa: F811  the fixture
) -> None:
    store.run("UPDATE sense_datastream SET owner = 'water-group' WHERE id = 5")
    book.issue("key of the group", organisation="water-group", reads=True)
    reader = await entered(enter, "key of the group")
    reader.client.subscribe([(f"v1.1/Datastreams({number})/Observations", 1) for number in (5, 6)] + [("v1.1/#", 0)])
    await until(lambda: len(reader.told) == 4)
    assert reader.told == ["in", "yes", "no", "no"]
    city = await nats_client.connect(nats_url(nats_server))
    for number in (6, 5):
        await city.publish(f"v1//1.Datastreams({number}).Observations", b"%d" % number)
    await until(lambda: reader.heard)
    assert reader.heard == [("v1.1/Datastreams(5)/Observations", b"5")]
    await city.close()


async def test_a_stranger_and_a_revoked_key_are_refused(book: Book, enter: Callable[..., Machine]) -> None:
    book.issue("good", thing=1)
    await entered(enter, "good")
    for token in ("guessed", ""):
        stranger = enter(token)
        await until(lambda one=stranger: one.told)
        assert stranger.told[0] == "refused"


async def test_the_code_of_a_device_is_nobody_elses_client_id(
    book: Book,
    enter: Callable[..., Machine],
    store: Store,  # noqa: F811  the fixture
) -> None:
    book.issue("key of pump 3", thing=1)
    book.issue("key of pump 4", thing=2)
    store.run(_DEVICE, "pump-3", 1)
    await entered(enter, "key of pump 3", client_id="pump-3")
    thief = enter("key of pump 4", client_id="pump-3")
    await until(lambda: thief.told)
    assert thief.told[0] == "refused"
    await entered(enter, "key of pump 4", client_id="another")


async def test_a_revoked_device_is_cut_off_in_time_and_does_not_come_back(
    book: Book, enter: Callable[..., Machine]
) -> None:
    book.issue("key of pump 3", thing=1)
    book.issue("key of pump 4", thing=2)
    device, other = await entered(enter, "key of pump 3"), await entered(enter, "key of pump 4")
    book.revoke("key of pump 3")
    await until(lambda: device.told[-1] == "out", within_s=CUT_OFF_S)
    again = enter("key of pump 3")
    await until(lambda: again.told)
    assert again.told[0] == "refused"
    assert other.told == ["in"]


async def test_a_reader_whose_contract_has_ended_is_sent_away_and_comes_back_with_less(
    book: Book,
    enter: Callable[..., Machine],
    store: Store,  # noqa: F811  the fixture
) -> None:
    store.run("UPDATE sense_datastream SET dataset = 'flows' WHERE id = 5")
    store.run(
        "INSERT INTO registry_grant (contract_id, organisation, dataset, valid_from, valid_until) "
        "VALUES (1, 'air-bureau', 'flows', now() - interval '1 day', now() + interval '1 day')"
    )
    book.issue("key of the bureau", organisation="air-bureau", reads=True)
    reader = await entered(enter, "key of the bureau")
    reader.client.subscribe("v1.1/Datastreams(5)/Observations", 1)
    await until(lambda: len(reader.told) == 2)
    assert reader.told == ["in", "yes"]
    store.run("UPDATE registry_grant SET ended_at = now()")
    store.run("NOTIFY cityloop_rights")
    await until(lambda: reader.told[-1] == "out")
    again = await entered(enter, "key of the bureau")
    again.client.subscribe("v1.1/Datastreams(5)/Observations", 1)
    await until(lambda: len(again.told) == 2)
    assert again.told == ["in", "no"]
