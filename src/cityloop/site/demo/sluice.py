"""A simulated sluice: a terminal of its own that hears its tasks over MQTT, moves its gate and reports.

It stands for what a vendor builds into a real one; everything it says of itself is labelled simulated.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from cityloop.kernel.errors import CityloopError
from cityloop.site.replay.device import KEEP_ALIVE_S, RETRY_S_MAX, RETRY_S_MIN, Address

log = logging.getLogger(__name__)

SIMULATED = "simulated sluice (模拟闸门)"
"""Begins every reason it gives."""

PARAMETER = "opening"
"""The parameter it acts on: how far the gate is open, percent."""

TASKS_KNOWN_MAX = 1_000
"""Tasks it remembers, so that one that comes again is done once."""

RECORD = {
    "type": "DataRecord",
    "field": [
        {
            "name": PARAMETER,
            "label": "Opening 开度",
            "type": "Quantity",
            "uom": {"code": "%"},
            "constraint": {"type": "AllowedValues", "interval": [[0, 100]]},
        }
    ],
}
"""What its tasking capability takes."""


class SluiceRefusedError(CityloopError):
    """The broker does not let the sluice in, or not hear its tasks."""

    key = "The transport refuses the simulated sluice: %(reason)s"
    status = 403


@dataclass(slots=True)
class Gate:
    """The gate itself.

    Attributes:
        opening: how far it is open, percent.
        is_stuck: whether it cannot move.
    """

    opening: float = 0.0
    is_stuck: bool = False

    def move(self, opening: float) -> bool:
        """Move; return whether it could."""
        if not self.is_stuck:
            self.opening = opening
        return not self.is_stuck


class Sluice:
    """A terminal with one gate; used by its own thread and the library's.

    Args:
        address: the broker, with the name and the key of the device.
        capability_id: the tasking capability it serves.
        gate: what moves.
        wait: called before the gate moves; real ones take their time.
    """

    def __init__(
        self, address: Address, capability_id: int, gate: Gate, *, wait: Callable[[], object] = lambda: None
    ) -> None:
        """Prepare the connection."""
        self._address, self._capability, self._gate, self._wait = address, capability_id, gate, wait
        self._known: dict[int, str] = {}
        self.refused = ""
        self.listens = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=address.user, protocol=mqtt.MQTTv311)
        self._client.username_pw_set(address.user, address.password)
        self._client.reconnect_delay_set(RETRY_S_MIN, RETRY_S_MAX)
        self._client.on_connect, self._client.on_subscribe = self._on_connect, self._on_subscribe
        self._client.on_message = self._on_message

    def run(self, stop: threading.Event) -> None:
        """Serve tasks until asked to stop.

        Raises:
            SluiceRefusedError: if the transport refuses us.
        """
        self._client.connect_async(self._address.host, self._address.port, keepalive=KEEP_ALIVE_S)
        self._client.loop_start()
        try:
            stop.wait()
        finally:
            self._client.disconnect()
            self._client.loop_stop()
        if self.refused:
            raise SluiceRefusedError(reason=self.refused)

    def _on_connect(self, client: mqtt.Client, _: Any, __: Any, code: ReasonCode, ___: Any) -> None:
        if code.is_failure:
            self.refused = str(code)
            return
        client.subscribe(f"v1.1/TaskingCapabilities({self._capability})/Tasks", qos=1)

    def _on_subscribe(self, _: mqtt.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
        if codes[0].is_failure:
            self.refused = "no right to these tasks"
        else:
            log.info("%s: listening to tasks of capability %d", SIMULATED, self._capability)
            self.listens.set()

    def _on_message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        task = msgspec.json.decode(message.payload)
        key = int(task["@iot.id"])
        if key in self._known:
            self._report(key, self._known[key])
            return
        self._report(key, "accepted")
        self._wait()
        opening = float(task["taskingParameters"][PARAMETER])
        status = "done" if self._gate.move(opening) else "failed"
        self._known[key] = status
        if len(self._known) > TASKS_KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._report(key, status)

    def _report(self, key: int, status: str) -> None:
        words = f"{SIMULATED}: {'stuck' if self._gate.is_stuck else f'opening {self._gate.opening:g} %'}"
        body = msgspec.json.encode({"status": status, "reason": words})
        self._client.publish(f"v1.1/TaskingCapabilities({self._capability})/Tasks({key})/status", body, qos=1)
        log.info("%s: task %d %s", SIMULATED, key, status)
