"""What devices publish, decoded; a bad message never touches its neighbours."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.jetstream import Message
from cityloop.convey.stream.mqtt import MqttMouth, Reason
from cityloop.kernel.instants import from_us
from cityloop.sense.stream.readings import NO_TIME, Outcome

NOW_US = 1_790_000_000_000_000
ONE = b"mouth.v1//1.Datastreams(7).Observations"


def message(payload: object, *, subject: bytes = ONE, sequence: int = 1) -> Message:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(subject, body, sequence, NOW_US)


def test_columns_hold_what_the_messages_say() -> None:
    bodies = [
        {"phenomenonTime": "2026-01-01T00:00:00Z", "resultTime": "2026-01-01T00:00:01Z", "result": 1.5},
        {"phenomenonTime": "2026-01-01T08:00:00+08:00", "result": 2},
    ]
    readings = MqttMouth().decode([message(body) for body in bodies], received_us=NOW_US).readings
    assert readings.datastream_id.tolist() == [7, 7]
    assert readings.result.tolist() == [1.5, 2.0]
    assert [from_us(at).isoformat() for at in readings.phenomenon_us.tolist()] == ["2026-01-01T00:00:00+00:00"] * 2
    assert readings.result_us[1] == NO_TIME


def test_a_missing_time_is_when_the_transport_received_it_so_that_a_second_reading_of_it_is_the_same() -> None:
    readings = MqttMouth().decode([message({"result": 1})], received_us=NOW_US + 99).readings
    assert readings.phenomenon_us.tolist() == [NOW_US]


def test_results_that_are_no_float_keep_their_text() -> None:
    texts = [b'"on"', b"true", b"null", b'{"a":1}', b"[1]", b"9007199254740993123", b"1e3", b"-0.5"]
    decoded = MqttMouth().decode([message(b'{"result":' + text + b"}") for text in texts], received_us=NOW_US)
    kept = {row: others.result_json for row, others in decoded.readings.others.items()}
    assert kept == dict(enumerate(texts[:6]))
    assert decoded.readings.result[6:].tolist() == [1000.0, -0.5]
    assert np.isnan(decoded.readings.result[:6]).all()


def test_other_parts_follow_their_row_when_a_row_before_is_refused() -> None:
    bodies = [
        {"result": 1, "phenomenonTime": "?"},
        {"result": 2, "parameters": {"depth": 3}, "validTime": "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"},
    ]
    decoded = MqttMouth().decode([message(body) for body in bodies], received_us=NOW_US)
    assert decoded.readings.result.tolist() == [2.0]
    assert decoded.readings.others[0].parameters_json == b'{"depth": 3}'
    assert [item.reason for item in decoded.rejected] == [Reason.BAD_TIME]
    assert decoded.refused(0, Outcome.UNKNOWN_DATASTREAM).payload == json.dumps(bodies[1]).encode()


def test_halves_of_two_messages_never_become_one() -> None:
    halves = [b'{"result":1', b'"phenomenonTime":"2026-01-01T00:00:00Z"}', b'{"result":1},{"result":2}']
    decoded = MqttMouth().decode([message(half) for half in halves], received_us=NOW_US)
    assert len(decoded.readings) == 0
    assert [item.reason for item in decoded.rejected] == [Reason.MALFORMED] * 3


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(b'{"result":1}')), max_size=20))
def test_every_message_is_either_read_or_refused(payloads: list[bytes]) -> None:
    decoded = MqttMouth().decode([message(payload) for payload in payloads], received_us=NOW_US)
    assert decoded.readings.result.tolist().count(1.0) >= payloads.count(b'{"result":1}')
    empty = sum(payload.strip(b" \t\r\n") == b"[]" for payload in payloads)
    assert len({id(m) for m in decoded.message}) + len(decoded.rejected) + empty >= len(payloads)


@given(st.binary(max_size=60))
def test_no_topic_breaks_the_mouth(subject: bytes) -> None:
    decoded = MqttMouth().decode([message({"result": 1}, subject=subject)], received_us=NOW_US)
    assert len(decoded.readings) + len(decoded.rejected) == 1
