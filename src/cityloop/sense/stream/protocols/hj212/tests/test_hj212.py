"""HJ 212: captured frames, and everything that can happen to them on the way."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.instants import from_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.hj212 import PROTOCOL
from cityloop.sense.stream.protocols.hj212.codec import SEGMENT_BYTES_MAX, Splitter, checksum, framed
from cityloop.sense.stream.protocols.hj212.message import (
    PACKETS_MAX,
    Command,
    Message,
    message_of,
    moment_text,
    moment_us,
    order,
    segment_of,
)
from cityloop.sense.stream.protocols.hj212.session import ASSEMBLIES_MAX, STATIONS_MAX, WHOLE_S_MAX, Hj212Session
from cityloop.sense.stream.protocols.hj212.tests.vectors import (
    CAPTURED,
    OLD,
    REFUSED_BY_CHECK,
    SAMPLED,
    SET_INTERVAL,
    WEATHER,
)
from cityloop.sense.stream.protocols.port import Refused, Settled, Turn
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
from cityloop.sense.stream.protocols.unreadable import UnreadableError

STATION = "010000A8900016F000169DC0"


def sent(contents: str, **fields: object) -> bytes:
    """Return a frame of real-time data."""
    message = Message(
        request="20261118080000000",
        request_us=None,
        system="32",
        command="2011",
        password="123456",
        station=STATION,
        flag=5,
        packets=1,
        packet=1,
        contents=contents,
    )
    return framed(segment_of(replace(message, **fields)))


def session() -> Hj212Session:
    return Hj212Session(everyone)


def contents_in(answer: bytes) -> str:
    return message_of(answer[6:-6]).contents


@pytest.mark.parametrize("frame", CAPTURED)
def test_captured_frames_are_read_and_written_back(frame: bytes) -> None:
    (segment,) = Splitter().take(frame)
    assert isinstance(segment, bytes)
    assert framed(segment).upper() == frame.upper()


@pytest.mark.parametrize("frame", REFUSED_BY_CHECK)
def test_a_frame_whose_checksum_is_not_its_own_is_refused(frame: bytes) -> None:
    turn = told(session(), frame)
    assert reasons(turn) == ["wrong_checksum"]
    assert turn.refused[0].raw == frame
    assert not turn.heard


def test_the_checksum_is_not_that_of_modbus() -> None:
    segment = SET_INTERVAL[6:-6]
    assert checksum(segment) == 0x1C80


def test_the_standards_order_is_written_as_the_standard_prints_it() -> None:
    station = message_of(SET_INTERVAL[6:-6])
    now_us = moment_us("20160801085857223")
    assert now_us is not None
    assert order(station, Command.SET_REAL_TIME_INTERVAL, contents="RtdInterval=30", now_us=now_us) == SET_INTERVAL


def test_real_time_data_are_measurements_in_utc() -> None:
    turn = told(session(), WEATHER)
    assert values(turn) == {
        "a01007-Rtd": 1.7,
        "a01008-Rtd": 199.1,
        "a01001-Rtd": 22.9,
        "a01002-Rtd": 85.8,
        "a01006-Rtd": 98.7,
        "R01-Rtd": 0.0,
    }
    assert {m.address for m in measured(turn)} == {"2019031801100018"}
    assert from_us(measured(turn)[0].phenomenon_us).isoformat() == "2019-08-14T09:01:00+00:00"
    assert turn.parcels[0].raw == WEATHER
    assert turn.heard == ["2019031801100018"]


def test_an_old_stations_data_are_measurements_too_and_are_not_answered() -> None:
    opened = session()
    turn = told(opened, OLD)
    assert values(turn)["TEMP-Rtd"] == 22.0
    assert len(values(turn)) == 6
    assert opened.settle(turn.parcels[0].ticket, Settled.KEPT, now_us=NOW_US) == b""


def test_a_value_may_have_a_time_of_its_own() -> None:
    turn = told(session(), sent("DataTime=20261118080000;a-Rtd=1,a-SampleTime=20261118075500;b-Rtd=2"))
    minutes = {m.channel: from_us(m.phenomenon_us).minute for m in measured(turn)}
    assert minutes == {"a-Rtd": 55, "b-Rtd": 0}


def test_without_a_data_time_the_moment_of_the_request_is_taken() -> None:
    turn = told(session(), sent("a-Rtd=1"))
    assert measured(turn)[0].phenomenon_us == moment_us("20261118080000000")


@pytest.mark.parametrize(
    ("mark", "quality"),
    [
        ("N", Quality.GOOD),
        ("F", Quality.MAINTENANCE),
        ("M", Quality.MAINTENANCE),
        ("C", Quality.MAINTENANCE),
        ("S", Quality.MANUAL),
        ("D", Quality.BAD),
        ("B", Quality.BAD),
        ("T", Quality.OUT_OF_RANGE),
        ("?", Quality.SUSPECT),
    ],
)
def test_the_stations_mark_is_the_quality(mark: str, quality: Quality) -> None:
    turn = told(session(), sent(f"DataTime=20261118080000;a-Rtd=1,a-Flag={mark};b-Rtd=2"))
    assert {m.channel: m.quality for m in measured(turn)} == {"a-Rtd": quality, "b-Rtd": Quality.GOOD}


@pytest.mark.parametrize(
    ("command", "channel"),
    [("2011", "a-Avg"), ("2051", "a-Avg@minute"), ("2061", "a-Avg@hour"), ("2031", "a-Avg@day")],
)
def test_the_mean_of_an_hour_is_another_channel_than_that_of_a_minute(command: str, channel: str) -> None:
    turn = told(session(), sent("DataTime=20261118080000;a-Avg=1", command=command))
    assert list(values(turn)) == [channel]


@pytest.mark.parametrize("value", ["", "--", "nan", "inf", "1e999", "1_000", "１", "0x10", "1" * 60])
def test_a_value_that_is_no_number_is_refused_and_its_neighbour_taken(value: str) -> None:
    turn = told(session(), sent(f"DataTime=20261118080000;a-Rtd={value};b-Rtd=2"))
    assert values(turn) == {"b-Rtd": 2.0}
    assert reasons(turn) == ["not_a_number"]


def test_a_moment_that_cannot_be_is_no_time() -> None:
    turn = told(session(), sent("DataTime=20261318080000;a-Rtd=1", request=""))
    assert measured(turn) == []
    assert reasons(turn) == ["not_a_number"]
    assert reasons(told(session(), sent("a-Rtd=1", request="20261318080000000"))) == ["bad_time"]


def test_the_data_answer_comes_only_when_what_was_measured_is_durable() -> None:
    opened = session()
    turn = told(opened, WEATHER)
    assert turn.answers == b""
    ticket = turn.parcels[0].ticket
    assert opened.settle(ticket, Settled.AWAY, now_us=NOW_US) == b""
    answer = opened.settle(ticket, Settled.KEPT, now_us=NOW_US)
    assert answer == (b"##0079QN=20190814170100001;ST=91;CN=9014;PW=123456;MN=2019031801100018;Flag=4;CP=&&&&5CC0\r\n")
    assert opened.settle(ticket, Settled.KEPT, now_us=NOW_US) == b""


def test_an_unknown_station_and_one_that_wants_no_answer_get_none() -> None:
    opened = session()
    first, second = told(opened, WEATHER), told(opened, sent("a-Rtd=1", flag=4))
    assert opened.settle(first.parcels[0].ticket, Settled.UNKNOWN, now_us=NOW_US) == b""
    assert opened.settle(second.parcels[0].ticket, Settled.KEPT, now_us=NOW_US) == b""


def test_a_station_of_2005_finds_its_request_in_the_contents_of_the_answer() -> None:
    opened = session()
    turn = told(opened, sent("DataTime=20261118080000;B01-Rtd=1", flag=1))
    answer = opened.settle(turn.parcels[0].ticket, Settled.KEPT, now_us=NOW_US)
    assert contents_in(answer) == "QN=20261118080000000;CN=2011"


def test_who_is_not_admitted_is_refused_and_not_answered() -> None:
    turn = told(Hj212Session(nobody), WEATHER)
    assert reasons(turn) == ["not_admitted"]
    assert turn.answers == b""
    assert turn.parcels == []
    assert turn.heard == []


def test_the_password_is_what_is_asked_for() -> None:
    asked: list[tuple[str, str]] = []

    def remember(address: str, secret: str) -> bool:
        asked.append((address, secret))
        return True

    told(Hj212Session(remember), WEATHER)
    assert asked == [("2019031801100018", "123456")]


def test_a_heartbeat_is_answered() -> None:
    turn = told(session(), sent("", command="9021"))
    assert b"CN=9013" in turn.answers
    assert turn.heard == [STATION]


def test_a_station_may_ask_for_the_time() -> None:
    turn = told(session(), sent("", command="1013"))
    assert b"CN=9013" in turn.answers
    assert f"SystemTime={moment_text(NOW_US)}".encode() in turn.answers


def off(seconds: float, *, at_us: int = NOW_US, **fields: object) -> bytes:
    request = moment_text(at_us - int(seconds * 1e6), milliseconds=True)
    return sent("a-Rtd=1", request=request, **fields)


def test_a_clock_that_is_off_is_told_and_set_once() -> None:
    opened = session()
    first = told(opened, off(1000))
    assert first.clocks == {}
    assert first.answers == b""
    second = told(opened, off(1000, at_us=NOW_US + 30_000_000), now_us=NOW_US + 30_000_000)
    assert list(second.clocks) == [STATION]
    assert b"CN=1012" in second.answers
    assert f"SystemTime={moment_text(NOW_US + 30_000_000)}".encode() in second.answers
    third = told(opened, off(1000, at_us=NOW_US + 60_000_000), now_us=NOW_US + 60_000_000)
    assert third.answers == b""
    assert list(third.clocks) == [STATION]


def test_frames_that_were_stored_are_no_sign_of_a_clock_that_is_off() -> None:
    opened = session()
    turn = told(opened, *(off(3600 - 120 * number) for number in range(20)))
    assert turn.clocks == {}
    assert turn.answers == b""
    assert len(turn.parcels) == 20


def test_a_clock_that_is_right_is_told() -> None:
    assert told(session(), off(2)).clocks == {STATION: NOW_US - 2_000_000}


@pytest.mark.parametrize(
    ("command", "contents", "expected"),
    [
        ("9011", "QnRtn=1", []),
        ("9011", "QnRtn=3", ["order_refused"]),
        ("9012", "ExeRtn=1", []),
        ("9012", "ExeRtn=4", ["order_refused"]),
        ("9013", "", []),
        ("3019", "", ["unsupported"]),
    ],
)
def test_what_a_station_answers_is_heard(command: str, contents: str, expected: list[str]) -> None:
    turn = told(session(), sent(contents, command=command, flag=4))
    assert reasons(turn) == expected
    assert turn.heard == [STATION]
    assert turn.answers == b""


def packets(*contents: str, request: str = "20261118080000000") -> list[bytes]:
    return [
        sent(part, flag=7, packets=len(contents), packet=number, request=request)
        for number, part in enumerate(contents, start=1)
    ]


@pytest.mark.parametrize("order_of_arrival", [[0, 1, 2], [2, 0, 1], [0, 0, 1, 1, 2]])
def test_packets_are_one_message_whatever_their_order(order_of_arrival: list[int]) -> None:
    opened = session()
    pieces = packets("DataTime=20261118080000;a-Rtd=1", "b-Rtd=2", "c-Rtd=3")
    turn = told(opened, *(pieces[number] for number in order_of_arrival))
    assert len(turn.parcels) == 1
    assert values(turn) == {"a-Rtd": 1.0, "b-Rtd": 2.0, "c-Rtd": 3.0}
    assert turn.parcels[0].raw == b"".join(pieces)
    assert b"CN=9014" in opened.settle(turn.parcels[0].ticket, Settled.KEPT, now_us=NOW_US)


def test_packets_in_gb_18030_longer_than_a_frame_in_utf_8_are_read() -> None:
    filling = ("值" * 450).encode("gb18030")
    head = b"QN=20261118080000000;CN=2011;MN=1;Flag=7;PNUM=2;PNO="
    turn = told(session(), *(framed(head + b"%d;CP=&&" % number + filling + b"&&") for number in (1, 2)))
    assert len(turn.parcels) == 1


def test_packets_that_do_not_come_are_given_up_and_not_acknowledged() -> None:
    opened = session()
    turn = told(opened, *packets("a-Rtd=1", "b-Rtd=2")[:1])
    assert turn.parcels == []
    assert reasons(opened.tick(now_us=NOW_US + int(WHOLE_S_MAX * 1e6) - 1)) == []
    assert reasons(opened.tick(now_us=NOW_US + int(WHOLE_S_MAX * 1e6))) == ["incomplete"]
    assert reasons(opened.tick(now_us=NOW_US + int(WHOLE_S_MAX * 1e6))) == []


def test_messages_that_wait_for_their_rest_are_bounded() -> None:
    opened = session()
    begun = [packets("a-Rtd=1", "b-Rtd=2", request=f"2026111808000{n:04d}")[0] for n in range(ASSEMBLIES_MAX + 3)]
    assert reasons(told(opened, *begun)) == ["incomplete"] * 3


def test_watched_clocks_are_bounded() -> None:
    opened = session()
    for number in range(STATIONS_MAX + 5):
        told(opened, sent("a-Rtd=1", station=f"station-{number}"))
    assert len(opened._stations) <= STATIONS_MAX


@pytest.mark.parametrize(
    "segment",
    [
        b"",
        b"CN=2011;CP=&&a-Rtd=1&&",
        b"MN=1;CN=x;CP=&&&&",
        b"MN=1;CN=2011;Flag=x;CP=&&&&",
        b"MN=1;CN=2011;Flag=256;CP=&&&&",
        b"MN=1;CN=2011;Flag=7;CP=&&&&",
        b"MN=1;CN=2011;Flag=7;PNUM=2;PNO=3;CP=&&&&",
        b"MN=1;CN=2011;Flag=7;PNUM=9999;PNO=1;CP=&&&&",
        b"MN=" + b"1" * 65 + b";CN=2011;CP=&&&&",
        "MN=1;CN=²011;CP=&&&&".encode(),
        b"\xff\xfe;;==;CP=&&",
    ],
)
def test_a_segment_that_is_none_is_refused(segment: bytes) -> None:
    turn = told(session(), framed(segment))
    assert reasons(turn) == ["malformed"]
    assert turn.parcels == []


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_texts_in_either_encoding_are_read(encoding: str) -> None:
    segment = "MN=站点一;CN=2011;CP=&&DataTime=20261118080000;温度-Rtd=1&&".encode(encoding)
    assert measured(told(session(), framed(segment)))[0].address == "站点一"
    assert values(told(session(), framed(segment))) == {"温度-Rtd": 1.0}


@pytest.mark.parametrize("frame", CAPTURED[1:])
def test_a_frame_cut_in_two_anywhere_is_one_frame(frame: bytes) -> None:
    whole = told(session(), frame)
    for first, second in halves(frame):
        turn = told(session(), first, second)
        assert turn.parcels == whole.parcels
        assert turn.refused == []


def test_two_frames_in_one_read_are_two() -> None:
    turn = told(session(), WEATHER + SAMPLED)
    assert [len(parcel.measurements) for parcel in turn.parcels] == [6, 1]
    assert turn.refused == []


def test_after_a_frame_cut_off_in_the_middle_the_next_is_read() -> None:
    for cut in range(2, len(WEATHER)):
        turn = told(session(), WEATHER[:cut] + SAMPLED + OLD + WEATHER)
        assert WEATHER in [parcel.raw for parcel in turn.parcels]
        assert len(turn.refused) <= 2


def test_a_flipped_bit_is_refused_whatever_it_hits() -> None:
    for place in range(len(SAMPLED) - 2):
        broken = bytearray(SAMPLED)
        broken[place] ^= 0x10
        turn = told(session(), bytes(broken) + OLD + OLD + OLD)
        assert SAMPLED not in [parcel.raw for parcel in turn.parcels]
        assert turn.parcels[-1].raw.upper() == OLD.upper()


def test_garbage_before_and_between_is_refused_once_a_piece() -> None:
    turn = told(session(), b"\r\n#" + b"#" * 500 + WEATHER + b"\r\n\0\0" + b"GET / HTTP/1.1\r\n" + SAMPLED)
    assert len(turn.parcels) == 2
    assert 1 <= len(turn.refused) <= 2


def test_a_segment_too_long_is_not_waited_for() -> None:
    turn = told(session(), b"##%04d" % (SEGMENT_BYTES_MAX + 1) + b"x" * 2000 + WEATHER)
    assert reasons(turn) == ["wrong_length"]
    assert len(turn.parcels) == 1
    with pytest.raises(ValueError, match="several packets"):
        framed(b"x" * (SEGMENT_BYTES_MAX + 1))


def test_an_answer_too_long_to_be_a_frame_is_not_sent() -> None:
    segment = b"QN=20261118080000000;ST=32;CN=9021;PW=" + b"x" * 950 + b";MN=1;Flag=1;CP=&&&&"
    assert told(session(), framed(segment)).answers == b""


@given(st.binary(max_size=SEGMENT_BYTES_MAX))
def test_every_segment_comes_back_from_its_frame(segment: bytes) -> None:
    assert Splitter().take(framed(segment)) == [segment]


names = st.text("abcXYZ019-", min_size=1, max_size=12)


@given(
    st.builds(
        Message,
        request=st.sampled_from(["", "20261118080000123"]),
        request_us=st.none(),
        system=st.sampled_from(["22", "32"]),
        command=st.sampled_from(["2011", "2051", "9021"]),
        password=names,
        station=names,
        flag=st.sampled_from([None, 0, 1, 4, 5, 7]),
        packets=st.integers(1, PACKETS_MAX),
        packet=st.just(1),
        contents=st.text("ab=1;,.-", max_size=60),
    )
)
def test_every_message_comes_back_from_its_segment(message: Message) -> None:
    back = message_of(segment_of(message))
    numbered = bool((message.flag or 0) & 2)
    expected = replace(message, request_us=back.request_us, packets=message.packets if numbered else 1)
    assert back == expected
    assert (back.request_us is None) == (not message.request)


pieces = st.lists(
    st.one_of(
        st.binary(max_size=300),
        st.sampled_from([*CAPTURED, WEATHER[:100], b"##", b"##0", b"#", b"##9999", b"##1024" + b"x" * 500]),
        st.text("QNSTCMPWFlagO=&;,-0123456789\r\n", max_size=200).map(lambda t: framed(t.encode())),
    ),
    max_size=12,
)


@given(pieces)
def test_whatever_comes_a_session_neither_raises_nor_hoards(given_pieces: list[bytes]) -> None:
    opened = endure(session, given_pieces)
    assert isinstance(opened, Hj212Session)
    assert len(opened._splitter._buffer) <= SEGMENT_BYTES_MAX + 12


@given(pieces, st.randoms(use_true_random=False))
def test_how_the_bytes_are_cut_changes_nothing_that_is_measured(given_pieces: list[bytes], random: object) -> None:
    data = b"".join(given_pieces)
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(5))  # type: ignore[attr-defined]
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert measured(told(session(), data)) == measured(told(session(), *parts))


@given(st.binary(max_size=200))
def test_a_segment_of_any_bytes_is_read_or_refused(segment: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        message_of(segment)
    turn: Turn = told(session(), framed(segment))
    assert all(isinstance(item, Refused) for item in turn.refused)


def test_the_protocol_says_what_it_is() -> None:
    assert PROTOCOL.code == "hj212"
    assert isinstance(PROTOCOL.open_session(everyone, ()), Hj212Session)
