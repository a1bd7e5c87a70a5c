"""A simulated device that publishes its vendor's JSON over MQTT 3.1.1: an uplink as ChirpStack v4 hands it on.

It is cut off in the middle of a PUBLISH, comes again, and publishes everything at QoS 1.
"""

import base64
import json
import socket
import struct

import paho.mqtt.client as mqtt

from tests.terminals.speaking import ANSWER_S_MAX, arguments, moment, tell

KIND, PORT = 1, 10


def uplink(level_m: float, *, seconds: float) -> bytes:
    """Return an uplink of the example mapping; seconds are counted from now."""
    payload = struct.pack(">BhBB", KIND, round(level_m * 1000), 180, 0)
    return json.dumps(
        {
            "time": moment(seconds).isoformat(),
            "deviceInfo": {"deviceName": "simulated"},
            "fPort": PORT,
            "data": base64.b64encode(payload).decode(),
            "rxInfo": [{"rssi": -70, "snr": 7.5}],
        }
    ).encode()


def text_of(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def packet_of(kind: int, body: bytes) -> bytes:
    """Return an MQTT packet; bodies here are shorter than 16,384 bytes."""
    length = bytes((len(body),)) if len(body) < 128 else bytes((len(body) & 0x7F | 0x80, len(body) >> 7))
    return bytes((kind,)) + length + body


def main() -> None:
    told = arguments("vendor_json")
    topic, count = f"devices/{told.address}/up", len(told.values)
    with socket.create_connection((told.host, told.port), timeout=ANSWER_S_MAX) as line:
        credentials = text_of(told.address) + text_of(told.address) + text_of(told.secret)
        line.sendall(packet_of(0x10, text_of("MQTT") + bytes((4, 0xC2, 0, 60)) + credentials))
        assert line.recv(4) == b"\x20\x02\x00\x00", "the broker refused us"
        half = packet_of(0x32, text_of(topic) + b"\x00\x01" + uplink(told.values[0], seconds=-count))
        line.sendall(half[: len(half) // 2])
    tell(state="cut off in the middle of a frame")
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=told.address, protocol=mqtt.MQTTv311)
    client.username_pw_set(told.address, told.secret)
    client.connect(told.host, told.port)
    client.loop_start()
    for number, value in enumerate(told.values):
        client.publish(topic, uplink(value, seconds=number - count), qos=1).wait_for_publish(ANSWER_S_MAX)
        tell(state="acknowledged")
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
