"""Modbus TCP: the standard's own example, pymodbus as the device, and everything that can happen to the frames."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client.mixin import ModbusClientMixin

from cityloop.sense.stream.protocols.asking import ANSWER_S_MAX
from cityloop.sense.stream.protocols.modbus import PROTOCOL
from cityloop.sense.stream.protocols.modbus.blocks import readings_of
from cityloop.sense.stream.protocols.modbus.channels import ORDERS, TYPES, Table, channel_of
from cityloop.sense.stream.protocols.modbus.codec import REGISTERS_MAX, Block, Scanner, read_frame
from cityloop.sense.stream.protocols.modbus.session import HALF_S_MAX, ModbusSession, unit_of
from cityloop.sense.stream.protocols.modbus.tests.device import Device
from cityloop.sense.stream.protocols.port import Polled, Settled, Turn
from cityloop.sense.stream.protocols.tests.conversation import (
    NOW_US,
    endure,
    everyone,
    halves,
    measured,
    merged,
    nobody,
    reasons,
    told,
    values,
)
from cityloop.sense.stream.protocols.unreadable import UnreadableError

PUMP = "pump-house-3/17"
SECOND_US = 1_000_000


def session(*channels: str, address: str = PUMP, every_s: float = 60.0) -> ModbusSession:
    return PROTOCOL.open_session(everyone, (Polled(address, channels, every_s),))


def polled(asking: ModbusSession, device: Device, *, now_us: int = NOW_US) -> Turn:
    """Carry questions and answers to and fro until nothing is asked."""
    turns = [asking.tick(now_us=now_us)]
    while turns[-1].answers:
        turns.append(told(asking, device.answer(turns[-1].answers), now_us=now_us))
    return merged(turns)


def test_the_standards_example_is_what_we_ask_and_read() -> None:
    """MODBUS Application Protocol V1.1b3, 6.3: registers 108-110 hold 555, 0, 100."""
    assert read_frame(17, Block(Table.HOLDING, 107, 3), number=1) == bytes.fromhex("0001 0000 0006 11 03 006B 0003")
    asking = session("holding:107", "holding:108", "holding:109")
    asking.tick(now_us=NOW_US)
    turn = told(asking, bytes.fromhex("0001 0000 0009 11 03 06 022B 0000 0064"))
    assert values(turn) == {"holding:107": 555.0, "holding:108": 0.0, "holding:109": 100.0}
    (first, *_) = measured(turn)
    assert (first.address, first.phenomenon_us) == (PUMP, NOW_US)
    assert turn.heard == [PUMP]


def test_an_independent_device_is_read_table_by_table() -> None:
    device = Device()
    held = {
        "holding:100:float32:be": 0.5,
        "holding:102:float32:le": -1.25,
        "holding:104:int32:le-swap": -70_000.0,
        "input:3:int16": -3.0,
        "input:4:float64:be-swap": 1e9,
        "coil:5": 1.0,
        "discrete:6": 0.0,
    }
    for name, number in held.items():
        device.hold(name, number)
    turn = polled(session(*held), device)
    assert (values(turn), reasons(turn)) == (held, [])
    assert {asked[0] for asked in device.asked} == {17}


@pytest.mark.parametrize(("ours", "word_order"), [("be", "big"), ("le-swap", "little")])
@pytest.mark.parametrize("kind", [kind for kind in TYPES if not kind.startswith("int8")])
def test_numbers_are_written_as_pymodbus_writes_them(kind: str, ours: str, word_order: str) -> None:
    theirs = ModbusClientMixin.convert_to_registers(12345, ModbusClientMixin.DATATYPE[kind.upper()], word_order)
    channel = channel_of(f"holding:0:{kind}:{ours}")
    assert channel.cells(12345) == theirs
    assert channel.value(theirs) == 12345


@given(st.sampled_from(sorted(TYPES)), st.sampled_from(ORDERS), st.integers(0, 2**15 - 1))
def test_numbers_survive_every_type_and_order(kind: str, order: str, number: int) -> None:
    channel = channel_of(f"input:0:{kind}:{order}")
    assert channel.value(channel.cells(number)) == number


def test_the_four_orders_are_what_manuals_call_abcd_dcba_badc_and_cdab() -> None:
    found = {order: channel_of(f"holding:0:uint32:{order}").cells(0x0A0B0C0D) for order in ORDERS}
    assert found == {
        "be": [0x0A0B, 0x0C0D],
        "le": [0x0D0C, 0x0B0A],
        "be-swap": [0x0B0A, 0x0D0C],
        "le-swap": [0x0C0D, 0x0A0B],
    }


@pytest.mark.parametrize(
    "name",
    ["", "holding", "holding:", "holding:x", "holding:-1", "holding:１", "holding:65536", "holding:65535:int32",
     "register:1", "holding:1:word", "holding:1:int16:abcd", "coil:1:int16", "coil:" + "9" * 5000],
)  # fmt: skip
def test_what_names_no_channel_is_refused_once_and_the_rest_is_asked(name: str) -> None:
    with pytest.raises(UnreadableError):
        channel_of(name)
    device = Device()
    device.hold("holding:1", 5)
    turn = polled(session(name, "holding:1"), device)
    assert (reasons(turn), values(turn)) == (["unsupported"], {"holding:1": 5.0})


def test_neighbours_are_asked_together_and_gaps_never() -> None:
    names = ["holding:10:float32", "holding:12", "holding:13:int32", "holding:16", "input:17", "holding:13"]
    found = [(r.block.table, r.block.address, r.block.count) for r in readings_of(map(channel_of, names))]
    assert found == [(Table.HOLDING, 10, 5), (Table.HOLDING, 16, 1), (Table.INPUT, 17, 1)]
    many = [channel_of(f"holding:{n}") for n in range(300)]
    assert [r.block.count for r in readings_of(many)] == [REGISTERS_MAX, REGISTERS_MAX, 50]


def test_several_units_behind_a_bridge_are_asked_one_after_the_other() -> None:
    device = Device()
    device.hold("holding:0", 7)
    units = tuple(Polled(f"bridge/{unit}", ("holding:0",)) for unit in (1, 2, 3))
    turn = polled(PROTOCOL.open_session(everyone, units), device)
    assert [one.address for one in measured(turn)] == ["bridge/1", "bridge/2", "bridge/3"]
    assert [asked[0] for asked in device.asked] == [1, 2, 3]
    nothing = polled(PROTOCOL.open_session(everyone, (Polled("bridge/256", ("coil:1",)),)), device)
    assert reasons(nothing) == ["unsupported"]
    assert unit_of("5") == 5


def test_an_exception_is_counted_and_the_asking_goes_on() -> None:
    device = Device()
    device.hold("input:9", 4)
    turn = polled(session("holding:0", "input:9"), device)
    assert (reasons(turn), values(turn)) == (["device_error"], {"input:9": 4.0})
    assert turn.refused[0].address == PUMP
    assert "exception 2" in turn.refused[0].detail


def test_what_is_no_number_is_refused_and_its_neighbours_are_read() -> None:
    device = Device()
    device.hold("holding:0:float32", math.nan)
    device.hold("holding:2", 9)
    turn = polled(session("holding:0:float32", "holding:2"), device)
    assert (reasons(turn), values(turn)) == (["not_a_number"], {"holding:2": 9.0})


def test_a_late_answer_is_never_taken_for_another() -> None:
    device, asking = Device(), session("holding:0")
    device.hold("holding:0", 1)
    first = asking.tick(now_us=NOW_US).answers
    second = asking.tick(now_us=NOW_US + int(ANSWER_S_MAX * SECOND_US)).answers
    assert first != second
    late = told(asking, device.answer(first))
    assert (reasons(late), late.parcels) == (["unsupported"], [])
    assert values(told(asking, device.answer(second))) == {"holding:0": 1.0}
    assert reasons(told(asking, device.answer(second))) == ["unsupported"], "one question has one answer"


def test_silence_is_counted_after_two_questions() -> None:
    asking = session("holding:0", "input:0")
    turns = [asking.tick(now_us=NOW_US + second * SECOND_US) for second in range(8)]
    assert len([turn for turn in turns if turn.answers]) == 2
    assert [reason for turn in turns for reason in reasons(turn)] == ["no_answer"]


@pytest.mark.parametrize(
    "answer",
    [
        "0001 0000 0005 11 04 02 0001",
        "0001 0000 0005 12 03 02 0001",
        "0001 0000 0004 11 03 01 00",
        "0001 0000 0003 11 03 02",
        "0001 0000 0003 11 00 00",
        "0001 0000 0003 11 80 01",
    ],
)
def test_an_answer_that_does_not_fit_its_question_is_refused_and_done_with(answer: str) -> None:
    asking = session("holding:0", "holding:5")
    asking.tick(now_us=NOW_US)
    turn = told(asking, bytes.fromhex(answer))
    assert (len(turn.refused), turn.parcels) == (1, [])
    assert turn.answers == read_frame(17, Block(Table.HOLDING, 5, 1), number=2)


def test_a_device_that_is_no_longer_in_the_ledger_is_not_read() -> None:
    device = Device()
    device.hold("holding:0", 1)
    asking = PROTOCOL.open_session(nobody, (Polled(PUMP, ("holding:0",)),))
    turn = polled(asking, device)
    assert (reasons(turn), turn.parcels) == (["not_admitted"], [])


ANSWER = bytes.fromhex("0001 0000 0005 11 03 02 002A")


def asked() -> ModbusSession:
    asking = session("holding:0")
    asking.tick(now_us=NOW_US)
    return asking


def test_a_frame_split_at_every_byte_is_one_frame() -> None:
    for first, second in halves(ANSWER):
        turn = told(asked(), first, second)
        assert (values(turn), reasons(turn)) == ({"holding:0": 42.0}, [])


def test_two_frames_in_one_read_are_two() -> None:
    frames, refused = Scanner().scan(ANSWER + ANSWER)
    assert ([frame.number for frame in frames], refused) == ([1, 1], [])


def test_garbage_and_impossible_heads_before_a_frame_are_refused_and_it_is_read() -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 40, bytes.fromhex("0001 0000 FFFF 11 03"), b"\x01"):
        turn = told(asked(), garbage + ANSWER)
        assert (values(turn), reasons(turn)) == ({"holding:0": 42.0}, ["garbage"]), garbage


def test_a_truncated_answer_is_given_up_and_the_next_one_is_read() -> None:
    asking = asked()
    assert told(asking, ANSWER[:9]).refused == []
    later = NOW_US + int(HALF_S_MAX * SECOND_US) + 1
    turn = asking.tick(now_us=later)
    assert reasons(turn) == ["incomplete"]
    assert values(told(asking, b"\0\2" + ANSWER[2:], now_us=later)) == {"holding:0": 42.0}


def test_a_unit_hears_no_confirmation() -> None:
    asking = asked()
    (parcel,) = told(asking, ANSWER).parcels
    assert asking.settle(parcel.ticket, Settled.KEPT, now_us=NOW_US) == b""


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([ANSWER, ANSWER[:9], b"\0" * 6])), max_size=30))
def test_nothing_breaks_the_session(pieces: list[bytes]) -> None:
    endure(lambda: session("holding:0:float64", "coil:7"), pieces)


@given(st.binary(min_size=2, max_size=252))
def test_no_answer_breaks_the_session(data: bytes) -> None:
    turn = told(asked(), bytes.fromhex("0001 0000") + (len(data) + 1).to_bytes(2, "big") + b"\x11" + data)
    assert len(turn.parcels) + len(turn.refused) >= 1


@given(st.text(max_size=40))
def test_no_name_of_a_channel_breaks_the_session(name: str) -> None:
    PROTOCOL.open_session(everyone, (Polled(name, (name,)),)).tick(now_us=NOW_US)
