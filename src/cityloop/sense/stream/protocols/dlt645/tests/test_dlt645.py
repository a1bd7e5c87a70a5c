"""DL/T 645: captured frames, an independent library's frames, and everything that can happen to them."""

import pytest
from dlt645.protocol.protocol import DLT645Protocol
from hypothesis import given
from hypothesis import strategies as st

from cityloop.sense.stream.protocols.dlt645 import PROTOCOL
from cityloop.sense.stream.protocols.dlt645.codec import encoded, frame_of, read_frame, scanner
from cityloop.sense.stream.protocols.dlt645.items import ITEMS, value_bytes
from cityloop.sense.stream.protocols.dlt645.session import PowerSession
from cityloop.sense.stream.protocols.meter_frames import HALF_S_MAX
from cityloop.sense.stream.protocols.port import Polled, Settled
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

METER, OLD_METER = "000000000161", "000000000003"
SECOND_US = 1_000_000

CAPTURED = [
    (METER, "00010000", "FEFEFEFE 68 610100000000 68 1104 33333433 14 16", None, None),
    (METER, "00010000", None, "68 610100000000 68 9108 33333433 59333333 8A 16", 0.26),
    (METER, "02010100", "FEFEFEFE 68 610100000000 68 1104 33343435 17 16", None, None),
    (METER, "02010100", None, "68 610100000000 68 9106 33343435 3443 10 16", 100.1),
    (OLD_METER, "B611", "68 030000000000 68 0102 44E9 03 16", "68 030000000000 68 8104 44E9 3334 EC 16", 100.0),
]
"""Frames of meters of both editions, as captured and published by others."""


def answer(item: str, value: float, *, address: str = METER) -> bytes:
    control = 0x81 if len(item) == 4 else 0x91
    return encoded(address, control, bytes.fromhex(item)[::-1] + value_bytes(ITEMS[item], value), wake_ups=4)


def session(*channels: str, address: str = METER, every_s: float = 60.0) -> PowerSession:
    return PROTOCOL.open_session(everyone, (Polled(address, channels, every_s),) if channels else ())


@pytest.mark.parametrize(("address", "item", "question", "reply", "value"), CAPTURED)
def test_captured_frames_are_what_we_ask_and_read(
    address: str, item: str, question: str | None, reply: str | None, value: float | None
) -> None:
    if question:
        assert read_frame(address, item).lstrip(b"\xfe") == bytes.fromhex(question).lstrip(b"\xfe")
    if reply:
        (one,) = measured(told(session(), bytes.fromhex(reply)))
        assert (one.address, one.channel, one.value, one.unit) == (address, item, value, ITEMS[item].unit)
        assert one.phenomenon_us == NOW_US


@given(st.from_regex(r"[0-9]{12}", fullmatch=True), st.integers(0, 255), st.binary(max_size=255))
def test_an_independent_library_writes_and_reads_the_same_frames(address: str, control: int, data: bytes) -> None:
    ours = encoded(address, control, data, wake_ups=4)
    assert ours == bytes(DLT645Protocol.build_frame(bytes.fromhex(address)[::-1], control, data))
    theirs = DLT645Protocol.deserialize(ours)
    (raw,), refused = scanner().scan(ours)
    frame = frame_of(raw)
    assert refused == []
    assert (frame.address, frame.control, frame.data) == (address, control, data)
    assert (theirs.addr[::-1].hex(), theirs.ctrl_code, bytes(theirs.data)) == (address, control, data)


@pytest.mark.parametrize("item", sorted(ITEMS))
def test_every_item_survives_the_way(item: str) -> None:
    largest = (10 ** (2 * ITEMS[item].length) - 1) / 10 ** ITEMS[item].decimals
    for value in (0.0, largest / 3, largest / 2 if ITEMS[item].signed else largest):
        rounded = round(value, ITEMS[item].decimals)
        assert values(told(session(), answer(item, rounded)))[item] == pytest.approx(rounded)


def test_a_sign_is_read() -> None:
    assert values(told(session(), answer("02030000", -1.2345)))["02030000"] == -1.2345
    with pytest.raises(ValueError, match="does not fit"):
        value_bytes(ITEMS["00010000"], -1.0)


def test_items_are_asked_one_after_the_other() -> None:
    asking = session("00010000", "02010100")
    assert asking.tick(now_us=NOW_US).answers == read_frame(METER, "00010000")
    assert asking.tick(now_us=NOW_US + SECOND_US).answers == b""
    assert told(asking, answer("02030000", 1.0)).answers == b"", "that was not asked"
    assert told(asking, answer("00010000", 12.5)).answers == read_frame(METER, "02010100")
    assert told(asking, answer("02010100", 220.1)).answers == b""
    assert asking.tick(now_us=NOW_US + 61 * SECOND_US).answers == read_frame(METER, "00010000")


def test_both_editions_may_share_the_wires() -> None:
    asking = PROTOCOL.open_session(everyone, (Polled(METER, ("00010000",)), Polled(OLD_METER, ("9010",))))
    asking.tick(now_us=NOW_US)
    turn = told(asking, answer("00010000", 1.0))
    assert turn.answers == read_frame(OLD_METER, "9010")
    assert values(told(asking, answer("9010", 7.25, address=OLD_METER))) == {"9010": 7.25}


def test_what_nobody_can_ask_is_refused_once_and_the_rest_is_asked() -> None:
    asking = PROTOCOL.open_session(everyone, (Polled("pump", ("9010",)), Polled(METER, ("9010", "pressure"))))
    turn = asking.tick(now_us=NOW_US)
    assert reasons(turn) == ["unsupported", "unsupported"]
    assert turn.answers == read_frame(METER, "9010")
    assert asking.tick(now_us=NOW_US).refused == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(METER, 0xD1, b"\x02"), "device_error"),
        (encoded(METER, 0xC1, b"\x02"), "device_error"),
        (encoded(METER, 0xB1, bytes.fromhex("00000100 00000000")), "unsupported"),
        (encoded(METER, 0x94, b""), "unsupported"),
        (encoded(METER, 0x91, b""), "unsupported"),
        (encoded(METER, 0x91, bytes.fromhex("01020304 00")), "unsupported"),
        (encoded(METER, 0x91, bytes.fromhex("00000100 000000")), "wrong_length"),
        (encoded(METER, 0x91, bytes.fromhex("00000100 FFFFFFFF")), "not_a_number"),
    ],
)
def test_what_is_no_reading_is_counted_with_its_reason_and_the_asking_goes_on(data: bytes, reason: str) -> None:
    asking = session("00010000", "02010100")
    asking.tick(now_us=NOW_US)
    turn = told(asking, data)
    assert reasons(turn) == [reason]
    assert turn.answers == read_frame(METER, "02010100")


def test_a_meter_that_does_not_answer_is_asked_twice_and_counted() -> None:
    asking = session("00010000", "02010100")
    turns = [asking.tick(now_us=NOW_US + second * SECOND_US) for second in range(10)]
    asked = [turn.answers for turn in turns if turn.answers]
    assert asked == [read_frame(METER, "00010000")] * 2, "the other item is not asked of a silent meter"
    assert [reason for turn in turns for reason in reasons(turn)] == ["no_answer"]


def test_what_a_bridge_gives_back_and_a_stranger_says_is_no_reading() -> None:
    assert told(session(), read_frame(METER, "00010000")).refused == []
    turn = told(PROTOCOL.open_session(nobody, ()), answer("00010000", 1.0))
    assert (reasons(turn), turn.parcels) == (["not_admitted"], [])


def test_a_frame_split_at_every_byte_is_one_frame() -> None:
    for first, second in halves(answer("02010100", 220.5)):
        turn = told(session(), first, second)
        assert (values(turn), reasons(turn)) == ({"02010100": 220.5}, [])


def test_two_frames_in_one_read_are_two_and_marks_inside_do_no_harm() -> None:
    marks = encoded("686868686868", 0x91, bytes.fromhex("00000100 68166816"))
    turn = told(session(), marks + b"\x16" + answer("00010000", 1.5))
    assert [one.value for one in measured(turn)] == [166816.68, 1.5]


def test_frames_behind_what_only_looks_like_a_beginning_are_not_lost() -> None:
    asking, marks = session(), encoded("686868686868", 0x91, bytes.fromhex("00000100 68166816"))
    assert told(asking, b"\x68\xfe" + marks + answer("00010000", 1.5)).parcels == []
    later = asking.tick(now_us=NOW_US + int(HALF_S_MAX * SECOND_US) + 1)
    assert [one.value for one in measured(later)] == [166816.68, 1.5]
    assert "incomplete" in reasons(later)


def test_a_wrong_checksum_is_refused_and_the_next_frame_is_read() -> None:
    good = answer("00010000", 1.5)
    wrong = good[:-4] + bytes((good[-4] ^ 1,)) + good[-3:]
    turn = told(session(), wrong + good)
    assert (reasons(turn), len(turn.parcels)) == (["wrong_checksum"], 1)


def test_a_truncated_frame_is_given_up_and_the_next_one_is_read() -> None:
    asking, good = session(), answer("00010000", 1.5)
    assert reasons(told(asking, good[:14])) == []
    assert reasons(asking.tick(now_us=NOW_US + int(HALF_S_MAX * SECOND_US) + 1)) == ["incomplete"]
    assert len(told(asking, good).parcels) == 1
    assert len(told(session(), good[:14] + good).parcels) == 1


def test_a_meter_hears_no_confirmation() -> None:
    asking = session()
    (parcel,) = told(asking, answer("00010000", 1.5)).parcels
    assert asking.settle(parcel.ticket, Settled.KEPT, now_us=NOW_US) == b""


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from([answer("00010000", 1.5), answer("00010000", 1.5)[:15], b"\x68", b"\x68" * 12]),
        ),
        max_size=30,
    )
)
def test_nothing_breaks_the_session(pieces: list[bytes]) -> None:
    endure(lambda: session("00010000", "9010"), pieces)


@given(st.sampled_from([0x81, 0x91]), st.binary(max_size=20))
def test_no_answer_breaks_the_session(control: int, data: bytes) -> None:
    turn = told(session("00010000"), encoded(METER, control, data))
    assert len(turn.parcels) + len(turn.refused) == 1
