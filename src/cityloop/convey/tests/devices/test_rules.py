"""The life of a device, points of foreign datums, and lists as people send them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.rules.datum import Datum, NoPointError, wgs84_of
from cityloop.convey.rules.devices import (
    IN_SERVICE,
    PEOPLES_ACTS,
    SILENCED,
    STEPS,
    Act,
    DeviceCodeError,
    DeviceState,
    StepNotPossibleError,
    acts_from,
    checked_code,
    code_of_thing,
    state_after,
)
from cityloop.convey.rules.provisioning import Known, PropertyKnown, judged
from cityloop.convey.rules.sheet import (
    BYTES_MAX,
    COLUMNS,
    ROWS_MAX,
    ColumnsMissingError,
    SheetTooLargeError,
    SheetUnreadableError,
    lines_of,
    written_sheet,
)
from cityloop.convey.rules.units import UNITS, unit_of
from cityloop.kernel.text import Text

from .conftest import HEADING, row, sheet

STATES = st.sampled_from(DeviceState)
ACTS = st.sampled_from(Act)

KNOWN = Known(
    codes=frozenset({"OLD"}),
    places=frozenset({("hj212", "taken", "")}),
    organisations=frozenset({"water-group"}),
    foreign_organisations=frozenset({"heat-group"}),
    projects=frozenset({"demo"}),
    protocols=frozenset({"hj212"}),
    properties={"demo/water_pressure": PropertyKnown(Text("压力", "pressure"), frozenset({"MPa"}))},
)


def walked(acts: list[Act]) -> list[DeviceState]:
    """Return the states a device goes through; acts that are not possible leave it where it is."""
    states = [DeviceState.REGISTERED]
    for act in acts:
        try:
            states.append(state_after(states[-1], act))
        except StepNotPossibleError:
            states.append(states[-1])
    return states


@given(STATES, ACTS)
def test_an_act_leads_where_its_row_says_or_is_refused(state: DeviceState, act: Act) -> None:
    starts, ends = STEPS[act]
    if state in starts:
        assert state_after(state, act) is ends
        assert (act in acts_from(state)) == (act in PEOPLES_ACTS)
    else:
        with pytest.raises(StepNotPossibleError):
            state_after(state, act)


@given(st.lists(ACTS, max_size=30))
def test_whatever_is_done_a_retired_device_stays_retired(acts: list[Act]) -> None:
    states = walked([*acts, Act.RETIRE, *acts])
    assert set(states[len(acts) + 1 :]) == {DeviceState.RETIRED}


@given(st.lists(ACTS, max_size=30))
def test_no_device_is_online_that_nobody_has_tested(acts: list[Act]) -> None:
    states = walked(acts)
    for number, state in enumerate(states):
        if state in IN_SERVICE:
            last_untested = max(i for i, s in enumerate(states[:number]) if s is DeviceState.REGISTERED)
            assert DeviceState.TESTED in states[last_untested:number]


@given(st.lists(ACTS, max_size=30))
def test_a_silenced_device_speaks_again_only_after_a_person_has_released_it(acts: list[Act]) -> None:
    for before, after, act in zip(walked(acts), walked(acts)[1:], acts, strict=False):
        if before in SILENCED and after not in SILENCED:
            assert act is Act.RELEASE


def test_every_state_can_be_reached_and_left_but_the_last() -> None:
    assert {ends for _, ends in STEPS.values()} == set(DeviceState)
    assert all(acts_from(state) for state in DeviceState if state is not DeviceState.RETIRED)
    assert acts_from(DeviceState.RETIRED) == ()


@pytest.mark.parametrize("code", ["", "-a", "a b", "a.b", "a/b", "a*", "a>", "泵", "a" * 61, "server", "DEVICE"])
def test_a_code_that_does_not_fit_into_a_topic_is_refused(code: str) -> None:
    with pytest.raises(DeviceCodeError):
        checked_code(code)


@given(st.text(min_size=1, max_size=80))
def test_the_code_of_a_declared_thing_fits_into_a_topic(thing: str) -> None:
    code = code_of_thing("lifelines", thing)
    assert checked_code(code) == code


@given(st.floats(115.5, 117.5), st.floats(39.5, 41.0), st.sampled_from([Datum.GCJ02, Datum.BD09]))
def test_points_of_chinese_map_services_move_by_hundreds_of_metres(east: float, north: float, datum: Datum) -> None:
    longitude, latitude = wgs84_of(east, north, datum)
    metres = math.hypot((longitude - east) * 111_320 * math.cos(math.radians(north)), (latitude - north) * 111_320)
    assert 200 < metres < 2000


def test_tiananmen_is_found_in_every_datum() -> None:
    assert wgs84_of(116.397755, 39.913599, Datum.WGS84) == (116.397755, 39.913599)
    assert wgs84_of(116.404, 39.915, Datum.GCJ02) == pytest.approx((116.3977558, 39.9135962), abs=1e-5)


@pytest.mark.parametrize("point", [(181, 0), (0, 91), (math.nan, 0), (0, math.inf), (39.9, 116.4)])
def test_what_is_no_point_is_refused(point: tuple[float, float]) -> None:
    with pytest.raises(NoPointError):
        wgs84_of(*point, Datum.WGS84)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_a_list_is_read_in_every_encoding_spreadsheets_write(encoding: str) -> None:
    lines = lines_of(sheet(row()).decode().encode(encoding))
    assert lines[0].cells["title_zh"] == "压力计"


def test_chinese_headings_tabs_and_empty_rows_are_understood() -> None:
    heading = "\t".join(COLUMNS[column][0] if COLUMNS[column] else column for column in HEADING.split(","))
    text = "\n".join((heading, "\t" * 18, row().replace(",", "\t")))
    (line,) = lines_of(text.encode("gb18030"))
    assert (line.number, line.cells["code"], line.cells["unit"]) == (3, "P-1", "MPa")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ColumnsMissingError),
        (b"code,title_zh\n1,2", ColumnsMissingError),
        (b"\xff\xfe\xff", SheetUnreadableError),
        (b"\x81\xff\xff\x00", SheetUnreadableError),
        (b"code\0,x", SheetUnreadableError),
        (sheet(row() + '"x'), SheetUnreadableError),
        (b"x" * (BYTES_MAX + 1), SheetTooLargeError),
        (sheet(*["1"] * (ROWS_MAX + 1)), SheetTooLargeError),
    ],
)
def test_what_is_no_list_is_refused(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        lines_of(data)


@given(st.binary(max_size=300))
def test_garbage_never_does_more_than_be_refused(data: bytes) -> None:
    for body in (data, HEADING.encode() + b"\n" + data):
        try:
            lines = lines_of(body)
        except (SheetUnreadableError, ColumnsMissingError):
            continue
        result = judged(lines, KNOWN)
        assert len(result.refusals) == len(lines) or result.orders


def test_rows_of_one_code_are_one_device_with_channels() -> None:
    result = judged(lines_of(sheet(row(), row(channel="q", longitude="", latitude="", title_zh=""))), KNOWN)
    (order,) = result.orders
    assert [channel.name for channel in order.channels] == ["p", "q"]
    assert (order.lines, order.channels[0].unit.symbol, order.channels[0].period_s) == ((2, 3), "MPa", 60.0)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"code": ""}, "code"),
        ({"code": "OLD"}, "code"),
        ({"code": "pump 1"}, "code"),
        ({"title_zh": ""}, "title_zh"),
        ({"organisation": "nobody"}, "organisation"),
        ({"organisation": "heat-group"}, "organisation"),
        ({"longitude": "east"}, "longitude"),
        ({"longitude": "", "latitude": ""}, "longitude"),
        ({"longitude": "39.9", "latitude": "116.4"}, "longitude"),
        ({"longitude": "nan"}, "longitude"),
        ({"datum": "BEIJING54"}, "datum"),
        ({"protocol": "telex"}, "protocol"),
        ({"protocol": "hj212"}, "address"),
        ({"protocol": "hj212", "address": "taken"}, "address"),
        ({"calibration_due_on": "soon"}, "calibration_due_on"),
        ({"period_s": "0"}, "period_s"),
        ({"unit": "furlong"}, "unit"),
        ({"unit": "kW"}, "unit"),
        ({"valid_min": "2", "valid_max": "1"}, "valid_min"),
        ({"title_zh": "=HYPERLINK(1)"}, "title_zh"),
        ({"vendor": "@SUM(A1)"}, "vendor"),
        ({"title_zh": "x" * 201}, "title_zh"),
        ({"channel": "x" * 81}, "channel"),
        ({"title_zh": "a\tb"}, "title_zh"),
    ],
)
def test_a_wrong_cell_refuses_its_row_and_says_which(cells: dict[str, str], column: str) -> None:
    result = judged(lines_of(sheet(row(**cells), row("GOOD"))), KNOWN)
    assert [order.code for order in result.orders] == ["GOOD"]
    (refusal,) = result.refusals
    assert (refusal.line, refusal.column) == (2, column)
    assert refusal.reason.zh
    assert refusal.reason.en


def test_a_device_is_made_whole_or_not_at_all() -> None:
    result = judged(lines_of(sheet(row(), row(channel="p"), row(channel="q", vendor="other"))), KNOWN)
    assert result.orders == []
    assert [refusal.line for refusal in result.refusals] == [2, 3, 4]


def test_two_devices_of_one_list_do_not_get_one_address() -> None:
    same = {"protocol": "hj212", "address": "88"}
    result = judged(lines_of(sheet(row("A", **same), row("B", **same))), KNOWN)
    assert [order.code for order in result.orders] == ["A"]
    assert [refusal.code for refusal in result.refusals] == ["B"]


def test_another_unit_of_the_same_kind_is_taken() -> None:
    (order,) = judged(lines_of(sheet(row(unit="kPa"))), KNOWN).orders
    assert order.channels[0].unit.symbol == "kPa"


@pytest.mark.parametrize(("written", "symbol"), [("m³/h", "m3/h"), ("℃", "°C"), ("μg/m³", "µg/m3"), ("MPa", "MPa")])
def test_units_are_known_as_people_write_them(written: str, symbol: str) -> None:
    unit = unit_of(written)
    assert unit is not None
    assert unit.symbol == symbol
    assert all(one.definition.startswith("http") for one in UNITS.values())


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_no_cell_we_write_is_run_as_a_formula(cells: list[str]) -> None:
    text = written_sheet([cells]).decode("utf-8-sig")
    assert not text.lstrip('"').startswith(("=", "+", "-", "@"))
