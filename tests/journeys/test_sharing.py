"""Sharing: the owner approves until a moment, everything stops then by itself, and the owner's log lists each read.

And the walk: a reader without a contract finds nothing of another's data on any path.
"""

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest

from cityloop.kernel.clocks import CITY_ZONE
from tests.city import Browser, City, eventually, running_city

FOR_S = 25
"""The contract of the journey holds for so long, seconds."""

STOPPED_S = 6.0
"""Everything has stopped so soon after the contract's end, seconds."""

SETS = {"water-group": "water-pressure", "heat-group": "heat-substations", "power-company": "grid-load"}


@pytest.fixture(scope="module")
def sharing_city() -> Iterator[City]:
    """Yield a city whose webhooks may go to this machine."""
    with running_city(WEBHOOK_PRIVATE="true") as city:
        yield city


@pytest.fixture(scope="module")
def own_token(sharing_city: City) -> str:
    """Return a token of the city's own machines."""
    return sharing_city.token("city")


@dataclass
class Receiver:
    """A receiver of webhooks."""

    got: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def readings(self) -> list[dict[str, Any]]:
        return [one for body in self.got for one in body.get("readings", [])]

    @property
    def has_ended(self) -> bool:
        return any(body.get("ended") for body in self.got)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert re.fullmatch(r"t=\d+,v1=[0-9a-f]{64}", self.headers["Cityloop-Signature"])
            receiver.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        running = threading.Thread(target=server.serve_forever)
        running.start()
        yield receiver
        server.shutdown()
        running.join()


class Feed:
    """A machine that listens to a feed in a thread of its own."""

    def __init__(self, city: City, code: str, token: str) -> None:
        self.events: list[tuple[str, Any]] = []
        self.is_over = False
        self._address = f"{city.address}/feeds/datasets/{code}/"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._running = threading.Thread(target=self._listen, daemon=True)
        self._running.start()
        eventually(lambda: self.events or self.is_over, what="the feed opens")

    def _listen(self) -> None:
        kind = ""
        with (
            suppress(httpx.HTTPError),
            httpx.stream("GET", self._address, headers=self._headers, timeout=120) as answer,
        ):
            self.events.append(("opened", answer.status_code))
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                kind = value if name == "event" else kind
                if name == "data":
                    self.events.append((kind, json.loads(value)))
        self.is_over = True

    @property
    def results(self) -> list[float]:
        return [one["result"] for kind, data in self.events if kind == "readings" for one in data]


def stream_of(city: City, machine: httpx.Client, name: str) -> int:
    found = machine.get("Datastreams", params={"$filter": f"substringof('{name}',name)", "$top": 1}).json()["value"]
    assert found, f"{city.address} has no stream like {name}"
    return int(found[0]["@iot.id"])


def observe(machine: httpx.Client, stream: int, result: float) -> None:
    answer = machine.post(f"Datastreams({stream})/Observations", json={"result": result})
    assert answer.status_code == 201, answer.text


def asked(person: Browser, dataset: str, organisation: str) -> str:
    """Ask for a contract and return its page."""
    today = datetime.now(CITY_ZONE).date()
    answer = person.submit(
        f"/catalogue/{dataset}/ask/",
        asker=organisation,
        purpose="内涝研判",
        legal_basis="应急预案",
        since=today.isoformat(),
        until=(today + timedelta(days=30)).isoformat(),
    )
    found = re.fullmatch(r"/contracts/\d+/", answer.url.path)
    assert found, answer.text[-2000:]
    return str(answer.url.path)


def secret_of(answer: httpx.Response) -> str:
    found = re.search(r'id="secret-shown">([^<]+)<', answer.text)
    assert found, answer.text[-2000:]
    return found[1]


def test_the_owner_approves_until_a_moment_and_all_stops_then_by_itself(sharing_city: City, own_token: str) -> None:
    city = sharing_city
    ours = city.machine(own_token)
    stream = stream_of(city, ours, "管网压力")
    asker, owner = city.person("air.data"), city.person("water.data")
    page = asked(asker, "water-pressure", "environment-bureau")
    assert "待审批" in owner.get(page).text
    ends_at = datetime.now(CITY_ZONE) + timedelta(seconds=FOR_S)
    until = ends_at.strftime("%Y-%m-%dT%H:%M:%S")
    answer = owner.submit(page, at=f"{page}decide/", decision="approve", until=until, note="同意")
    assert "执行中" in answer.text, answer.text[-2000:]

    token = secret_of(asker.submit(page, at=f"{page}tokens/", name="预报系统"))
    with receiving() as receiver:
        secret_of(asker.submit(page, at=f"{page}webhooks/", url=f"http://127.0.0.1:{receiver.port}/hook"))
        theirs = city.machine(token)
        eventually(lambda: theirs.get("Datastreams").status_code == 200, what="the token is known")
        feed = Feed(city, "water-pressure", token)
        observe(ours, stream, 0.31)
        observe(ours, stream, 0.32)
        eventually(lambda: feed.results == [0.31, 0.32], what="both readings over the feed")
        eventually(lambda: [one["result"] for one in receiver.readings] == [0.31, 0.32], what="both at the webhook")
        kinds = read_all(city, theirs, token, stream)
        assert datetime.now(CITY_ZONE) < ends_at, "the journey was quicker than the contract"

        eventually(lambda: datetime.now(CITY_ZONE) >= ends_at, what="the end of the contract", within_s=FOR_S + 5)
        eventually(lambda: feed.is_over, what="the feed ends", within_s=STOPPED_S)
        assert feed.events[-1][0] == "ended"
        eventually(lambda: receiver.has_ended, what="the webhook ends", within_s=STOPPED_S)
        observe(ours, stream, 0.33)
        assert theirs.get(f"Datastreams({stream})").status_code == 404
        assert theirs.get("Datastreams").json()["value"] == [] or all(
            one["@iot.id"] != stream for one in theirs.get("Datastreams").json()["value"]
        )
        assert 0.33 not in {one["result"] for one in receiver.readings} | set(feed.results)
    assert "随协议结束" in asker.get(page).text
    for person in (asker, owner):
        eventually(lambda: "已到期" in person.get(page).text, what="both sides are told", within_s=90)  # noqa: B023  asked at once
    log = owner.client.get("/catalogue/reads.csv").text
    listed = [line.split(",")[3] for line in log.splitlines()[1:]]
    assert {kind: listed.count(kind) for kind in kinds} == kinds, log
    assert {"feed", "webhook", "mqtt", "sensorthings"} <= set(listed)
    assert token not in log
    assert "预报系统" in owner.get("/catalogue/reads/").text
    assert "生态环境局" in owner.get("/catalogue/statistics/").text


def read_all(city: City, theirs: httpx.Client, token: str, stream: int) -> dict[str, int]:
    """Read over every path and return how often the log must list each."""
    headers = {"Authorization": f"Bearer {token}"}
    values = theirs.get(f"Datastreams({stream})/Observations").json()["value"]
    assert {0.31, 0.32} <= {one["result"] for one in values}
    items = httpx.get(f"{city.address}/ogc/features/v1/collections/water-pressure/items", headers=headers).json()
    assert items["numberMatched"] > 0
    document = httpx.get(f"{city.address}/feeds/datasets/water-pressure/readings.csv", headers=headers).text
    assert "0.32" in document
    with listening(city, token, token):
        pass
    return {"features": 1, "export": 1}


QUERIES = (
    "Things",
    "Datastreams",
    "Observations",
    "Locations",
    "HistoricalLocations",
    "FeaturesOfInterest",
    "Sensors",
    "Things?$expand=Datastreams/Observations,Locations",
    "Datastreams?$count=true",
    "Observations?$resultFormat=dataArray",
    "Observations?$resultFormat=CSV",
    "Things?$resultFormat=GeoJSON",
    "Observations?$expand=Datastream/Thing",
    "ObservedProperties?$expand=Datastreams",
    "Datastreams?$filter=substringof('压力',name)",
)


def test_a_reader_without_a_contract_sees_nothing_on_any_path(sharing_city: City, own_token: str) -> None:
    city = sharing_city
    ours = city.machine(own_token)
    water, air = stream_of(city, ours, "管网压力"), stream_of(city, ours, "细颗粒物")
    observe(ours, water, 0.77123)
    observe(ours, air, 55.5)
    person = city.person("air.data")
    page = asked(person, "grid-load", "environment-bureau")
    stranger = secret_of(person.submit(page, at=f"{page}tokens/", name="陌生系统"))
    theirs = city.machine(stranger)
    eventually(lambda: theirs.get("Datastreams").status_code == 200, what="the token is known")

    foreign = {"0.77123", "管网压力"}
    for query in QUERIES:
        told = theirs.get(query)
        assert not [word for word in foreign if word in told.text], query
    for path in (f"Datastreams({water})", f"Datastreams({water})/Observations", f"Datastreams({water})/Thing"):
        assert theirs.get(path).status_code == 404, path
    assert any(one["@iot.id"] == air for one in theirs.get("Datastreams?$top=1000").json()["value"]), "its own it sees"

    headers = {"Authorization": f"Bearer {stranger}"}
    for organisation, code in SETS.items():
        for path in (f"/ogc/features/v1/collections/{code}", f"/ogc/features/v1/collections/{code}/items",
                     f"/feeds/datasets/{code}/", f"/feeds/datasets/{code}/readings.csv"):  # fmt: skip
            assert httpx.get(city.address + path, headers=headers).status_code == 404, path
            assert httpx.get(city.address + path).status_code == 401, path
        assert organisation
    told = httpx.get(f"{city.address}/ogc/features/v1/collections", headers=headers).json()
    assert {one["id"] for one in told["collections"]} == {"districts", "air-quality"}
    strangers = httpx.get(f"{city.address}/catalogue/dcat.ttl").text
    assert "air-quality" in strangers
    assert "water-pressure" not in strangers

    with listening(city, stranger, own_token) as heard:
        observe(ours, water, 0.77124)
        observe(ours, air, 56.5)
        eventually(lambda: any("56.5" in payload for _, payload in heard), what="one's own is told over MQTT")
        assert not [topic for topic, payload in heard if "0.77124" in payload or f"({water})" in topic]


@contextmanager
def listening(city: City, token: str, own_token: str) -> Iterator[list[tuple[str, str]]]:
    """Listen over MQTT to all that a token may hear, and try to hear all."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="stranger", protocol=mqtt.MQTTv311)
    client.username_pw_set("stranger", token)
    heard: list[tuple[str, str]] = []
    ready: list[Any] = []
    client.on_message = lambda _client, _data, message: heard.append((message.topic, message.payload.decode()))
    client.on_subscribe = lambda *told: ready.append(told)
    client.connect("127.0.0.1", city.port("MQTT_PORT"))
    client.loop_start()
    eventually(client.is_connected, what="MQTT connection")
    own = [one["@iot.id"] for one in city.machine(token).get("Datastreams?$top=1000").json()["value"]]
    every = [one["@iot.id"] for one in city.machine(own_token).get("Datastreams?$top=1000").json()["value"]]
    topics = [f"v1.1/Datastreams({number})/Observations" for number in sorted({*own, *every})]
    for topic in ("#", "v1.1/#", "v1.1/Observations", *topics):
        client.subscribe(topic, 1)
    eventually(lambda: len(ready) >= len(topics), what="SUBACKs")
    yield heard
    client.disconnect()
    client.loop_stop()


def test_the_catalogue_is_read_in_from_the_command_line(sharing_city: City, tmp_path: Any) -> None:
    document = sharing_city.run("catalogue", "export", "--form", "ttl")
    assert "water-pressure" in document
    assert "water-pressure" not in sharing_city.run("catalogue", "export", "--open")
    file = tmp_path / "other.ttl"
    file.write_text(document.replace(sharing_city.address, "https://other.example"), encoding="utf-8")
    assert "5 new" in sharing_city.run("catalogue", "import", str(file))
    assert "other.example" in sharing_city.person("duty1").get("/catalogue/").text
