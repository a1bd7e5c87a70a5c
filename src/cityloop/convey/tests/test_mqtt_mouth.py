"""What devices publish, decoded; a bad message never touches its neighbours."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.jetstream import Fetch, Message
from cityloop.convey.stream.mqtt import MqttMouth, Reason
from cityloop.kernel.instants import from_us
from cityloop.sense.stream.readings import COLUMNS, NO_TIME, Outcome

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
    messages = [message(payload, sequence=number) for number, payload in enumerate(payloads)]
    decoded = MqttMouth().decode(messages, received_us=NOW_US)
    assert decoded.readings.result.tolist().count(1.0) >= payloads.count(b'{"result":1}')
    empty = sum(payload.strip(b" \t\r\n") == b"[]" for payload in payloads)
    assert len({m.sequence for m in decoded.message}) + len(decoded.rejected) + empty >= len(payloads)


@given(st.binary(max_size=60))
def test_no_topic_breaks_the_mouth(subject: bytes) -> None:
    decoded = MqttMouth().decode([message({"result": 1}, subject=subject)], received_us=NOW_US)
    assert len(decoded.readings) + len(decoded.rejected) == 1


INSTANT = st.sampled_from(
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.125Z", "2026-01-01T08:00:00+08:00", "soon", None]
)
BODY = st.fixed_dictionaries(
    {"result": st.sampled_from([1, -2.5, 1e13, 10**15, 12345678901234567, "on", True, None])},
    optional={
        "phenomenonTime": st.one_of(INSTANT, st.just("2026-01-01T00:00:00Z/2026-01-01T01:00:00Z")),
        "resultTime": INSTANT,
        "parameters": st.just({"depth": 3}),
        "vendor": st.just("x"),
        "Datastream": st.just({"@iot.id": 9}),
    },
)
TOPICS = st.sampled_from([ONE, b"mouth.v1//1.Datastreams(8).Observations", b"mouth.v1//1.Observations", b"mouth.x"])
ODD = st.sampled_from(
    [b"", b"{", b"}", b" {} ", b"\xff", b'{"result":"}', b'{","result":2}', b'{"result":1},{"result":2}']
)
PAYLOAD = st.one_of(
    BODY.map(lambda body: json.dumps(body).encode()),
    st.lists(BODY, max_size=3).map(lambda bodies: json.dumps(bodies).encode()),
    ODD,
)


@given(st.lists(st.tuples(TOPICS, PAYLOAD), max_size=24))
def test_messages_together_are_read_as_each_alone(sent: list[tuple[bytes, bytes]]) -> None:
    messages = [message(body, subject=topic, sequence=n) for n, (topic, body) in enumerate(sent)]
    together = MqttMouth().decode(messages, received_us=NOW_US)
    alone = [MqttMouth().decode([each], received_us=NOW_US) for each in messages]
    for name in COLUMNS:
        joined = np.concatenate([getattr(each.readings, name) for each in alone]) if alone else np.zeros(0)
        np.testing.assert_array_equal(getattr(together.readings, name), joined)
    parts = [each.readings.others.get(row) for each in alone for row in range(len(each.readings))]
    assert [together.readings.others.get(row) for row in range(len(together.readings))] == parts
    assert [m.sequence for m in together.message] == [m.sequence for each in alone for m in each.message]
    assert sorted((r.reason, r.payload, r.detail) for r in together.rejected) == sorted(
        (r.reason, r.payload, r.detail) for each in alone for r in each.rejected
    )


def test_a_device_cannot_shift_the_readings_of_its_neighbours() -> None:
    reaching = [b'{"result":7,"resultTime":"}', b'{","resultTime":"2026-01-01T00:00:00Z","result":8}']
    doubled = [b'{"result":1},{"result":2}']
    usual = [b'{"result":%d}' % n for n in range(10, 20)]
    subjects = [b"mouth.v1//1.Datastreams(%d).Observations" % n for n in range(1, 14)]
    messages = [message(body, subject=to) for body, to in zip([*reaching, *usual, *doubled], subjects, strict=True)]
    decoded = MqttMouth().decode(messages, received_us=NOW_US)
    assert decoded.readings.datastream_id.tolist() == list(range(3, 13))
    assert decoded.readings.result.tolist() == list(range(10, 20))
    assert len(decoded.rejected) == 3


def test_a_fetch_is_cut_and_chosen_as_a_list_is() -> None:
    fetch = Fetch.of([message({"result": n}, sequence=n) for n in range(5)])
    assert Fetch.of(fetch) is fetch
    assert [m.sequence for m in fetch[1:3]] == [1, 2]
    assert [m.sequence for m in fetch.chosen([4, 0, 0])] == [4, 0, 0]
    assert fetch[-1] == message({"result": 4}, sequence=4)
    assert list(Fetch()) == []
