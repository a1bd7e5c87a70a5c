"""GB/T 26875.3: frames as the standard builds them, and everything that can happen to them on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.instants import from_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.gb26875 import PROTOCOL
from cityloop.sense.stream.protocols.gb26875.codec import (
    APPLICATION_BYTES_MAX,
    FRAME_BYTES_MAX,
    Command,
    Frame,
    Scanner,
    clock_label,
    clock_us,
    encoded,
    wire_address,
)
from cityloop.sense.stream.protocols.gb26875.session import HALF_S_MAX, PARCELS_MAX, SERIALS_KEPT, FireSession
from cityloop.sense.stream.protocols.port import Settled, Turn
from cityloop.sense.stream.protocols.tests.conversation import (
    NOW_US,
    endure,
    everyone,
    halves,
    measured,
    nobody,
    reasons,
    told,
    values,
)

ADDRESS, CENTRE = "00000000A17F", "000000000001"

FIRE = bytes.fromhex(
    "4040 0100 0100 04 00 09 02 07 15 7FA100000000 010000000000 3000 02"
    "02 01 01 02 28 11000000 0300"
    "D1CCB8D02D3700000000000000000000000000000000000000000000000000"
    "04 00 09 02 07 15"
    "76 2323"
)
"""Smoke detector 17 of fire-alarm system 2 reports fire on 2021-07-02 at 09:00:04; "smoke-7" in GB 18030.

Composed by hand after clauses 6 and 8.2.1.2, not by our encoder; the layout agrees with two public implementations."""


def sent(application: bytes, *, serial: int = 7, command: int = Command.SEND, now_us: int = NOW_US) -> bytes:
    return encoded(Frame(serial, command, wire_address(ADDRESS), wire_address(CENTRE), application), now_us=now_us)


def state(word: int, *, component: int = 17, at_us: int = NOW_US) -> bytes:
    head = bytes((2, 1, 1, 2, 40)) + component.to_bytes(4, "little") + word.to_bytes(2, "little")
    return head + bytes(31) + clock_label(at_us)


def answers(turn_or_bytes: Turn | bytes) -> list[Frame]:
    data = turn_or_bytes if isinstance(turn_or_bytes, bytes) else turn_or_bytes.answers
    frames, refused = Scanner().scan(data)
    assert refused == []
    return frames


def test_a_fire_is_read_with_its_component_and_its_time() -> None:
    (one,) = measured(told(FireSession(everyone), FIRE))
    assert (one.address, one.channel, one.value, one.quality) == (ADDRESS, "1-2.40-17.state", 1.0, Quality.GOOD)
    assert from_us(one.phenomenon_us).isoformat() == "2021-07-02T01:00:04+00:00"


@pytest.mark.parametrize(
    ("word", "value", "quality"),
    [
        (0x0001, 0.0, Quality.GOOD),
        (0x0003, 1.0, Quality.GOOD),
        (0x0007, 1.0, Quality.GOOD),
        (0x0005, 2.0, Quality.GOOD),
        (0x0009, 3.0, Quality.GOOD),
        (0x0101, 8.0, Quality.GOOD),
        (0x0004, 2.0, Quality.MAINTENANCE),
        (0x0000, 0.0, Quality.MAINTENANCE),
        (0x0002, 1.0, Quality.SUSPECT),
    ],
)
def test_the_gravest_state_counts_and_test_mode_is_marked(word: int, value: float, quality: Quality) -> None:
    (one,) = measured(told(FireSession(everyone), sent(state(word))))
    assert (one.value, one.quality) == (value, quality)


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("01 01 01 02 0300", {"1-2.state": 1.0}),
        ("01 01 0B 03 0108", {"11-3.state": 11.0}),
        ("03 01 01 02 28 11000000 03 2003", {"1-2.40-17.temperature": 80.0}),
        ("03 01 01 02 28 11000000 03 9CFF", {"1-2.40-17.temperature": -10.0}),
        ("03 01 0B 01 5B 01000000 05 6400", {"11-1.91-1.pressure_kpa": 10.0}),
        ("03 01 0B 01 5B 01000000 C8 6400", {"11-1.91-1.analogue200": 100.0}),
        ("04 01 01 02 20 07", {"1-2.operation": 32.0}),
        ("15 01 09", {"transmitter.state": 3.0}),
        ("18 01 20 07", {"transmitter.operation": 32.0}),
    ],
)
def test_every_type_of_data_has_its_channel(application: str, expected: dict[str, float]) -> None:
    turn = told(FireSession(everyone), sent(bytes.fromhex(application) + clock_label(NOW_US)))
    assert values(turn) == expected


def test_several_objects_of_a_frame_are_one_parcel() -> None:
    one = state(3, component=1)[2:]
    application = bytes((2, 2)) + one + state(5, component=2)[2:]
    turn = told(FireSession(everyone), sent(application))
    assert len(turn.parcels) == 1
    assert values(turn) == {"1-2.40-1.state": 1.0, "1-2.40-2.state": 2.0}


@pytest.mark.parametrize("application", ["05 01 01 02 03 04", "06 01 01 02 01 41", "19 01 01 02", "1A 01 02 41 42"])
def test_descriptions_are_confirmed_at_once_and_are_no_readings(application: str) -> None:
    turn = told(FireSession(everyone), sent(bytes.fromhex(application)))
    assert turn.parcels == []
    assert [frame.command for frame in answers(turn)] == [Command.CONFIRM]


def test_a_frame_is_confirmed_only_when_it_is_durable() -> None:
    session = FireSession(everyone)
    turn = told(session, sent(state(3), serial=258))
    assert turn.answers == b""
    (answer,) = answers(session.settle(turn.parcels[0].ticket, Settled.KEPT, now_us=NOW_US))
    assert (answer.command, answer.serial, answer.application) == (Command.CONFIRM, 258, b"")
    assert (answer.source, answer.target) == (wire_address(CENTRE), wire_address(ADDRESS))


def test_while_the_history_is_away_the_device_hears_nothing_and_is_confirmed_afterwards() -> None:
    session = FireSession(everyone)
    (parcel,) = told(session, sent(state(3))).parcels
    assert session.settle(parcel.ticket, Settled.AWAY, now_us=NOW_US) == b""
    assert told(session, sent(state(3))).parcels == []
    assert len(answers(session.settle(parcel.ticket, Settled.KEPT, now_us=NOW_US))) == 1
    assert session.settle(parcel.ticket, Settled.KEPT, now_us=NOW_US) == b""


def test_a_repeat_of_a_confirmed_frame_is_confirmed_at_once_and_kept_once() -> None:
    session = FireSession(everyone)
    (parcel,) = told(session, sent(state(3))).parcels
    session.settle(parcel.ticket, Settled.KEPT, now_us=NOW_US)
    again = told(session, sent(state(3), now_us=NOW_US + 5_000_000))
    assert again.parcels == []
    assert [frame.command for frame in answers(again)] == [Command.CONFIRM]
    assert len(told(session, sent(state(1))).parcels) == 1, "the serial number alone makes no repeat"


def test_what_is_not_understood_is_denied_and_counted() -> None:
    session = FireSession(everyone)
    for application, command, reason in [
        (bytes((200, 1)), Command.SEND, "unsupported"),
        (b"", Command.SEND, "malformed"),
        (bytes((2, 3)) + bytes(46), Command.SEND, "malformed"),
        (b"", Command.REQUEST, "unsupported"),
        (b"", 99, "unsupported"),
    ]:
        turn = told(session, sent(application, command=command))
        assert (reasons(turn), [frame.command for frame in answers(turn)]) == ([reason], [Command.DENY])
    denied = told(session, sent(b"", command=Command.DENY))
    assert (reasons(denied), denied.answers) == (["order_refused"], b"")


def test_a_device_that_is_not_in_the_ledger_is_denied() -> None:
    turn = told(FireSession(nobody), sent(state(3)))
    assert (reasons(turn), turn.parcels, turn.heard) == (["not_admitted"], [], [])
    assert [frame.command for frame in answers(turn)] == [Command.DENY]
    session = FireSession(everyone)
    (parcel,) = told(session, sent(state(3))).parcels
    assert [f.command for f in answers(session.settle(parcel.ticket, Settled.UNKNOWN, now_us=NOW_US))] == [Command.DENY]


def test_a_clock_far_off_is_told_and_set_right_once_a_connection() -> None:
    session, wrong_us = FireSession(everyone), NOW_US - 600_000_000
    assert told(session, sent(state(3, at_us=wrong_us), now_us=wrong_us)).clocks == {}, "it may be an old frame"
    turn = told(session, *(sent(state(1), serial=n, now_us=wrong_us) for n in (8, 9)))
    (order,) = answers(turn)
    assert (order.command, order.application) == (Command.CONTROL, bytes((90, 1)) + clock_label(NOW_US))
    assert turn.clocks == {ADDRESS: wrong_us}
    assert told(FireSession(everyone), sent(state(3))).answers == b""
    clock = bytes((28, 1)) + clock_label(wrong_us)
    assert told(FireSession(everyone), sent(clock)).clocks == {ADDRESS: wrong_us}


def test_an_impossible_time_becomes_the_present_and_is_suspect() -> None:
    application = state(3)[:-6] + bytes((61, 0, 9, 31, 2, 21))
    (one,) = measured(told(FireSession(everyone), sent(application)))
    assert (one.phenomenon_us, one.quality) == (NOW_US, Quality.SUSPECT)
    assert clock_us(bytes(6)) is None


def test_a_frame_split_at_every_byte_is_one_frame() -> None:
    for first, second in halves(FIRE):
        turn = told(FireSession(everyone), first, second)
        assert (values(turn), reasons(turn)) == ({"1-2.40-17.state": 1.0}, [])
    bytewise = told(FireSession(everyone), *(bytes((byte,)) for byte in FIRE))
    assert (values(bytewise), reasons(bytewise)) == ({"1-2.40-17.state": 1.0}, [])


def test_two_frames_in_one_read_are_two() -> None:
    turn = told(FireSession(everyone), sent(state(3), serial=1) + sent(state(1), serial=2))
    assert [one.value for one in measured(turn)] == [1.0, 0.0]


def test_a_wrong_checksum_is_refused_and_the_next_frame_is_read() -> None:
    wrong = FIRE[:40] + bytes((FIRE[40] ^ 1,)) + FIRE[41:]
    turn = told(FireSession(everyone), wrong + FIRE)
    assert (reasons(turn), len(turn.parcels)) == (["wrong_checksum"], 1)
    assert turn.refused[0].address == ADDRESS
    assert turn.refused[0].raw == wrong


def test_a_truncated_frame_is_given_up_and_the_next_one_is_read() -> None:
    session = FireSession(everyone)
    assert reasons(told(session, FIRE[:50])) == []
    later = NOW_US + int(HALF_S_MAX * 1_000_000) + 1
    assert reasons(session.tick(now_us=later)) == ["incomplete"]
    assert len(told(session, FIRE).parcels) == 1
    resumed = told(FireSession(everyone), FIRE[:50] + FIRE + FIRE)
    assert len(resumed.parcels) >= 1
    assert "malformed" in reasons(resumed)


def test_marks_inside_the_data_and_garbage_around_a_frame_do_no_harm() -> None:
    inside = state(3)[:11] + b"@@##@@" + bytes(25) + clock_label(NOW_US)
    turn = told(FireSession(everyone), b"##@" + sent(inside) + b"garbage@" + sent(state(1), serial=8))
    assert [one.value for one in measured(turn)] == [1.0, 0.0]
    assert reasons(turn).count("garbage") >= 2


def test_a_length_beyond_the_standard_is_refused_at_once() -> None:
    wrong = FIRE[:24] + (APPLICATION_BYTES_MAX + 1).to_bytes(2, "little") + FIRE[26:]
    turn = told(FireSession(everyone), wrong + FIRE)
    assert reasons(turn)[0] == "wrong_length"
    assert len(turn.parcels) == 1


def test_what_waits_and_what_is_remembered_is_bounded() -> None:
    session = FireSession(everyone)
    turn = told(session, *(sent(state(3, component=n), serial=n) for n in range(PARCELS_MAX + 3)))
    assert (len(turn.parcels), reasons(turn)) == (PARCELS_MAX, ["overloaded"] * 3)
    for parcel in turn.parcels:
        session.settle(parcel.ticket, Settled.KEPT, now_us=NOW_US)
    assert len(session._confirmed) == SERIALS_KEPT


@given(st.binary(max_size=APPLICATION_BYTES_MAX), st.integers(0, 65535), st.integers(0, 255))
def test_what_is_encoded_is_decoded(application: bytes, serial: int, command: int) -> None:
    data = sent(application, serial=serial, command=command)
    (frame,), refused = Scanner().scan(data)
    assert refused == []
    assert (frame.serial, frame.command, frame.application) == (serial, command, application)
    assert (frame.address, frame.time_us, frame.raw) == (ADDRESS, NOW_US, data)


@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([FIRE, FIRE[:33], b"@@", b"@", b"##"])), max_size=30))
def test_nothing_breaks_the_session(pieces: list[bytes]) -> None:
    session = endure(lambda: PROTOCOL.open_session(everyone, ()), pieces)
    assert len(session._scanner.held) < FRAME_BYTES_MAX


@given(st.binary(max_size=120))
def test_no_application_data_breaks_the_session(application: bytes) -> None:
    turn = told(FireSession(everyone), sent(application))
    assert len(turn.parcels) + len(turn.refused) + len(turn.answers) > 0
