"""JT/T 809: captured frames, and everything that can happen to them on the way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.instants import from_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.jt809 import PROTOCOL
from cityloop.sense.stream.protocols.jt809.bodies import (
    Login,
    MessageId,
    Position,
    Vehicle,
    login_body,
    login_of,
    position_body,
    position_of,
    vehicle_body,
    vehicle_of,
)
from cityloop.sense.stream.protocols.jt809.codec import BEGIN, BODY_BYTES_MAX, END, Frame, Splitter, framed, read
from cityloop.sense.stream.protocols.jt809.session import Jt809Session
from cityloop.sense.stream.protocols.port import Settled
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

LOGIN = bytes.fromhex(
    "5B000000480000008510010133EFB8010000000000270F0133EFB832303138303932303132372E302E302E31"
    + "00" * 23
    + "03296A915D"
)
"""A login published with a codec in C#, and repeated by others; its key is not used, for it is not encrypted."""

LOCATION = bytes.fromhex(
    "5B0000005A02000000A81200013414CE010000000000270FD4C14131323334353600000000000000000000000002120200000024000E0407E3"
    "16130F07EF4D80017018400032003300000096002D002D0000000300000000E08F5D"
)
"""A vehicle's position published with the same; its length has an escaped 5A in it."""

BATCH = bytes.fromhex(
    "0300130707DC0F0F0F07EF4D80017018400032003300000096002D002D000000030000010100130707DC10101007EF4D80017018400032003300"
    "000096002D002D000000030000010100130707DC11111107EF4D80017018400032003300000096002D002D0000000300000101"
)
"""Three positions of 2012-07-19, sent later."""

CAPTURED = [LOGIN, LOCATION]
PLATE = "粤A123456"


def one(data: bytes) -> Frame:
    (item,) = read(Splitter(), data)
    assert isinstance(item, tuple)
    return item[0]


def frames(data: bytes) -> list[Frame]:
    return [item[0] for item in read(Splitter(), data) if isinstance(item, tuple)]


def sent(message: int, body: bytes = b"") -> bytes:
    return framed(Frame(7, message, 20180920, body))


def about(kind: int, data: bytes, plate: str = PLATE) -> bytes:
    return sent(MessageId.VEHICLE, vehicle_body(Vehicle(plate, 2, kind, data)))


def position(**fields: object) -> Position:
    return replace(Position(NOW_US, 116.4, 39.9, 60, 61, 1234, 90, 44, 3, 0), **fields)


def session() -> Jt809Session:
    """Return a session whose platform has logged in."""
    opened = Jt809Session(everyone)
    told(opened, LOGIN)
    return opened


@pytest.mark.parametrize("frame", CAPTURED)
def test_captured_frames_are_read_and_written_back_but_for_the_key(frame: bytes) -> None:
    back = framed(one(frame))
    assert one(back) == one(frame)
    assert back[1:19] == frame[1:19]


def test_the_captured_login_is_read() -> None:
    frame = one(LOGIN)
    assert (frame.serial, frame.message, frame.platform, frame.version) == (133, 0x1001, 20180920, b"\1\0\0")
    assert login_of(frame.body) == Login(20180920, "20180920", "127.0.0.1", 809)


def test_a_login_is_answered_and_its_password_asked_for() -> None:
    asked: list[tuple[str, str]] = []

    def remember(address: str, secret: str) -> bool:
        asked.append((address, secret))
        return True

    turn = told(Jt809Session(remember), LOGIN)
    answer = one(turn.answers)
    assert (answer.message, answer.platform, answer.body) == (0x1002, 20180920, bytes(5))
    assert asked == [("20180920", "20180920")]
    assert turn.heard == ["20180920"]
    assert not turn.ends


def test_who_may_not_is_told_so_and_the_link_is_closed() -> None:
    turn = told(Jt809Session(nobody), LOGIN)
    assert one(turn.answers).body[0] == 4
    assert reasons(turn) == ["not_admitted"]
    assert turn.ends


def test_before_the_login_nothing_is_heard() -> None:
    turn = told(Jt809Session(everyone), LOCATION)
    assert reasons(turn) == ["not_admitted"]
    assert turn.parcels == []


def test_the_captured_position_becomes_measurements() -> None:
    turn = told(session(), LOCATION)
    assert values(turn) == {
        "latitude": 24.123456,
        "longitude": 133.123456,
        "altitude_m": 45,
        "speed_kmh": 50,
        "recorder_speed_kmh": 51,
        "heading_deg": 45,
        "mileage_km": 150,
        "alarm": 0,
        "status": 3,
    }
    assert {m.address for m in measured(turn)} == {PLATE}
    assert from_us(measured(turn)[0].phenomenon_us).isoformat() == "2019-04-14T14:19:15+00:00"
    assert turn.heard == ["20180920", PLATE]
    assert turn.parcels[0].raw == LOCATION


def test_positions_are_not_acknowledged() -> None:
    opened = session()
    ticket = told(opened, LOCATION).parcels[0].ticket
    assert [opened.settle(ticket, settled, now_us=NOW_US) for settled in Settled] == [b"", b"", b""]
    assert opened.tick(now_us=NOW_US).answers == b""


def test_the_captured_batch_is_three_late_positions() -> None:
    turn = told(session(), about(MessageId.VEHICLE_BATCH, BATCH))
    latitudes = [m for m in measured(turn) if m.channel == "latitude"]
    assert [from_us(m.phenomenon_us).isoformat() for m in latitudes] == [
        "2012-07-19T07:15:15+00:00",
        "2012-07-19T08:16:16+00:00",
        "2012-07-19T09:17:17+00:00",
    ]
    assert {m.quality for m in latitudes} == {Quality.LATE}
    assert len(turn.parcels) == 1


def test_a_batch_with_one_bad_position_keeps_the_others() -> None:
    broken = BATCH[:1] + bytes([0, 99]) + BATCH[3:]
    turn = told(session(), about(MessageId.VEHICLE_BATCH, broken))
    assert reasons(turn) == ["bad_time"]
    assert len([m for m in measured(turn) if m.channel == "latitude"]) == 2


def test_link_test_logout_and_notices() -> None:
    opened = session()
    turn = told(opened, sent(MessageId.LINK_TEST), sent(MessageId.DISCONNECT, b"\0"), sent(MessageId.CLOSE, b"\0"))
    assert [frame.message for frame in frames(turn.answers)] == [MessageId.LINK_TEST_ANSWER]
    assert turn.heard == ["20180920"] * 3
    assert turn.refused == []
    turn = told(opened, sent(MessageId.LOGOUT, bytes(12)))
    assert [frame.message for frame in frames(turn.answers)] == [MessageId.LOGOUT_ANSWER]
    assert turn.ends


def test_without_a_fix_the_place_is_suspect() -> None:
    turn = told(session(), about(MessageId.VEHICLE_LOCATION, position_body(position(status=1))))
    qualities = {m.channel: m.quality for m in measured(turn)}
    assert qualities["latitude"] is Quality.SUSPECT
    assert qualities["mileage_km"] is Quality.GOOD


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (sent(MessageId.LOGIN, b"short"), "wrong_length"),
        (sent(MessageId.VEHICLE, b"short"), "wrong_length"),
        (sent(MessageId.VEHICLE, vehicle_body(Vehicle(PLATE, 2, 0x1202, b"")) + b"x"), "wrong_length"),
        (about(MessageId.VEHICLE_LOCATION, position_body(position()), plate=""), "wrong_length"),
        (about(MessageId.VEHICLE_LOCATION, b"short"), "wrong_length"),
        (about(MessageId.VEHICLE_LOCATION, b"\1" + position_body(position())[1:]), "encrypted"),
        (about(MessageId.VEHICLE_LOCATION, position_body(position())[:8] + b"\xff" * 28), "malformed"),
        (about(MessageId.VEHICLE_BATCH, b""), "wrong_length"),
        (about(MessageId.VEHICLE_BATCH, b"\2" + position_body(position())), "wrong_length"),
        (about(0x120C, b"driver"), "unsupported"),
        (sent(0x1300, b"x"), "unsupported"),
    ],
)
def test_what_cannot_be_read_is_refused(frame: bytes, reason: str) -> None:
    turn = told(session(), frame)
    assert reasons(turn) == [reason]
    assert turn.parcels == []


@pytest.mark.parametrize("frame", CAPTURED)
def test_a_frame_cut_in_two_anywhere_is_one_frame(frame: bytes) -> None:
    for first, second in halves(frame):
        splitter = Splitter()
        assert [*read(splitter, first), *read(splitter, second)] == [(one(frame), frame)]


def test_two_frames_in_one_read_are_two() -> None:
    turn = told(session(), LOCATION + LOCATION)
    assert len(turn.parcels) == 2


def test_a_frame_cut_off_in_the_middle_costs_only_itself() -> None:
    for cut in range(1, len(LOCATION) - 1):
        turn = told(session(), LOCATION[:cut] + LOCATION)
        assert reasons(turn) == ["incomplete"]
        assert len(turn.parcels) == 1


def test_a_wrong_checksum_is_refused_with_the_frame() -> None:
    broken = LOCATION[:30] + bytes([LOCATION[30] ^ 1]) + LOCATION[31:]
    turn = told(session(), broken)
    assert reasons(turn) == ["wrong_checksum"]
    assert turn.refused[0].raw == broken


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (BEGIN + b"\x5a\x03" + END, ["bad_escape"]),
        (BEGIN + b"abc\x5e" + END, ["bad_escape"]),
        (BEGIN + END, ["wrong_length"]),
        (BEGIN + b"x" * 2 * (BODY_BYTES_MAX + 100) + END, ["wrong_length"]),
        (b"noise" + LOCATION + b"noise" + LOCATION, ["garbage", "garbage"]),
        (END + END + LOCATION, ["garbage"]),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, expected: list[str]) -> None:
    assert reasons(told(session(), data)) == expected


def test_a_length_that_is_not_the_frames_and_encryption_are_refused() -> None:
    plain = Frame(7, MessageId.LINK_TEST, 1, b"")
    data = bytearray(framed(plain)[1:-1])
    for place, value, reason in ((3, 99, "wrong_length"), (17, 1, "encrypted")):
        changed = bytes(data[:place]) + bytes([value]) + bytes(data[place + 1 : -2])
        assert reasons(told(session(), checked(changed))) == [reason]


def checked(content: bytes) -> bytes:
    register = 0xFFFF
    for byte in content:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    data = content + register.to_bytes(2)
    for plain, escaped in (
        (b"\x5a", b"\x5a\x02"),
        (b"\x5e", b"\x5e\x02"),
        (b"\x5b", b"\x5a\x01"),
        (b"\x5d", b"\x5e\x01"),
    ):
        data = data.replace(plain, escaped)
    return BEGIN + data + END


bodies = st.one_of(st.binary(max_size=400), st.text("Z[]^a", max_size=300).map(str.encode))
made = st.builds(
    Frame,
    serial=st.integers(0, 2**32 - 1),
    message=st.integers(0, 0xFFFF),
    platform=st.integers(0, 2**32 - 1),
    body=bodies,
    version=st.binary(min_size=3, max_size=3),
)


@given(made)
def test_every_frame_comes_back_from_its_bytes(frame: Frame) -> None:
    data = framed(frame)
    assert BEGIN not in data[1:-1]
    assert END not in data[1:-1]
    assert one(data) == frame
    assert checked(data_of(frame)) == data


def data_of(frame: Frame) -> bytes:
    length = (26 + len(frame.body)).to_bytes(4)
    head = length + frame.serial.to_bytes(4) + frame.message.to_bytes(2) + frame.platform.to_bytes(4)
    return head + frame.version + bytes(5) + frame.body


@given(
    st.builds(
        Position,
        time_us=st.integers(0, 4_000_000_000).map(lambda s: s * 1_000_000),
        longitude_deg=st.integers(-180_000_000, 180_000_000).map(lambda n: n / 1e6),
        latitude_deg=st.integers(-90_000_000, 90_000_000).map(lambda n: n / 1e6),
        speed_kmh=st.integers(0, 65535),
        recorder_speed_kmh=st.integers(0, 65535),
        mileage_km=st.integers(0, 2**32 - 1),
        heading_deg=st.integers(0, 359),
        altitude_m=st.integers(0, 65535),
        status=st.sampled_from([0, 1, 2, 3]),
        alarm=st.integers(0, 2**32 - 1),
    ),
    st.text("京粤AZ019", min_size=1, max_size=8),
)
def test_every_position_comes_back_from_its_body(given_position: Position, plate: str) -> None:
    vehicle = vehicle_of(vehicle_body(Vehicle(plate, 1, 0x1202, position_body(given_position))))
    assert vehicle.plate == plate
    assert replace(position_of(vehicle.data), status=0) == replace(given_position, status=0)


def test_a_login_comes_back_from_its_body() -> None:
    login = Login(1, "secret", "192.0.2.1", 9000)
    assert login_of(login_body(login)) == login


def test_too_long_a_body_is_no_frame() -> None:
    with pytest.raises(ValueError, match="too long"):
        framed(Frame(1, 1, 1, bytes(BODY_BYTES_MAX + 1)))


pieces = st.lists(
    st.one_of(
        st.binary(max_size=300),
        st.sampled_from([*CAPTURED, BEGIN, END, BEGIN + END, LOCATION[:40], sent(MessageId.LINK_TEST)]),
        st.binary(max_size=80).map(checked),
        st.binary(max_size=60).map(lambda body: sent(MessageId.LOGIN, body)),
        st.binary(max_size=80).map(lambda body: sent(MessageId.VEHICLE, body)),
        st.binary(max_size=80).map(lambda data: about(MessageId.VEHICLE_BATCH, data)),
        st.binary(min_size=36, max_size=36).map(lambda data: about(MessageId.VEHICLE_LOCATION, data)),
        st.just(BEGIN + b"x" * 40_000),
    ),
    max_size=12,
)


@given(pieces)
def test_whatever_comes_a_session_neither_raises_nor_hoards(given_pieces: list[bytes]) -> None:
    opened = endure(session, given_pieces)
    assert isinstance(opened, Jt809Session)
    assert len(opened._splitter._buffer) <= 2 * (BODY_BYTES_MAX + 30)


@given(pieces, st.data())
def test_how_the_bytes_are_cut_changes_nothing_that_is_measured(given_pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(given_pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    first, second = told(session(), whole), told(session(), *parts)
    assert (measured(first), reasons(first), first.answers) == (measured(second), reasons(second), second.answers)


def test_the_protocol_says_what_it_is() -> None:
    assert PROTOCOL.code == "jt809"
    assert isinstance(PROTOCOL.open_session(everyone, ()), Jt809Session)
