"""A device that publishes readings through MQTT 3.1.1 at QoS 1: bounded, patient, acknowledged."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from cityloop.kernel.errors import CityloopError

WINDOW = 512
"""Messages on their way without an acknowledgement; bounds what a crash must send again."""

KEEP_ALIVE_S = 30
RETRY_S_MIN, RETRY_S_MAX = 1, 10
"""Wait between two attempts to reach the broker, seconds, doubled each time."""

_REFUSALS = frozenset({"Bad user name or password", "Not authorized"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DeviceRefusedError(CityloopError):
    """The broker knows us and does not let us in; waiting would not help."""

    key = "The broker at %(address)s refuses the user %(user)s: %(reason)s."
    status = 403


class StoppedError(CityloopError):
    """The replay was asked to stop while it waited for the broker."""

    key = "Stopped before all readings were acknowledged."


class Publisher(Protocol):
    """Takes readings and tells when they are acknowledged."""

    def publish(self, datastream_id: int, time_us: int, value: float) -> None:
        """Take one reading; waits while too many are on their way."""

    def drain(self) -> None:
        """Return when every reading taken so far is acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the broker is and who we are there."""

    host: str
    port: int
    user: str = ""
    password: str = ""


def payload_of(time_us: int, value: float, parameters: Mapping[str, str] | None = None) -> bytes:
    """Return an Observation as a device sends it: phenomenonTime and result, and what else is to be said of it."""
    instant = (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"parameters": dict(parameters)} if parameters else {}
    return msgspec.json.encode({"phenomenonTime": instant, "result": value, **said})


class MqttDevice:
    """One MQTT connection; used by one thread, beside the library's own.

    Attributes:
        parameters: kept with every reading that is published.
    """

    def __init__(
        self,
        address: Address,
        *,
        name: str,
        stop: threading.Event,
        on_reached: Callable[[], None] = lambda: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare the connection; it is made, and made again when lost, in the background.

        Args:
            address: the broker.
            name: client identifier.
            stop: set when the replay shall end; whoever waits then leaves with `StoppedError`.
            on_reached: called when the broker is reached.
            on_lost: called when the broker is lost.
        """
        self._address, self._stop, self._on_reached, self._on_lost = address, stop, on_reached, on_lost
        self.parameters: Mapping[str, str] = {}
        self._changed = threading.Condition()
        self._taken = 0
        self._acknowledged = 0
        self._refused = ""
        self._leaving = False
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(RETRY_S_MIN, RETRY_S_MAX)
        if address.user:
            self._client.username_pw_set(address.user, address.password)
        self._client.on_publish = self._on_publish
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect

    def __enter__(self) -> Self:
        """Start to connect."""
        self._client.connect_async(self._address.host, self._address.port, keepalive=KEEP_ALIVE_S)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the broker."""
        self._leaving = True
        with suppress(ValueError):
            self._client.disconnect()
        self._client.loop_stop()

    @property
    def acknowledged(self) -> int:
        """Return how many readings the broker has acknowledged."""
        return self._acknowledged

    def publish(self, datastream_id: int, time_us: int, value: float) -> None:
        """Take one reading; waits while `WINDOW` readings are on their way.

        Raises:
            DeviceRefusedError: if the broker refuses the user.
            StoppedError: if asked to stop while waiting.
        """
        self._wait_until(lambda: self._taken - self._acknowledged < WINDOW)
        self._taken += 1
        # The library calls back under a lock of its own that publish needs too: so ours is not held here.
        payload = payload_of(time_us, value, self.parameters)
        self._client.publish(f"v1.1/Datastreams({datastream_id})/Observations", payload, qos=1)

    def drain(self) -> None:
        """Return when every reading taken so far is acknowledged.

        Raises:
            DeviceRefusedError: if the broker refuses the user.
            StoppedError: if asked to stop while waiting.
        """
        self._wait_until(lambda: self._taken == self._acknowledged)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            while not condition():
                if self._refused:
                    where = f"{self._address.host}:{self._address.port}"
                    raise DeviceRefusedError(address=where, user=self._address.user, reason=self._refused)
                if self._stop.is_set():
                    raise StoppedError
                self._changed.wait(timeout=0.5)

    def _on_publish(self, _client: Any, _data: Any, _number: int, _reason: ReasonCode, _properties: Any) -> None:
        with self._changed:
            self._acknowledged += 1
            self._changed.notify_all()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        with self._changed:
            self._refused = str(reason) if str(reason) in _REFUSALS else ""
            self._changed.notify_all()
        if not reason.is_failure:
            self._on_reached()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, _reason: ReasonCode, _properties: Any) -> None:
        if not self._leaving:
            self._on_lost()
