"""A device that does not wait for the answer to its CONNECT: its first reading comes along in the same piece."""

import json
import socket

from tests.city import City, eventually
from tests.conformance.sta_service import stream_body, thing_body
from tests.terminals.vendor_json import packet_of, text_of

READINGS = 10
CONNECTED, DISCONNECT = b"\x20\x02\x00\x00", b"\xe0\x00"


def said_at_once(city: City, number: int, stream: int) -> bytes:
    """Send CONNECT and a reading in one piece; return what comes back until both are answered or the line ends."""
    credentials = text_of(f"early-{number}") + text_of("device") + text_of(city.run("secrets", "nats-device"))
    reading = json.dumps({"result": number, "phenomenonTime": f"2026-11-30T00:00:{number:02}Z"}).encode()
    heard = b""
    with socket.create_connection(("127.0.0.1", city.port("MQTT_PORT")), timeout=30) as line:
        line.sendall(
            packet_of(0x10, text_of("MQTT") + bytes((4, 0xC2, 0, 60)) + credentials)
            + packet_of(0x32, text_of(f"v1.1/Datastreams({stream})/Observations") + b"\x00\x01" + reading)
        )
        while len(heard) < 8 and (part := line.recv(8)):
            heard += part
        line.sendall(DISCONNECT)
    return heard


def test_what_comes_along_with_connect_and_is_acknowledged_is_kept(city: City) -> None:
    machine = city.machine(city.token("early", "read", "write"))
    body = {**stream_body("early"), "Thing": thing_body("early", at=(116.4, 39.9))}
    made = machine.post("Datastreams", json=body)
    assert made.status_code == 201, made.text
    stream = int(made.headers["location"].rpartition("(")[2].rstrip(")"))
    heard = [said_at_once(city, number, stream) for number in range(READINGS)]
    assert heard == [CONNECTED + b"\x40\x02\x00\x01"] * READINGS

    def results() -> list[float] | None:
        answer = machine.get(f"Datastreams({stream})/Observations", params={"$select": "result"}).json()["value"]
        return [one["result"] for one in answer] if len(answer) == READINGS else None

    assert sorted(eventually(results, what="every acknowledged reading")) == list(range(READINGS))
