"""The transport with its clients: NATS, callout, notifier and wire beside the SensorThings server of the tests."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg

from cityloop.site.configuration import Configuration
from tests.city import eventually

PROCESSES = ("callout", "notify", "wire")


@dataclass
class Transport:
    """The running transport."""

    configuration: Configuration
    dsn: str
    folder: Path
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Run one of the city's processes."""
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", f"cityloop.site.{name}"]
            self.children[name] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=subprocess.STDOUT)

    def end(self, name: str, *, hard: bool = False) -> None:
        """End one, or kill it."""
        child = self.children.pop(name)
        (child.kill if hard else child.terminate)()
        child.wait(30)

    @property
    def environment(self) -> dict[str, str]:
        return environment_of(self.configuration, self.dsn)

    def token(self, **columns: Any) -> str:
        """Enter a token in the book and return it."""
        secret = os.urandom(16).hex()
        row = {"name": "t", "may_read": True, "may_write": True, "area_id": "110000", "may_task": False}
        row |= {
            "organisation": "",
            "thing_id": None,
            "issued_at": datetime.now(UTC),
            **columns,
            "digest": hashlib.sha256(secret.encode()).hexdigest(),
        }
        names = ", ".join(row)
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(
                f"INSERT INTO registry_apitoken ({names}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
            )
            connection.execute("NOTIFY cityloop_rights")
        return secret

    def client(self, token: str, name: str) -> "Listener":
        """Return a connected client; a fresh token is known after the callout has read it."""
        return eventually(lambda: _connected(self, token, name), what=f"{name} is let in")


@dataclass
class Listener:
    """An MQTT client that keeps what it hears."""

    client: mqtt.Client
    heard: list[tuple[str, Any]] = field(default_factory=list)
    granted: dict[int, bool] = field(default_factory=dict)
    qos_heard: list[int] = field(default_factory=list)

    def subscribe(self, topic: str, *, qos: int = 1) -> bool:
        """Subscribe and return whether it was granted."""
        _, number = self.client.subscribe(topic, qos)
        assert number is not None
        eventually(lambda: number in self.granted, what="SUBACK")
        return self.granted[number]

    def one(self, topic: str | None = None) -> Any:
        """Return the first message that has not been returned yet, of a topic."""
        found = eventually(lambda: self._first(topic), what=f"a message on {topic}")
        self.heard.remove(found)
        return found[1]

    def _first(self, topic: str | None) -> tuple[str, Any] | None:
        return next((item for item in self.heard if topic in (None, item[0])), None)

    def until(self, topic: str, **members: Any) -> Any:
        """Return the next message of a topic that has these members; those before it are of earlier clients' time."""
        while True:
            body = self.one(topic)
            if members.items() <= body.items():
                return body

    def publish(self, topic: str, body: Any, *, qos: int = 1) -> None:
        """Publish and wait for the acknowledgement."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        info = self.client.publish(topic, payload, qos)
        eventually(info.is_published, what="PUBACK")

    def leave(self) -> None:
        """End the connection."""
        self.client.disconnect()
        self.client.loop_stop()


def _connected(transport: Transport, token: str, name: str) -> Listener | None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
    client.username_pw_set(name, token)
    listener, answers = Listener(client), []

    def on_message(_: object, __: object, message: mqtt.MQTTMessage) -> None:
        listener.heard.append((message.topic, json.loads(message.payload)))
        listener.qos_heard.append(message.qos)

    client.on_message = on_message
    client.on_subscribe = lambda _, __, number, codes, ___: listener.granted.update({number: not codes[0].is_failure})
    client.on_connect = lambda _, __, ___, code, ____: answers.append(code.is_failure)
    client.connect("127.0.0.1", transport.configuration.mqtt_port)
    client.loop_start()
    eventually(lambda: answers, what="CONNACK")
    if not answers[0]:
        return listener
    listener.leave()
    return None


def environment_of(configuration: Configuration, dsn: str) -> dict[str, str]:
    """Return the environment of the city's processes in a test."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CITYLOOP_HOME": str(configuration.home),
        "CITYLOOP_NATS_PORT": str(configuration.nats_port),
        "CITYLOOP_MQTT_PORT": str(configuration.mqtt_port),
        "CITYLOOP_POSTGRES_DSN": dsn,
        "CITYLOOP_PUBLIC_URL": "http://city.test",
    }
