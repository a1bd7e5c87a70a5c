"""A whole city for tests: `cityloop up` as a child process, met over HTTP, MQTT and the command line only."""

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import paho.mqtt.client as mqtt

from bench import city as bench

Answer = TypeVar("Answer")


def eventually(ask: Callable[[], Answer | None], *, what: str, within_s: float = 30.0) -> Answer:
    """Return the first answer that is neither None nor false; poll until the deadline."""
    ends_at = time.monotonic() + within_s
    pause = threading.Event()
    while time.monotonic() < ends_at:
        if answer := ask():
            return answer
        pause.wait(0.05)
    message = f"not within {within_s} s: {what}"
    raise AssertionError(message)


@dataclass
class City(bench.City):
    """A running city as its people, machines and devices meet it."""

    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port('PORT')}"

    @property
    def sta(self) -> str:
        return f"{self.address}/sta/v1.1"

    def token(self, name: str = "test", *rights: str) -> str:
        return self.run("token", name, *(f"--{right}" for right in rights or ("read", "write")))

    def machine(self, token: str | None = None) -> httpx.Client:
        """Return a client of the SensorThings API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=f"{self.sta}/", headers=headers, timeout=30)
        self.clients.append(client)
        return client

    def person(self, username: str, *, language: str = "zh-hans") -> "Browser":
        """Return a signed-in person."""
        browser = Browser(httpx.Client(base_url=self.address, timeout=30, follow_redirects=True))
        self.clients.append(browser.client)
        browser.client.cookies.set("django_language", language)
        answer = browser.submit("/login/", username=username, password=self.run("secrets", "demo"))
        assert answer.status_code == 200, answer.text[:500]
        assert "/login/" not in str(answer.url), answer.text[:3000]
        assert (
            browser.submit(
                "/cases/" if "/cases/" in answer.text else "/", at="/language/", language=language
            ).status_code
            == 200
        )
        return browser

    def device(self, name: str = "device") -> mqtt.Client:
        """Return a connected MQTT client with the rights of a device."""
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
        client.username_pw_set("device", self.run("secrets", "nats-device"))
        client.connect("127.0.0.1", self.port("MQTT_PORT"))
        client.loop_start()
        eventually(client.is_connected, what="MQTT connection")
        return client

    def close(self) -> None:
        for client in self.clients:
            client.close()


@dataclass
class Browser:
    """A person's browser without scripts: pages, forms and their hidden fields."""

    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        answer = self.client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer

    def data(self, path: str) -> Any:
        return self.get(path).json()

    def submit(self, path: str, *, at: str | None = None, **fields: Any) -> httpx.Response:
        """Fill the form of a page and send it; hidden fields of the page's forms are sent along."""
        page = self.client.get(path).text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        headers = {"Referer": str(self.client.base_url.join(path))}
        return self.client.post(at or path, data={**hidden, **fields}, headers=headers)


def publish(device: mqtt.Client, datastream: int, **observation: Any) -> None:
    """Publish an observation with QoS 1 and return when it is acknowledged."""
    sent = device.publish(f"v1.1/Datastreams({datastream})/Observations", json.dumps(observation), qos=1)
    sent.wait_for_publish(30)
    assert sent.is_published()


@contextlib.contextmanager
def running_city(home: Path | None = None, **settings: str) -> Iterator[City]:
    """Run a city of its own with some settings and without real data, and remove it afterwards."""
    with bench.running_city(home, DATA="no-data", **settings) as running:
        city = City(running.home, running.environment)
        try:
            yield city
        finally:
            city.close()
