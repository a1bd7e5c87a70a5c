"""CJ/T 188: the published question, answers of our own, and everything that can happen to them on two wires."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.instants import from_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.protocols.asking import ANSWER_S_MAX, SLOWING_MAX
from cityloop.sense.stream.protocols.bcd import packed_low_first
from cityloop.sense.stream.protocols.cjt188 import PROTOCOL
from cityloop.sense.stream.protocols.cjt188.codec import ANSWER, encoded, frame_of, meter_name, read_frame, scanner
from cityloop.sense.stream.protocols.cjt188.session import MeterSession
from cityloop.sense.stream.protocols.local_time import device_clock
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

WATER, HEAT, POWER = "10-78330011223344", "20-78330011223344", "40-78330011223344"
SECOND_US = 1_000_000

QUESTION = bytes.fromhex("FEFEFEFE 68 10 44332211003378 01 03 1F9000 80 16")
"""Published question for the current reading; its sum is right."""

PUBLISHED_ANSWER = bytes.fromhex(
    "FEFEFEFE 68 10 44332211003378 81 16 1F9000 00776655 2C 00776655 2C 31012211051520 2184 08 16"
)
"""Published beside it; the sum is 13, not 08."""


def clock(at_us: int = NOW_US) -> bytes:
    shown = device_clock(at_us)
    fields = (shown.second, shown.minute, shown.hour, shown.day, shown.month)
    return b"".join(packed_low_first(each, 1) for each in fields) + packed_low_first(shown.year, 2)


def answer(
    name: str = WATER,
    digits: str = "00776655 2C 00556655 2C",
    *,
    status: int = 0,
    at: bytes = clock(),
    di: str = "1F9000",
) -> bytes:
    return encoded(name, ANSWER, bytes.fromhex(di) + bytes.fromhex(digits) + at + bytes((status, 0)), wake_ups=2)


def session(*names: str, every_s: float = 60.0) -> MeterSession:
    return PROTOCOL.open_session(everyone, tuple(Polled(name, (), every_s) for name in names))


def test_the_published_question_is_what_we_ask() -> None:
    assert read_frame(WATER, serial=0) == QUESTION
    asked = session(WATER).tick(now_us=NOW_US).answers
    assert asked == read_frame(WATER, serial=1)


def test_the_published_answer_is_refused_for_its_wrong_sum() -> None:
    turn = told(session(), PUBLISHED_ANSWER)
    assert (reasons(turn), turn.parcels) == (["wrong_checksum"], [])
    mended = PUBLISHED_ANSWER[:-2] + bytes.fromhex("13 16")
    assert values(told(session(), mended)) == {
        "volume": 556677.0,
        "volume_settled": 556677.0,
        "valve": 1.0,
        "battery_low": 0.0,
    }


def test_an_answer_has_its_digits_its_unit_and_its_time() -> None:
    (parcel,) = told(session(), answer()).parcels
    first, second, *_ = parcel.measurements
    assert (first.address, first.channel, first.value, first.unit) == (WATER, "volume", 556677.0, "m3")
    assert (second.channel, second.value) == ("volume_settled", 556655.0)
    assert {m.phenomenon_us for m in parcel.measurements} == {NOW_US}
    assert from_us(NOW_US).isoformat() == "2026-11-18T11:06:40+00:00"


def test_a_heat_meter_tells_energy_rates_and_temperatures() -> None:
    digits = "78563412 05 79563412 05 00250000 17 78563400 35 56341200 2C 506500 254000 563412"
    found = {m.channel: (m.value, m.unit) for m in measured(told(session(), answer(HEAT, digits)))}
    assert found == {
        "heat_settled": (123456.78, "kWh"),
        "heat": (123456.79, "kWh"),
        "power": (25.0, "kW"),
        "flow": (34.5678, "m3/h"),
        "volume": (1234.56, "m3"),
        "supply_temperature": (65.5, "Cel"),
        "return_temperature": (40.25, "Cel"),
        "hours": (123456.0, "h"),
        "valve": (0.0, ""),
        "battery_low": (0.0, ""),
    }


@pytest.mark.parametrize(
    ("code", "value", "unit"),
    [("11", 12.34, "GJ"), ("13", 1234.0, "GJ"), ("0A", 1234.0, "MWh"), ("08", 12.34, "MWh"), ("29", 12.34, "L")],
)
def test_unit_bytes_are_read(code: str, value: float, unit: str) -> None:
    (first, *_) = measured(told(session(), answer(POWER, f"34120000 {code} 00000000 {code}")))
    assert (first.channel, first.value, first.unit) == ("energy", value, unit)


@pytest.mark.parametrize(
    ("status", "valve", "battery", "quality"),
    [
        (0b000, 0.0, 0.0, Quality.GOOD),
        (0b001, 1.0, 0.0, Quality.GOOD),
        (0b011, 3.0, 0.0, Quality.SUSPECT),
        (0b100, 0.0, 1.0, Quality.SUSPECT),
    ],
)
def test_status_bits_are_channels_and_lower_the_quality(
    status: int, valve: float, battery: float, quality: Quality
) -> None:
    turn = told(session(), answer(status=status))
    assert (values(turn)["valve"], values(turn)["battery_low"]) == (valve, battery)
    assert {m.quality for m in measured(turn)} == {quality}


def test_both_editions_are_read_and_the_one_a_meter_answers_is_remembered() -> None:
    assert len(told(session(), answer(di="901F00")).parcels) == 1
    asking = session(WATER, every_s=10)
    assert b"\x1f\x90" in asking.tick(now_us=NOW_US).answers
    later = NOW_US + int(ANSWER_S_MAX * SECOND_US)
    assert b"\x90\x1f" in asking.tick(now_us=later).answers
    told(asking, answer(di="901F00"), now_us=later)
    assert b"\x90\x1f" in asking.tick(now_us=NOW_US + 11 * SECOND_US).answers


def test_a_meter_that_was_asked_and_whose_clock_is_off_reads_now() -> None:
    wrong = clock(NOW_US - 86_400 * SECOND_US)
    asking = session(WATER)
    asking.tick(now_us=NOW_US)
    turn = told(asking, answer(at=wrong))
    assert {m.phenomenon_us for m in measured(turn)} == {NOW_US}
    assert turn.clocks == {WATER: NOW_US - 86_400 * SECOND_US}
    by_itself = told(session(), answer(at=wrong))
    assert {m.phenomenon_us for m in measured(by_itself)} == {NOW_US - 86_400 * SECOND_US}
    broken = told(session(), answer(at=b"\xff" * 7))
    assert {(m.phenomenon_us, m.quality) for m in measured(broken)} == {(NOW_US, Quality.SUSPECT)}


def test_meters_are_asked_one_after_the_other() -> None:
    other = "10-78330011223345"
    asking = session(WATER, other)
    assert asking.tick(now_us=NOW_US).answers == read_frame(WATER, serial=1)
    assert asking.tick(now_us=NOW_US + SECOND_US).answers == b""
    turn = told(asking, answer())
    assert turn.answers == read_frame(other, serial=2)
    assert told(asking, answer(other)).answers == b""
    assert asking.tick(now_us=NOW_US + 59 * SECOND_US).answers == b""
    assert asking.tick(now_us=NOW_US + 60 * SECOND_US).answers == read_frame(WATER, serial=3)


def test_a_silent_meter_is_counted_and_left_for_longer_each_time() -> None:
    asking, asked = session(WATER, every_s=10.0), []
    unanswered = 0
    for second in range(400):
        turn = asking.tick(now_us=NOW_US + second * SECOND_US)
        asked += [second] if turn.answers else []
        unanswered += reasons(turn).count("no_answer")
    rounds = asked[::2]
    gaps = [later - earlier for earlier, later in pairwise(rounds)]
    assert unanswered == len(rounds)
    assert gaps[0] < gaps[1] < gaps[2]
    assert max(gaps) <= 10 * SLOWING_MAX + 2 * ANSWER_S_MAX + 1


def test_a_clock_that_is_set_back_does_not_stop_the_asking() -> None:
    asking = session(WATER, every_s=10)
    asking.tick(now_us=NOW_US)
    assert asking.tick(now_us=NOW_US - 86_400 * SECOND_US).answers == read_frame(WATER, serial=2)


def test_what_a_bridge_gives_back_and_a_stranger_says_is_no_reading() -> None:
    assert told(session(), QUESTION).refused == []
    turn = told(PROTOCOL.open_session(nobody, ()), answer())
    assert (reasons(turn), turn.parcels) == (["not_admitted"], [])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(WATER, 0xC1, b"\x01\x02\x03"), "device_error"),
        (encoded(WATER, 0x84, b""), "unsupported"),
        (encoded(WATER, ANSWER, b""), "unsupported"),
        (answer(di="20D100"), "unsupported"),
        (answer(HEAT), "malformed"),
        (answer(digits="00776655 99 00776655 2C"), "unsupported"),
        (answer(digits="0077665F 2C 00776655 2C"), "not_a_number"),
    ],
)
def test_what_is_no_reading_is_counted_with_its_reason_and_the_asking_goes_on(data: bytes, reason: str) -> None:
    asking = session(frame_of(scanner().scan(data)[0][0]).name, WATER)
    asking.tick(now_us=NOW_US)
    turn = told(asking, data)
    assert reasons(turn) == [reason]
    assert turn.answers == read_frame(WATER, serial=2)


def test_an_address_that_is_none_is_never_asked() -> None:
    assert session("pump", "10-12", "1-78330011223344").tick(now_us=NOW_US).answers == b""


def test_a_frame_split_at_every_byte_is_one_frame() -> None:
    for first, second in halves(answer()):
        turn = told(session(), first, second)
        assert (len(turn.parcels), reasons(turn)) == (1, [])


def test_two_frames_in_one_read_are_two_and_wake_up_bytes_are_no_garbage() -> None:
    turn = told(session(), b"\xfe" * 9 + answer() + b"\xfe" + answer() + b"\xfe")
    assert (len(turn.parcels), reasons(turn)) == (2, [])


def test_marks_inside_a_frame_do_no_harm() -> None:
    turn = told(session(), answer("10-68166816681668", "16686816 2C 68161668 2C"))
    assert values(turn)["volume"] == 166868.16


def test_a_truncated_frame_is_given_up_and_the_next_one_is_read() -> None:
    asking = session()
    assert reasons(told(asking, answer()[:20])) == []
    assert reasons(asking.tick(now_us=NOW_US + int(HALF_S_MAX * SECOND_US) + 1)) == ["incomplete"]
    assert len(told(asking, answer()).parcels) == 1
    resumed = told(session(), answer()[:20] + answer())
    assert (len(resumed.parcels), reasons(resumed)[0]) == (1, "malformed")


def test_a_wrong_checksum_is_refused_and_the_next_frame_is_read() -> None:
    good = answer()
    wrong = good[:20] + bytes((good[20] ^ 1,)) + good[21:]
    turn = told(session(), wrong + good + b"noise")
    assert (reasons(turn), len(turn.parcels)) == (["wrong_checksum", "garbage"], 1)


def test_a_meter_hears_no_confirmation() -> None:
    asking = session()
    (parcel,) = told(asking, answer()).parcels
    assert asking.settle(parcel.ticket, Settled.KEPT, now_us=NOW_US) == b""


@given(st.integers(0, 255), st.binary(min_size=7, max_size=7), st.integers(0, 255), st.binary(max_size=255))
def test_what_is_encoded_is_decoded(kind: int, address: bytes, control: int, data: bytes) -> None:
    name = meter_name(kind, address)
    (raw,), refused = scanner().scan(encoded(name, control, data, wake_ups=4))
    frame = frame_of(raw)
    assert refused == []
    assert (frame.name, frame.control, frame.data) == (name, control, data)


@given(st.integers(0, 99_999_999))
def test_digits_survive_the_way(number: int) -> None:
    digits = packed_low_first(number, 4).hex()
    assert values(told(session(), answer(digits=f"{digits} 2C {digits} 2C")))["volume"] == number / 100


@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.sampled_from([answer(), answer()[:15], QUESTION, b"\x68", b"\x16"])),
        max_size=30,
    )
)
def test_nothing_breaks_the_session(pieces: list[bytes]) -> None:
    endure(lambda: session(WATER, HEAT), pieces)


@given(st.binary(max_size=60))
def test_no_answer_breaks_the_session(data: bytes) -> None:
    turn = told(session(), encoded(HEAT, ANSWER, b"\x1f\x90" + data))
    assert len(turn.parcels) + len(turn.refused) == 1
