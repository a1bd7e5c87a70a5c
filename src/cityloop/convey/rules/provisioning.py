"""Judges a list of devices row by row: what can be made of it, and what is wrong with the rest."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from cityloop.convey.rules.datum import Datum, NoPointError, wgs84_of
from cityloop.convey.rules.devices import DeviceCodeError, checked_code
from cityloop.convey.rules.sheet import CELL_CHARACTERS_MAX, Line
from cityloop.convey.rules.units import Unit, unit_of
from cityloop.kernel.text import Text

CHANNELS_MAX = 64
"""Most channels of one device."""

NAME_CHARACTERS_MAX = 80
"""Longest name of a channel, characters."""

PERIOD_S_MAX = 31 * 86_400.0
"""Longest reporting period, seconds."""

_FORMULA = ("=", "+", "-", "@")
_NUMBERS = ("longitude", "latitude", "period_s", "scale", "offset", "valid_min", "valid_max")
_CHANNEL_COLUMNS = ("channel", "property", "unit", "scale", "offset", "valid_min", "valid_max", "period_s")


@dataclass(frozen=True, slots=True)
class PropertyKnown:
    """An observed property that exists.

    Attributes:
        title: its name.
        unit_symbols: units its streams have.
    """

    title: Text
    unit_symbols: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What stands already, as far as a list must fit to it.

    Attributes:
        codes: devices of the ledger.
        places: protocol, address and endpoint of devices that are not retired.
        organisations: organisations whose devices the sender may enter.
        foreign_organisations: those that exist beyond.
        projects: application projects.
        protocols: device protocols.
        properties: observed properties by code.
    """

    codes: frozenset[str] = frozenset()
    places: frozenset[tuple[str, str, str]] = frozenset()
    organisations: frozenset[str] = frozenset()
    foreign_organisations: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    protocols: frozenset[str] = frozenset()
    properties: Mapping[str, PropertyKnown] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrder:
    """A channel to be made, with its datastream."""

    name: str
    property_code: str
    unit: Unit
    scale: float = 1.0
    offset: float = 0.0
    valid_min: float | None = None
    valid_max: float | None = None
    period_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOrder:
    """A device to be made; longitude and latitude are WGS 84 degrees, `lines` the rows it came from."""

    code: str
    title: Text
    organisation: str
    longitude: float
    latitude: float
    project: str = ""
    vendor: str = ""
    model: str = ""
    serial_number: str = ""
    protocol: str = ""
    address: str = ""
    endpoint: str = ""
    secret: str = ""
    installed_on: date | None = None
    calibrated_on: date | None = None
    calibration_due_on: date | None = None
    channels: tuple[ChannelOrder, ...] = ()
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row cannot be taken in.

    Attributes:
        line: its line in the list.
        code: device code it names.
        column: where the fault is.
        reason: what is wrong and what to do.
    """

    line: int
    code: str
    column: str
    reason: Text


class _FaultError(Exception):
    def __init__(self, reason: Text, *, column: str) -> None:
        super().__init__(reason.en)
        self.column, self.reason = column, reason


@dataclass(slots=True)
class Judged:
    """A list as judged: what can be made, and what not; a device with one bad row is not made at all."""

    orders: list[DeviceOrder] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def judged(lines: list[Line], known: Known) -> Judged:
    """Return what can be made of a list.

    Rows of one code are one device with several channels; those after the first may leave the device's columns empty.
    """
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.cells["code"], []).append(line)
    result, places = Judged(), set(known.places)
    for code, rows in groups.items():
        faults, order = _judge_device(code, rows, known, places)
        result.refusals += faults
        if order is not None:
            result.orders.append(order)
            if order.address:
                places.add((order.protocol, order.address, order.endpoint))
    return result


def _judge_device(
    code: str, rows: list[Line], known: Known, places: set[tuple[str, str, str]]
) -> tuple[list[Refusal], DeviceOrder | None]:
    faults: list[Refusal] = []
    channels: dict[str, ChannelOrder] = {}
    order: DeviceOrder | None = None
    for number, line in enumerate(rows):
        try:
            _check_cells(line)
            channel = _channel(line, known)
            if number == 0:
                order = _device(line, known, places)
            else:
                _check_same(rows[0], line)
            _check_new(channel, channels)
            channels[channel.name] = channel
        except _FaultError as fault:
            faults.append(Refusal(line.number, code, fault.column, fault.reason))
    if faults or order is None:
        bad = {fault.line for fault in faults}
        reason = Text("同一设备的其他行有误", "another row of the same device is wrong")
        faults += [Refusal(line.number, code, "", reason) for line in rows if line.number not in bad]
        return sorted(faults, key=lambda fault: fault.line), None
    return [], replace(order, channels=tuple(channels.values()), lines=tuple(line.number for line in rows))


def _check_cells(line: Line) -> None:
    for column, cell in line.cells.items():
        if len(cell) > CELL_CHARACTERS_MAX:
            raise _FaultError(
                Text(f"超过 {CELL_CHARACTERS_MAX} 个字符", f"longer than {CELL_CHARACTERS_MAX} characters"),
                column=column,
            )
        if any(ord(character) < ord(" ") for character in cell):
            raise _FaultError(Text("含有控制字符", "holds control characters"), column=column)
        if cell.startswith(_FORMULA) and column not in _NUMBERS and cell != "-":
            raise _FaultError(Text("内容像公式，已拒绝", "looks like a formula and is refused"), column=column)


def _check_new(channel: ChannelOrder, channels: Mapping[str, ChannelOrder]) -> None:
    if channel.name in channels:
        raise _FaultError(Text(f"通道 {channel.name} 重复", f"channel {channel.name} comes twice"), column="channel")
    if len(channels) == CHANNELS_MAX:
        raise _FaultError(Text(f"通道超过 {CHANNELS_MAX} 个", f"more than {CHANNELS_MAX} channels"), column="channel")


def _check_same(first: Line, line: Line) -> None:
    for column, cell in line.cells.items():
        if column not in _CHANNEL_COLUMNS and cell and cell != first.cells[column]:
            raise _FaultError(Text(f"与第 {first.number} 行不一致", f"differs from line {first.number}"), column=column)


def _device(line: Line, known: Known, places: set[tuple[str, str, str]]) -> DeviceOrder:
    cells = line.cells
    longitude, latitude = _point(cells)
    place = (cells["protocol"], cells["address"], cells["endpoint"])
    if cells["address"] and place in places:
        raise _FaultError(
            Text("该协议地址已被其他设备使用", "another device has this address in this protocol"), column="address"
        )
    title_zh = _needed(cells, "title_zh")
    return DeviceOrder(
        code=_code(cells["code"], known),
        title=Text(title_zh, cells["title_en"] or title_zh),
        organisation=_organisation(cells["organisation"], known),
        longitude=longitude,
        latitude=latitude,
        project=_one_of(cells, "project", known.projects),
        vendor=cells["vendor"],
        model=cells["model"],
        serial_number=cells["serial_number"],
        protocol=_protocol(cells, known),
        address=cells["address"],
        endpoint=_endpoint(cells["endpoint"]),
        secret=cells["secret"],
        installed_on=_date(cells, "installed_on"),
        calibrated_on=_date(cells, "calibrated_on"),
        calibration_due_on=_date(cells, "calibration_due_on"),
    )


def _code(code: str, known: Known) -> str:
    if not code:
        raise _FaultError(Text("缺少设备编码", "the device code is missing"), column="code")
    if code in known.codes:
        raise _FaultError(Text("台账中已有该编码", "the ledger has this code already"), column="code")
    try:
        return checked_code(code)
    except DeviceCodeError as error:
        raise _FaultError(
            Text(
                "编码只能含字母、数字、- 和 _，最长 60 位，且不能是平台保留名",
                "letters, digits, - and _ only, at most 60, no name of the platform's own",
            ),
            column="code",
        ) from error


def _organisation(code: str, known: Known) -> str:
    if code in known.organisations:
        return code
    if code in known.foreign_organisations:
        raise _FaultError(
            Text("您无权为该单位登记设备", "you may not enter devices of this organisation"), column="organisation"
        )
    raise _FaultError(
        Text(f"没有编码为 {code or '（空）'} 的单位", f"there is no organisation with the code {code or '(empty)'}"),
        column="organisation",
    )


def _protocol(cells: Mapping[str, str], known: Known) -> str:
    code = _one_of(cells, "protocol", known.protocols)
    if code and not cells["address"]:
        raise _FaultError(
            Text("使用该协议需填写协议地址", "a device of this protocol needs its address there"), column="address"
        )
    return code


def _endpoint(text: str) -> str:
    host, separator, port = text.rpartition(":")
    if text and not (separator and host and port.isdecimal() and 0 < int(port) < 2**16):
        raise _FaultError(Text("应写作 主机:端口", "is written host:port"), column="endpoint")
    return text


def _point(cells: Mapping[str, str]) -> tuple[float, float]:
    written = cells["datum"].upper().replace("-", "").replace(" ", "") or Datum.WGS84
    if written not in set(Datum):
        raise _FaultError(
            Text("坐标系应为 WGS84、CGCS2000、GCJ02 或 BD09", "the datum is WGS84, CGCS2000, GCJ02 or BD09"),
            column="datum",
        )
    longitude, latitude = _number(cells, "longitude"), _number(cells, "latitude")
    if longitude is None or latitude is None:
        raise _FaultError(Text("缺少坐标", "the coordinates are missing"), column="longitude")
    try:
        return wgs84_of(longitude, latitude, Datum(written))
    except NoPointError as error:
        raise _FaultError(
            Text(
                "坐标不在地球上；经度和纬度是否写反？", "no point on the globe; are longitude and latitude exchanged?"
            ),
            column="longitude",
        ) from error


def _channel(line: Line, known: Known) -> ChannelOrder:
    cells = line.cells
    name, code = _needed(cells, "channel"), _needed(cells, "property")
    if len(name) > NAME_CHARACTERS_MAX:
        raise _FaultError(
            Text(f"超过 {NAME_CHARACTERS_MAX} 个字符", f"longer than {NAME_CHARACTERS_MAX} characters"),
            column="channel",
        )
    scale, least, greatest = _number(cells, "scale"), _number(cells, "valid_min"), _number(cells, "valid_max")
    if scale == 0:
        raise _FaultError(Text("倍率不能为 0", "the scale cannot be 0"), column="scale")
    if least is not None and greatest is not None and least >= greatest:
        raise _FaultError(
            Text("量程下限应小于上限", "the lower limit must lie below the upper one"), column="valid_min"
        )
    return ChannelOrder(
        name=name,
        property_code=code,
        unit=_unit(cells, known.properties.get(code)),
        scale=1.0 if scale is None else scale,
        offset=_number(cells, "offset") or 0.0,
        valid_min=least,
        valid_max=greatest,
        period_s=_period(cells),
    )


def _unit(cells: Mapping[str, str], standing: PropertyKnown | None) -> Unit:
    unit = unit_of(_needed(cells, "unit"))
    if unit is None:
        raise _FaultError(
            Text(f"不认识的单位 {cells['unit']}", f"the unit {cells['unit']} is not known"), column="unit"
        )
    kinds = {other.kind for symbol in (standing.unit_symbols if standing else ()) if (other := unit_of(symbol))}
    if kinds and unit.kind not in kinds:
        raise _FaultError(
            Text(f"该监测指标不以 {cells['unit']} 计量", f"this property is not measured in {cells['unit']}"),
            column="unit",
        )
    return unit


def _period(cells: Mapping[str, str]) -> float | None:
    period_s = _number(cells, "period_s")
    if period_s is not None and not 0 < period_s <= PERIOD_S_MAX:
        raise _FaultError(
            Text("上报周期应大于 0 且不超过 31 天", "the period is above 0 and at most 31 days"), column="period_s"
        )
    return period_s


def _needed(cells: Mapping[str, str], column: str) -> str:
    if not cells[column]:
        raise _FaultError(Text("不能为空", "cannot be empty"), column=column)
    return cells[column]


def _one_of(cells: Mapping[str, str], column: str, allowed: frozenset[str]) -> str:
    if cells[column] and cells[column] not in allowed:
        raise _FaultError(Text(f"不认识 {cells[column]}", f"{cells[column]} is not known"), column=column)
    return cells[column]


def _number(cells: Mapping[str, str], column: str) -> float | None:
    if not cells[column]:
        return None
    try:
        number = float(cells[column])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _FaultError(Text(f"{cells[column]} 不是数字", f"{cells[column]} is no number"), column=column)
    return number


def _date(cells: Mapping[str, str], column: str) -> date | None:
    if not cells[column]:
        return None
    try:
        return date.fromisoformat(cells[column].replace("/", "-"))
    except ValueError as error:
        raise _FaultError(Text("日期应写作 2026-11-22", "a date is written 2026-11-22"), column=column) from error
