"""Vendors' JSON becomes readings by data files; what does not fit is kept with its reason and harms nobody."""

import base64
import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.book import ChannelRecord, DeviceRecord
from cityloop.convey.stream.jetstream import Message
from cityloop.convey.stream.mappings import MappedMouth, MappingError, Mappings, UnfitError, read_message
from cityloop.convey.stream.mappings.found import LOOK_US
from cityloop.convey.stream.mappings.mapping import Mapping, mapping_of
from cityloop.convey.stream.mappings.paths import MISSING, found_at, path_of
from cityloop.convey.stream.mappings.times import format_of
from cityloop.convey.stream.mouths import Mouths
from cityloop.convey.stream.mqtt import MqttMouth
from cityloop.kernel.instants import from_us
from cityloop.sense.stream.readings import Outcome

NOW_US = 1_795_000_000_000_000
SHOWN = "2026-11-18T19:06:40+08:00"
MAPPINGS = Mappings()


class Ledger:
    """A ledger in memory."""

    def __init__(self, channels: dict[str, ChannelRecord], protocol: str = "json:plain", address: str = "") -> None:
        self.device = DeviceRecord(1, "well-7", protocol, address, 11)
        self.channels_of, self.heard_of = channels, []

    def admitted(self, _protocol: str, _address: str, _secret: str = "") -> DeviceRecord | None:
        return None

    def named(self, code: str) -> DeviceRecord | None:
        return self.device if code == self.device.code else None

    def channel(self, _device: DeviceRecord, channel: str) -> ChannelRecord | None:
        return self.channels_of.get(channel)

    def channels(self, _device: DeviceRecord) -> tuple[str, ...]:
        return tuple(sorted(self.channels_of))

    def polled(self, _protocol: str) -> list[DeviceRecord]:
        return []

    def heard(self, device: DeviceRecord, *, received_us: int, device_us: int | None = None) -> None:
        self.heard_of.append((device.code, received_us, device_us))


LEVEL = {"level": ChannelRecord(71), "battery": ChannelRecord(72, scale=1000.0, offset=1.0)}


def message(body: Any, *, code: str = "well-7") -> Message:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(f"mouth.devices.{code}.up".encode(), payload, 1, NOW_US - 5)


def mapped(code: str, body: Any) -> dict[str, float | str]:
    mapping = MAPPINGS.get(code, now_us=NOW_US)
    assert mapping is not None
    return {each.channel: each.value for each in read_message(mapping, json.dumps(body).encode()).values}


def chirpstack(payload: bytes = b"", **more: Any) -> dict[str, Any]:
    """An uplink as the documentation of ChirpStack v4 shows it, shortened."""
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-11-18T11:06:40.775023242+00:00",
        "deviceInfo": {"deviceProfileName": "level", "deviceName": "well-7", "devEui": "0101010101010101"},
        "devAddr": "00189440",
        "fCnt": 4,
        "fPort": 10,
        "confirmed": False,
        "data": base64.b64encode(payload).decode(),
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -48, "snr": 9.5}],
        "txInfo": {"frequency": 868100000},
        **more,
    }


def tts(**uplink: Any) -> dict[str, Any]:
    """An uplink as the documentation of The Things Stack v3 shows it, shortened."""
    return {
        "end_device_ids": {"device_id": "well-7", "dev_eui": "0101010101010101"},
        "received_at": "2026-11-18T11:06:45.787Z",
        "uplink_message": {
            "f_port": 1,
            "f_cnt": 12,
            "frm_payload": "Xw==",
            "rx_metadata": [{"rssi": -35, "snr": 5.2}],
            "received_at": "2026-11-18T11:06:40Z",
            **uplink,
        },
    }


def test_plain_json_becomes_columns_in_the_streams_units() -> None:
    ledger = Ledger(LEVEL)
    body = {"time": SHOWN, "values": {"level": 1.25, "battery": "3.6"}}
    decoded = MappedMouth(ledger, MAPPINGS).decode([message(body)], received_us=NOW_US)
    assert decoded.readings.datastream_id.tolist() == [71, 72]
    assert decoded.readings.result.tolist() == [1.25, 3601.0]
    assert decoded.readings.phenomenon_us.tolist() == [NOW_US, NOW_US]
    assert (decoded.rejected, ledger.heard_of) == ([], [("well-7", NOW_US, None)])
    assert decoded.refused(1, Outcome.UNKNOWN_DATASTREAM).detail == "datastream 72"


def test_without_a_time_the_moment_of_arrival_counts_and_null_is_no_value() -> None:
    decoded = MappedMouth(Ledger(LEVEL), MAPPINGS).decode(
        [message({"values": {"level": 1, "battery": None}})], received_us=NOW_US
    )
    assert decoded.readings.phenomenon_us.tolist() == [NOW_US - 5]


def test_words_and_truth_values_are_kept() -> None:
    ledger = Ledger({"valve": ChannelRecord(5), "open": ChannelRecord(6)})
    decoded = MappedMouth(ledger, MAPPINGS).decode(
        [message({"values": {"open": True, "valve": "half"}})], received_us=NOW_US
    )
    assert decoded.readings.result.tolist()[0] == 1.0
    assert decoded.readings.others[1].result_json == b'"half"'


def test_stored_readings_come_several_at_once_and_one_bad_one_harms_no_other() -> None:
    ledger = Ledger(LEVEL, "json:plain-batch")
    items = [{"time": NOW_US // 1000 - n, "values": {"level": n}} for n in range(3)]
    decoded = MappedMouth(ledger, MAPPINGS).decode(
        [message({"readings": [*items, {"time": "soon", "values": {"level": 9}}, 7]})], received_us=NOW_US
    )
    assert decoded.readings.phenomenon_us.tolist() == [NOW_US - n * 1000 for n in range(3)]
    assert [item.reason for item in decoded.rejected] == ["bad_time"]


def test_chirpstack_uplinks_are_read_decoded_or_not() -> None:
    found = mapped("chirpstack-v4", chirpstack(object={"level": 1.5, "nested": {"x": 1}}))
    assert found == {"level": 1.5, "rssi": -48.0, "snr": 9.5}
    payload = struct.pack(">BhBB", 1, -120, 181, 0b101)
    assert mapped("manhole-level-example", chirpstack(payload)) == {
        "rssi": -48.0,
        "snr": 9.5,
        "level": -0.12,
        "battery": 3.62,
        "cover_open": 1.0,
        "alarm": 2.0,
    }


def test_a_payload_that_is_short_of_another_kind_or_not_measured_has_no_such_channel() -> None:
    short = mapped("manhole-level-example", chirpstack(struct.pack(">Bh", 1, 500)))
    assert short == {"rssi": -48.0, "snr": 9.5, "level": 0.5}
    other_kind = mapped("manhole-level-example", chirpstack(struct.pack(">BhBB", 2, 1, 1, 1)))
    other_port = mapped("manhole-level-example", chirpstack(struct.pack(">BhBB", 1, 1, 1, 1), fPort=3))
    assert set(other_kind) == set(other_port) == {"rssi", "snr"}
    unmeasured = mapped("manhole-level-example", chirpstack(struct.pack(">BhBB", 1, 32767, 181, 0)))
    assert "level" not in unmeasured
    assert "battery" in unmeasured


def test_the_things_stack_uplinks_are_read() -> None:
    assert mapped("tts-v3", tts(decoded_payload={"level": 2.5})) == {"level": 2.5, "rssi": -35.0, "snr": 5.2}
    mapping = MAPPINGS.get("tts-v3", now_us=NOW_US)
    assert mapping is not None
    read = read_message(mapping, json.dumps(tts(decoded_payload={"level": 2.5})).encode())
    assert from_us(read.values[0].time_us or 0).isoformat() == "2026-11-18T11:06:40+00:00"
    assert read.device == "0101010101010101"


def test_a_radio_devices_signal_need_not_be_in_the_ledger_but_its_other_channels_must() -> None:
    ledger = Ledger({"level": ChannelRecord(71)}, "json:chirpstack-v4", "0101010101010101")
    decoded = MappedMouth(ledger, MAPPINGS).decode(
        [message(chirpstack(object={"level": 1.5, "tilt": 3, "odd": 4}))], received_us=NOW_US
    )
    assert decoded.readings.datastream_id.tolist() == [71]
    assert [(item.reason, item.detail) for item in decoded.rejected] == [
        ("unknown_channel", "the ledger names no tilt, odd")
    ]


def test_an_uplink_of_another_device_is_refused() -> None:
    ledger = Ledger(LEVEL, "json:chirpstack-v4", "0202020202020202")
    decoded = MappedMouth(ledger, MAPPINGS).decode([message(chirpstack(object={"level": 1}))], received_us=NOW_US)
    assert ([item.reason for item in decoded.rejected], len(decoded.readings)) == (["wrong_device"], 0)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (message({"values": {}}, code="stranger"), "unknown_device"),
        (Message(b"mouth.devices.well-7.down", b"{}", 1, NOW_US), "unknown_topic"),
        (message(b"{half"), "malformed"),
        (message(b"\xff\xfe"), "malformed"),
        (message({"values": [1]}), "malformed"),
        (message({"time": "yesterday", "values": {"level": 1}}), "bad_time"),
        (message({"time": [1], "values": {"level": 1}}), "bad_time"),
        (message({"values": {"level": {"deep": 1}}}), "no_value"),
        (message({"values": {"level": 10**400}}), "no_value"),
        (message({"values": {"level": "x" * 2000}}), "no_value"),
        (message({"values": {"battery": 1e308}}), "no_value"),
        (message({"values": {"depth": 1}}), "unknown_channel"),
    ],
)
def test_what_does_not_fit_is_kept_with_its_reason_and_its_neighbours_are_read(said: Message, reason: str) -> None:
    good = message({"time": SHOWN, "values": {"level": 4}})
    decoded = MappedMouth(Ledger(LEVEL), MAPPINGS).decode([said, good], received_us=NOW_US)
    assert decoded.readings.result.tolist() == [4.0]
    (rejected,) = decoded.rejected
    assert (rejected.mouth, rejected.reason, rejected.payload) == ("devices", reason, said.payload)
    assert rejected.source.startswith("devices/")


@pytest.mark.parametrize("protocol", ["", "hj212", "json:nothing"])
def test_a_device_without_a_mapping_is_refused_by_name(protocol: str) -> None:
    decoded = MappedMouth(Ledger(LEVEL, protocol), MAPPINGS).decode([message({})], received_us=NOW_US)
    assert [item.reason for item in decoded.rejected] == ["unmapped"]


@pytest.mark.parametrize("bad", ["%%%", "Zm9", 7, "A" * 3000])
def test_a_payload_that_is_none_is_refused(bad: Any) -> None:
    ledger = Ledger(LEVEL, "json:manhole-level-example")
    decoded = MappedMouth(ledger, MAPPINGS).decode([message(chirpstack(data=bad))], received_us=NOW_US)
    assert [item.reason for item in decoded.rejected] == ["bad_payload"]


@pytest.mark.parametrize(
    ("name", "zone", "shown"),
    [
        ("iso8601", "", SHOWN),
        ("iso8601", "", "2026-11-18T11:06:40Z"),
        ("iso8601", "", "2026-11-18 19:06:40"),
        ("iso8601", "UTC", "2026-11-18T11:06:40"),
        ("unix_s", "", 1_795_000_000),
        ("unix_s", "", "1795000000.0"),
        ("unix_ms", "", 1_795_000_000_000),
        ("unix_us", "", 1_795_000_000_000_000),
        ("%Y%m%d%H%M%S", "", "20261118190640"),
        ("%d/%m/%Y %H:%M:%S", "Europe/Berlin", "18/11/2026 12:06:40"),
    ],
)
def test_times_are_read_as_vendors_write_them(name: str, zone: str, shown: Any) -> None:
    assert format_of(name, zone=zone).read(shown) == NOW_US


@pytest.mark.parametrize("shown", ["", "later", None, True, -1, float("inf"), 1e300, "0000-01-01T00:00:00", [], {}])
@pytest.mark.parametrize("name", ["iso8601", "unix_s", "unix_ms", "%Y%m%d"])
def test_what_is_no_time_is_refused(name: str, shown: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        format_of(name).read(shown)


@pytest.mark.parametrize(("name", "zone"), [("soon", ""), ("iso8601", "Moon/Crater"), ("%Y", "../etc")])
def test_a_format_or_zone_that_does_not_exist_is_refused(name: str, zone: str) -> None:
    with pytest.raises(ValueError, match="no "):
        format_of(name, zone=zone)


def test_paths_lead_through_objects_and_lists() -> None:
    whole = {"a": [{"b.c": 1}, {"d": None}]}
    assert found_at(path_of('a[0]."b.c"'), whole) == 1
    assert found_at(path_of("a[1].d"), whole) is None
    assert found_at(path_of("a[2].d"), whole) is MISSING
    assert found_at(path_of("a.d"), whole) is MISSING
    assert path_of("rxInfo[0].rssi") == ("rxInfo", 0, "rssi")


@pytest.mark.parametrize("text", ["", ".", "a..b", "a[", "a[x]", "a[-1]", ".".join("a" * 21), 'a."'])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        path_of(text)


GOOD: dict[str, Any] = {
    "code": "own",
    "title": {"zh": "自有", "en": "own"},
    "basis": "manual",
    "channel": [{"name": "level", "path": "a", "scale": 0.1, "words": {"open": 1, "true": 2}}],
}


def test_a_channels_words_and_scale_are_used() -> None:
    mapping = mapping_of(GOOD, file="own.toml")
    found = [read_message(mapping, json.dumps({"a": a}).encode()).values[0].value for a in (3, "3", "open", True, "?")]
    assert found == [0.3, 0.3, 0.1, 0.2, "?"]


@pytest.mark.parametrize(
    "change",
    [
        {"code": ""},
        {"title": {"zh": "自有"}},
        {"channel": []},
        {"channel": [{"name": "level"}]},
        {"channel": [{"name": "level", "path": "a", "formula": "x+1"}]},
        {"script": "os.system"},
        {"time": {"paths": ["t"], "format": "soon"}},
        {"payload": {"path": "d", "field": [{"name": "x", "offset": 0, "type": "uint24"}]}},
        {"payload": {"path": "d", "field": [{"name": "x", "offset": 0, "type": "uint8", "bits": [4, 5]}]}},
        {"payload": {"path": "d", "field": [{"name": "x", "offset": 0, "type": "float32", "bits": [0, 1]}]}},
        {"payload": {"path": "d", "field": [{"name": "x", "offset": 5000, "type": "uint8"}]}},
        {"payload": {"path": "d", "field": [{"name": "x", "offset": 0, "type": "uint8", "scale": float("nan")}]}},
        {"payload": {"path": "d", "encoding": "rot13", "field": [{"name": "x", "offset": 0, "type": "uint8"}]}},
        {"payload": {"path": "d", "field": [{"name": "x", "offset": 0, "type": "uint8", "code": "1"}]}},
    ],
)
def test_a_mapping_that_says_something_impossible_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MappingError, match=r"own\.toml"):
        mapping_of({**GOOD, **change}, file="own.toml")


OWN = """
code = "pump"
extends = "plain"
title = { zh = "泵", en = "pump" }
basis = "manual"
[[channel]]
name = "flow"
path = "q"
"""


def test_the_operators_own_mappings_are_found_win_and_are_read_again_when_they_change(tmp_path: Path) -> None:
    mappings = Mappings(tmp_path)
    assert mappings.get("pump", now_us=NOW_US) is None
    (tmp_path / "pump.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "broken.toml").write_text("code = ", encoding="utf-8")
    (tmp_path / "orphan.toml").write_text(
        OWN.replace('"plain"', '"nothing"').replace("pump", "orphan"), encoding="utf-8"
    )
    assert mappings.get("pump", now_us=NOW_US + LOOK_US - 1) is None
    pump = mappings.get("pump", now_us=NOW_US + LOOK_US)
    assert pump is not None
    read = read_message(pump, b'{"q": 2, "values": {"level": 1}}')
    assert {each.channel: each.value for each in read.values} == {"level": 1.0, "flow": 2.0}
    assert set(mappings.faults) == {"broken.toml", "orphan.toml"}
    (tmp_path / "pump.toml").unlink()
    assert mappings.get("pump", now_us=NOW_US + 3 * LOOK_US) is None
    assert mappings.get("plain", now_us=0) is not None


def test_every_mapping_of_the_product_can_be_used_and_says_after_what_it_was_written() -> None:
    assert MAPPINGS.faults == {}
    assert {"plain", "plain-batch", "chirpstack-v4", "tts-v3"} <= set(MAPPINGS.all())
    assert all(mapping.basis for mapping in MAPPINGS.all().values())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KINDS = sorted(MAPPINGS.all().values(), key=lambda mapping: mapping.code)


@given(st.sampled_from(KINDS), st.one_of(st.binary(max_size=80), JSON.map(lambda each: json.dumps(each).encode())))
def test_no_payload_breaks_a_mapping(mapping: Mapping, payload: bytes) -> None:
    with contextlib.suppress(UnfitError):
        assert read_message(mapping, payload).device is not None


@given(st.sampled_from(KINDS), JSON, JSON, JSON, st.binary(max_size=40))
def test_no_envelope_breaks_the_mouth(mapping: Mapping, time: Any, values: Any, port: Any, payload: bytes) -> None:
    body = {
        "time": time,
        "values": values,
        "object": values,
        "fPort": port,
        "readings": [{"time": time, "values": values}],
        "data": base64.b64encode(payload).decode(),
        "deviceInfo": {"devEui": port},
        "uplink_message": {"decoded_payload": values, "received_at": time, "f_port": port},
    }
    ledger = Ledger({"level": ChannelRecord(1)}, f"json:{mapping.code}")
    decoded = MappedMouth(ledger, MAPPINGS).decode([message(body)], received_us=NOW_US)
    assert len(decoded.readings) == len(decoded.message)


def test_both_ways_of_speaking_may_come_in_one_fetch() -> None:
    mouths = Mouths(MqttMouth(), MappedMouth(Ledger(LEVEL), MAPPINGS))
    observation = Message(b"mouth.v1//1.Datastreams(7).Observations", b'{"result": 1}', 1, NOW_US)
    broken = Message(b"mouth.v1//1.Datastreams(7).Observations", b"{", 2, NOW_US)
    both = [message({"values": {"level": 4}}), observation, broken, message(b"{", code="well-7")]
    decoded = mouths.decode(both, received_us=NOW_US)
    assert decoded.readings.datastream_id.tolist() == [7, 71]
    assert [item.payload for item in decoded.rejected] == [b"{", b"{"]
    assert decoded.refused(1, Outcome.NOT_STORABLE).payload == both[0].payload
    assert len(mouths.decode([observation], received_us=NOW_US).readings) == 1
    assert len(mouths.decode([], received_us=NOW_US).readings) == 0
