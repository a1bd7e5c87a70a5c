"""JT/T 808: captured frames, and everything that can happen to them on the way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.instants import from_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.jt808 import PROTOCOL
from cityloop.sense.stream.protocols.jt808.bodies import (
    NO_SUCH_TERMINAL,
    Location,
    MessageId,
    Registration,
    Result,
    batch_body,
    location_body,
    location_of,
    registration_body,
    registration_of,
)
from cityloop.sense.stream.protocols.jt808.codec import (
    BODY_BYTES_MAX,
    FRAME_BYTES_MAX,
    MARK,
    Frame,
    Splitter,
    frame_of,
    framed,
    read,
)
from cityloop.sense.stream.protocols.jt808.session import ASK_AGAIN_S, ASSEMBLIES_MAX, WHOLE_S_MAX, Jt808Session
from cityloop.sense.stream.protocols.jt808.tests.vectors import (
    AUTHENTICATION_2013,
    CAPTURED,
    LOCATION_2013,
    LOCATION_2019,
    REGISTRATION_2013,
)
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

PHONE = "13912344329"
CODE = "CHI1230"


def one(data: bytes) -> Frame:
    (item,) = read(Splitter(), data)
    assert isinstance(item, tuple)
    return item[0]


def frames(data: bytes) -> list[Frame]:
    return [item[0] for item in read(Splitter(), data) if isinstance(item, tuple)]


def sent(message: int, body: bytes = b"", *, serial: int = 9, version: int = 1, phone: str = PHONE) -> bytes:
    return framed(Frame(message, phone, serial, body, version))


def authentication(code: str = CODE, *, version: int = 1, phone: str = PHONE) -> bytes:
    body = bytes([len(code)]) + code.encode() + b"0" * 35 if version else code.encode()
    return sent(MessageId.AUTHENTICATE, body, serial=1, version=version, phone=phone)


def location(at_us: int = NOW_US, **fields: object) -> Location:
    return replace(Location(0, 3, 39.9, 116.4, 44, 60.5, 90, at_us), **fields)


def session(*, phone: str = PHONE, version: int = 1) -> Jt808Session:
    """Return a session whose terminal has authenticated."""
    opened = Jt808Session(everyone)
    told(opened, authentication(phone=phone, version=version))
    return opened


@pytest.mark.parametrize("frame", CAPTURED)
def test_captured_frames_are_read_and_written_back(frame: bytes) -> None:
    assert framed(one(frame)) == frame


def test_the_captured_position_is_where_it_was() -> None:
    frame = one(LOCATION_2013)
    found = location_of(frame.body)
    assert (frame.message, frame.phone, frame.serial, frame.version) == (0x0200, "2002604323", 0xA4, 0)
    assert (found.latitude_deg, found.longitude_deg) == (22.591771, 113.995873)
    assert (found.altitude_m, found.speed_kmh, found.heading_deg) == (70, 0.0, 89)
    assert (found.alarm, found.status) == (0x00020000, 0x000C0002)
    assert from_us(found.time_us).isoformat() == "2021-09-22T08:37:58+00:00"


def test_the_captured_position_becomes_measurements() -> None:
    turn = told(session(phone="2002604323", version=0), LOCATION_2013)
    assert values(turn) == {
        "latitude": 22.591771,
        "longitude": 113.995873,
        "altitude_m": 70,
        "speed_kmh": 0.0,
        "heading_deg": 89,
        "alarm": 0x00020000,
        "status": 0x000C0002,
        "mileage_km": 0.1,
        "signal": 17,
        "satellites": 16,
    }
    assert {m.address for m in measured(turn)} == {"2002604323"}
    assert {m.quality for m in measured(turn)} == {Quality.GOOD}
    assert turn.parcels[0].raw == LOCATION_2013


def test_the_frame_of_2019_carries_a_longer_phone() -> None:
    frame = one(LOCATION_2019)
    assert (frame.message, frame.phone, frame.version, len(frame.body)) == (0x0200, PHONE, 1, 38)
    assert told(session(), LOCATION_2019).parcels


def test_without_a_fix_the_place_is_suspect_and_the_rest_is_not() -> None:
    body = location_body(location(status=1, extras={0x31: b"\x00"}))
    found = {m.channel: m.quality for m in measured(told(session(), sent(MessageId.LOCATION, body)))}
    assert found["latitude"] is Quality.SUSPECT
    assert found["speed_kmh"] is Quality.SUSPECT
    assert found["alarm"] is Quality.GOOD


def test_south_and_west_are_negative() -> None:
    back = location_of(location_body(location(latitude_deg=-33.5, longitude_deg=-70.25)))
    assert (back.latitude_deg, back.longitude_deg) == (-33.5, -70.25)


@pytest.mark.parametrize("version", [0, 1])
def test_a_registration_is_answered_with_the_code_the_terminal_then_presents(version: int) -> None:
    asked: list[tuple[str, str]] = []

    def remember(address: str, secret: str) -> bool:
        asked.append((address, secret))
        return secret == CODE

    opened = Jt808Session(remember)
    body = registration_body(Registration(11, 102, "MAKER", "MODEL", CODE, 1, "京A12345"), version=version)
    turn = told(opened, sent(MessageId.REGISTER, body, version=version))
    (answer,) = frames(turn.answers)
    assert answer.message == MessageId.REGISTER_ANSWER
    assert answer.body == (9).to_bytes(2) + b"\0" + CODE.encode()
    assert (answer.phone, bool(answer.version)) == (PHONE, bool(version))
    turn = told(opened, authentication(answer.body[3:].decode(), version=version))
    assert frames(turn.answers)[0].body[-1] == Result.DONE
    assert asked == [(PHONE, CODE), (PHONE, CODE)]


def test_the_captured_registration_is_read() -> None:
    found = registration_of(one(REGISTRATION_2013).body, version=0)
    assert (found.province, found.city, found.terminal, found.colour, found.plate) == (40, 50, CODE, 1, "粤A12345")


def test_a_terminal_that_is_not_in_the_ledger_is_told_so() -> None:
    turn = told(Jt808Session(nobody), REGISTRATION_2013)
    assert frames(turn.answers)[0].body[2] == NO_SUCH_TERMINAL
    assert reasons(turn) == ["not_admitted"]
    turn = told(Jt808Session(nobody), AUTHENTICATION_2013)
    assert frames(turn.answers)[0].body[-1] == Result.FAILED
    assert reasons(turn) == ["not_admitted"]
    assert turn.heard == []


def test_after_authentication_the_terminal_is_asked_where_it_is_and_to_show_life() -> None:
    turn = told(Jt808Session(everyone), authentication())
    assert [frame.message for frame in frames(turn.answers)] == [
        MessageId.PLATFORM_ANSWER,
        MessageId.SET_PARAMETERS,
        MessageId.ASK_LOCATION,
    ]
    assert frames(turn.answers)[1].body == bytes.fromhex("01 00000001 04 0000003C")
    assert turn.heard == [PHONE]


def test_who_has_not_authenticated_or_calls_itself_otherwise_is_not_heard() -> None:
    body = location_body(location())
    stranger = told(Jt808Session(everyone), sent(MessageId.LOCATION, body))
    other = told(session(), sent(MessageId.LOCATION, body, phone="13800000000"))
    for turn in (stranger, other):
        assert reasons(turn) == ["not_admitted"]
        assert turn.parcels == []
        assert frames(turn.answers)[0].body[-1] == Result.FAILED


def test_a_terminal_that_takes_its_leave_must_authenticate_again() -> None:
    opened = session()
    told(opened, sent(MessageId.LEAVE))
    assert reasons(told(opened, sent(MessageId.HEARTBEAT))) == ["not_admitted"]


def test_the_answer_comes_only_when_the_position_is_durable() -> None:
    opened = session()
    turn = told(opened, sent(MessageId.LOCATION, location_body(location()), serial=77))
    assert turn.answers == b""
    ticket = turn.parcels[0].ticket
    assert opened.settle(ticket, Settled.AWAY, now_us=NOW_US) == b""
    answer = one(opened.settle(ticket, Settled.KEPT, now_us=NOW_US))
    assert answer.message == MessageId.PLATFORM_ANSWER
    assert answer.body == bytes.fromhex("004D 0200 00")
    assert opened.settle(ticket, Settled.KEPT, now_us=NOW_US) == b""


def test_an_unknown_device_is_told_that_it_failed() -> None:
    opened = session()
    turn = told(opened, LOCATION_2019)
    assert one(opened.settle(turn.parcels[0].ticket, Settled.UNKNOWN, now_us=NOW_US)).body[-1] == Result.FAILED


def test_the_answer_to_our_question_is_a_position_too() -> None:
    body = (5).to_bytes(2) + location_body(location())
    turn = told(session(), sent(MessageId.ASKED_LOCATION, body))
    assert values(turn)["speed_kmh"] == 60.5


def test_heartbeats_and_answers_show_life() -> None:
    turn = told(session(), sent(MessageId.HEARTBEAT), sent(MessageId.ANSWER, bytes(5)))
    assert turn.heard == [PHONE, PHONE]
    assert [frame.message for frame in frames(turn.answers)] == [MessageId.PLATFORM_ANSWER]
    assert turn.refused == []


def test_a_message_that_is_not_taken_in_is_said_to_be_unsupported() -> None:
    turn = told(session(), sent(0x0900, b"\x00abc"))
    assert reasons(turn) == ["unsupported"]
    assert frames(turn.answers)[0].body[-1] == Result.UNSUPPORTED
    assert turn.heard == [PHONE]


@pytest.mark.parametrize(("stored", "quality"), [(True, Quality.LATE), (False, Quality.GOOD)])
def test_a_batch_is_all_its_positions(stored: bool, quality: Quality) -> None:  # noqa: FBT001  a case
    reports = [location_body(location(NOW_US - n * 60_000_000, speed_kmh=n)) for n in range(3)]
    opened = session()
    turn = told(opened, sent(MessageId.BATCH, batch_body(reports, stored=stored)))
    speeds = [(m.value, m.quality, m.phenomenon_us) for m in measured(turn) if m.channel == "speed_kmh"]
    assert speeds == [(float(n), quality, NOW_US - n * 60_000_000) for n in range(3)]
    assert len(turn.parcels) == 1
    assert turn.clocks == {}


def test_a_batch_with_one_bad_position_keeps_the_others() -> None:
    good, bad = location_body(location()), location_body(location())[:-6] + b"\x99" * 6
    turn = told(session(), sent(MessageId.BATCH, batch_body([good, bad, good[:10]], stored=True)))
    assert reasons(turn) == ["bad_time", "wrong_length"]
    assert len(turn.parcels) == 1
    assert len(measured(turn)) == 7


@pytest.mark.parametrize("body", [b"", b"\0\x02\x01\0\x01x", b"\0\x01\x01\0\x09x"])
def test_a_batch_whose_lengths_do_not_fit_is_refused(body: bytes) -> None:
    turn = told(session(), sent(MessageId.BATCH, body))
    assert reasons(turn) == ["wrong_length"]
    assert frames(turn.answers)[0].body[-1] == Result.WRONG


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"short", "wrong_length"),
        (location_body(location())[:22] + bytes.fromhex("261332080000"), "bad_time"),
        (location_body(location())[:22] + bytes.fromhex("2611180800FF"), "bad_time"),
        (bytes(8) + b"\xff" * 4 + location_body(location())[12:], "malformed"),
    ],
)
def test_a_position_that_cannot_be_is_refused(body: bytes, reason: str) -> None:
    turn = told(session(), sent(MessageId.LOCATION, body))
    assert reasons(turn) == [reason]
    assert turn.parcels == []


def test_extras_that_end_in_the_middle_are_passed_over() -> None:
    body = location_body(location(extras={0x31: b"\x0c"})) + b"\x01\x04\x00"
    assert values(told(session(), sent(MessageId.LOCATION, body)))["satellites"] == 12


def test_a_clock_is_told_once_it_is_certain() -> None:
    opened = session()
    right = told(opened, sent(MessageId.LOCATION, location_body(location(NOW_US))))
    assert right.clocks == {PHONE: NOW_US}
    off = location(NOW_US - 3_600_000_000)
    assert told(opened, sent(MessageId.LOCATION, location_body(off))).clocks == {}
    assert told(opened, sent(MessageId.LOCATION, location_body(off))).clocks == {PHONE: off.time_us}


def packets(body: bytes, count: int, *, first: int = 100) -> list[bytes]:
    size = -(-len(body) // count)
    return [
        framed(
            Frame(
                MessageId.BATCH,
                PHONE,
                (first + number) % 65536,
                body[number * size : (number + 1) * size],
                1,
                count,
                number + 1,
            )
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("arrival", [[0, 1, 2], [2, 1, 0], [0, 0, 1, 2]])
@pytest.mark.parametrize("first", [100, 65535])
def test_packets_are_one_message_each_answered_when_all_is_durable(arrival: list[int], first: int) -> None:
    opened = session()
    body = batch_body([location_body(location(NOW_US - n)) for n in range(3)], stored=False)
    pieces = packets(body, 3, first=first)
    turn = told(opened, *(pieces[number] for number in arrival))
    assert len(turn.parcels) == 1
    assert turn.answers == b""
    answers = frames(opened.settle(turn.parcels[0].ticket, Settled.KEPT, now_us=NOW_US))
    serials = [int.from_bytes(answer.body[:2]) for answer in answers]
    assert serials == [(first + number) % 65536 for number in range(3)]


def test_missing_packets_are_asked_for_and_given_up_in_the_end() -> None:
    opened = session()
    told(opened, packets(bytes(90), 3)[1])
    assert opened.tick(now_us=NOW_US).answers == b""
    later = NOW_US + int(ASK_AGAIN_S * 1e6)
    asked = one(opened.tick(now_us=later).answers)
    assert asked.message == MessageId.RESEND
    assert asked.body == bytes.fromhex("0064 02 0001 0003")
    assert opened.tick(now_us=later + 1).answers == b""
    assert reasons(opened.tick(now_us=NOW_US + int(WHOLE_S_MAX * 1e6))) == ["incomplete"]


def test_messages_that_wait_for_their_rest_are_bounded() -> None:
    opened = session()
    begun = [packets(bytes(90), 3, first=10 * number)[0] for number in range(ASSEMBLIES_MAX + 2)]
    assert reasons(told(opened, *begun)) == ["incomplete"] * 2
    huge = framed(Frame(MessageId.BATCH, PHONE, 1, b"x", 1, 60000, 1))
    assert reasons(told(opened, huge)) == ["wrong_length"]


def test_packets_that_disagree_on_their_number_are_refused() -> None:
    opened = session()
    told(opened, framed(Frame(MessageId.BATCH, PHONE, 10, b"x", 1, 2, 1)))
    assert reasons(told(opened, framed(Frame(MessageId.BATCH, PHONE, 12, b"x", 1, 3, 3)))) == ["malformed"]


@pytest.mark.parametrize("frame", CAPTURED)
def test_a_frame_cut_in_two_anywhere_is_one_frame(frame: bytes) -> None:
    for first, second in halves(frame):
        splitter = Splitter()
        found = [*read(splitter, first), *read(splitter, second)]
        assert found == [(one(frame), frame)]


def test_two_frames_in_one_read_are_two_even_when_they_share_a_mark() -> None:
    assert len(frames(LOCATION_2013 + LOCATION_2019)) == 2
    assert len(frames(LOCATION_2013 + LOCATION_2019[1:])) == 2


def test_a_frame_cut_off_in_the_middle_costs_only_itself() -> None:
    for cut in range(1, len(LOCATION_2013) - 1):
        found = list(read(Splitter(), LOCATION_2013[:cut] + LOCATION_2019))
        assert found[-1] == (one(LOCATION_2019), LOCATION_2019)


def test_a_wrong_checksum_is_refused_with_the_frame() -> None:
    broken = LOCATION_2013[:20] + bytes([LOCATION_2013[20] ^ 1]) + LOCATION_2013[21:]
    turn = told(session(), broken)
    assert reasons(turn) == ["wrong_checksum"]
    assert turn.refused[0].raw == broken


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (b"\x7d\x03", "bad_escape"),
        (b"abc\x7d", "bad_escape"),
        (b"\0", "wrong_length"),
        (b"\x02\x00\x02", "wrong_length"),
        (b"x" * (FRAME_BYTES_MAX + 1), "wrong_length"),
    ],
)
def test_what_is_no_frame_is_refused(inside: bytes, reason: str) -> None:
    assert reasons(told(session(), MARK + inside + MARK)) == [reason]


def with_check(data: bytes) -> bytes:
    check = 0
    for byte in data:
        check ^= byte
    whole = data + bytes([check])
    return MARK + whole.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + MARK


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("0002 0001 013912344329 0001", "wrong_length"),
        ("0002 0400 013912344329 0001", "encrypted"),
        ("0002 0000 01391234432A 0001", "malformed"),
        ("0002 2000 013912344329 0001 0000 0000", "malformed"),
        ("0002 2000 013912344329 0001 0002", "wrong_length"),
        ("0002 4000 01", "wrong_length"),
    ],
)
def test_a_header_that_cannot_be_is_refused(header: str, reason: str) -> None:
    assert reasons(told(session(), with_check(bytes.fromhex(header)))) == [reason]


bodies = st.one_of(
    st.binary(max_size=BODY_BYTES_MAX), st.binary(max_size=200).map(lambda b: b + b"\x7d\x7e\x7d\x01" * 9)
)


@given(
    st.builds(
        Frame,
        message=st.integers(0, 0xFFFF),
        phone=st.integers(0, 10**12 - 1).map(str),
        serial=st.integers(0, 0xFFFF),
        body=bodies,
        version=st.integers(0, 255),
        packets=st.integers(1, 0xFFFF),
        packet=st.just(1),
    )
)
def test_every_frame_comes_back_from_its_bytes(frame: Frame) -> None:
    data = framed(frame)
    assert MARK not in data[1:-1]
    assert frame_of(data[1:-1]) == frame


@given(
    st.builds(
        Location,
        alarm=st.integers(0, 2**32 - 1),
        status=st.sampled_from([0, 1, 2, 3, 0x000C0002]),
        latitude_deg=st.integers(-90_000_000, 90_000_000).map(lambda n: n / 1e6),
        longitude_deg=st.integers(-180_000_000, 180_000_000).map(lambda n: n / 1e6),
        altitude_m=st.integers(0, 65535),
        speed_kmh=st.integers(0, 65535).map(lambda n: n / 10),
        heading_deg=st.integers(0, 359),
        time_us=st.integers(946_684_800, 4_000_000_000).map(lambda s: s * 1_000_000),
        extras=st.dictionaries(st.integers(0, 255), st.binary(max_size=20), max_size=4),
    )
)
def test_every_position_comes_back_from_its_body(given_location: Location) -> None:
    back = location_of(location_body(given_location))
    assert replace(back, status=0) == replace(given_location, status=0)


def test_too_long_a_body_or_phone_is_no_frame() -> None:
    for frame in (Frame(1, "1", 1, bytes(BODY_BYTES_MAX + 1)), Frame(1, "1" * 13, 1, b"")):
        with pytest.raises(ValueError, match="too many"):
            framed(frame)


pieces = st.lists(
    st.one_of(
        st.binary(max_size=300),
        st.sampled_from([*CAPTURED, MARK, MARK * 3, authentication(), *packets(bytes(90), 3), LOCATION_2019[:20]]),
        st.binary(max_size=80).map(with_check),
        st.binary(max_size=80).map(lambda body: sent(MessageId.LOCATION, body)),
        st.binary(max_size=80).map(lambda body: sent(MessageId.BATCH, body)),
        st.binary(max_size=80).map(lambda body: sent(MessageId.REGISTER, body)),
        st.binary(max_size=20).map(lambda body: sent(MessageId.AUTHENTICATE, body)),
        st.just(b"x" * 5000),
    ),
    max_size=12,
)


@given(pieces)
def test_whatever_comes_a_session_neither_raises_nor_hoards(given_pieces: list[bytes]) -> None:
    opened = endure(session, given_pieces)
    assert isinstance(opened, Jt808Session)
    assert len(opened._splitter._buffer) <= FRAME_BYTES_MAX + 1


@given(pieces, st.data())
def test_how_the_bytes_are_cut_changes_nothing_that_is_measured(given_pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(given_pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    first: Turn = told(session(), whole)
    second: Turn = told(session(), *parts)
    assert (measured(first), reasons(first), first.answers) == (measured(second), reasons(second), second.answers)


def test_the_protocol_says_what_it_is() -> None:
    assert PROTOCOL.code == "jt808"
    assert isinstance(PROTOCOL.open_session(everyone, ()), Jt808Session)
