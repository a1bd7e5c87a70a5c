"""Things and streams of gas, coal and drainage, and the day streams in which dispatchers tell of every line."""

from dataclasses import dataclass

from cityloop.kernel.declarations import StreamSpec, ThingSpec
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.lines import MAKES, TEMPERATURE_AHEAD, TOLD_TITLES, LineMake, Told
from cityloop.projects.lifelines.rules.quantities import (
    COAL_USE,
    GAS_FLOW,
    GAS_PRESSURE,
    LEVEL,
    LINEPACK,
    PUMP,
    RAIN,
    SEWAGE_FLOW,
    TEMPERATURE,
    UNITS,
    Quantity,
)

GAS_GROUP, DRAINAGE_GROUP, POWER_COMPANY = "gas-group", "drainage-group", "power-company"
HOUR_S, QUARTER_S, DAY_S = 3600.0, 900.0, 86_400.0


@dataclass(frozen=True, slots=True)
class _Site:
    """A site: code, name, what it is, owner, WGS 84 place assigned for the demo."""

    code: str
    title: Text
    about: Text
    owner: str
    longitude: float
    latitude: float

    def thing(self) -> ThingSpec:
        return ThingSpec(
            code=self.code,
            title=self.title,
            description=self.about,
            longitude=self.longitude,
            latitude=self.latitude,
            owner=self.owner,
        )


_GATE = Text("天然气门站", "Gate station of the gas network")
_GATES = (
    _Site("gas.gate-west", Text("西部门站", "Western gate station"), _GATE, GAS_GROUP, 116.150, 39.880),
    _Site("gas.gate-north", Text("北部门站", "Northern gate station"), _GATE, GAS_GROUP, 116.360, 40.160),
    _Site("gas.gate-south", Text("南部门站", "Southern gate station"), _GATE, GAS_GROUP, 116.420, 39.720),
)
"""Where gas enters the city (门站)."""

_MEDIUM = Text("燃气中压管网压力点", "Pressure point of the medium-pressure gas network")
_GAS_POINTS = (
    _Site("gas.point-110102", Text("西城中压点", "Xicheng gas point"), _MEDIUM, GAS_GROUP, 116.360, 39.905),
    _Site("gas.point-110105", Text("朝阳中压点", "Chaoyang gas point"), _MEDIUM, GAS_GROUP, 116.500, 39.940),
    _Site("gas.point-110108", Text("海淀中压点", "Haidian gas point"), _MEDIUM, GAS_GROUP, 116.290, 39.990),
    _Site("gas.point-110112", Text("通州中压点", "Tongzhou gas point"), _MEDIUM, GAS_GROUP, 116.690, 39.890),
)
_GAS = _Site(
    "gas.city",
    Text("全市燃气管网", "City gas network"),
    Text("全市燃气调度", "Gas as dispatched over the whole city"),
    GAS_GROUP,
    116.400,
    39.900,
)

_STATION = Text("污水泵站", "Pumping station of the sewers")
_SUMPS = (
    _Site("drainage.sump-1", Text("城西泵站", "Western pumping station"), _STATION, DRAINAGE_GROUP, 116.270, 39.900),
    _Site("drainage.sump-2", Text("城东泵站", "Eastern pumping station"), _STATION, DRAINAGE_GROUP, 116.510, 39.900),
)
_PLANTS = _Site(
    "drainage.plants",
    Text("污水处理厂", "Sewage treatment plants"),
    Text("全市污水处理厂合计", "All treatment plants of the city together"),
    DRAINAGE_GROUP,
    116.480,
    39.870,
)
_GAUGE = _Site(
    "drainage.rain",
    Text("城区雨量站", "Rain gauge of the centre"),
    Text("排水调度用雨量站", "Rain gauge for the dispatch of drainage"),
    DRAINAGE_GROUP,
    116.400,
    39.930,
)
_COAL = _Site(
    "coal.plants",
    Text("燃煤电厂", "Coal-fired stations"),
    Text("全市燃煤电厂上煤皮带秤合计", "Belt scales of all coal-fired stations together"),
    POWER_COMPANY,
    116.190,
    39.920,
)


def supply_things() -> tuple[ThingSpec, ...]:
    """Return the things of gas, coal and drainage."""
    sites = (_GAS, *_GATES, *_GAS_POINTS, _PLANTS, _GAUGE, *_SUMPS, _COAL)
    return tuple(site.thing() for site in sites)


@dataclass(frozen=True, slots=True)
class _Point:
    """What is measured at some sites: quantity, code and name of the point, period in seconds."""

    quantity: Quantity
    code: str
    title: Text
    sites: tuple[_Site, ...]
    period_s: float = HOUR_S

    def streams(self) -> tuple[StreamSpec, ...]:
        return tuple(
            self.quantity.stream(
                f"{site.code}.{self.code}",
                thing=site.code,
                title=Text(f"{site.title.zh}{self.title.zh}", f"{site.title.en}: {self.title.en}"),
                period_s=self.period_s,
            )
            for site in self.sites
        )


_POINTS = (
    _Point(GAS_FLOW, "flow", Text("用气流量", "gas used"), (_GAS,)),
    _Point(LINEPACK, "linepack", Text("管存", "line-pack"), (_GAS,)),
    _Point(GAS_FLOW, "flow", Text("进气流量", "inflow"), _GATES),
    _Point(GAS_PRESSURE, "outlet", Text("出站压力", "outlet pressure"), _GATES),
    _Point(GAS_PRESSURE, "network", Text("压力", "pressure"), _GAS_POINTS),
    _Point(SEWAGE_FLOW, "flow", Text("处理流量", "sewage treated"), (_PLANTS,)),
    _Point(RAIN, "rain", Text("小时雨量", "rain of the hour"), (_GAUGE,)),
    _Point(LEVEL, "level", Text("集水池液位", "sump level"), _SUMPS, QUARTER_S),
    _Point(PUMP, "pump", Text("水泵状态", "pump state"), _SUMPS, QUARTER_S),
    _Point(COAL_USE, "use", Text("耗煤量", "coal used"), (_COAL,)),
)


def supply_streams() -> tuple[StreamSpec, ...]:
    """Return the streams of gas, coal and drainage."""
    return tuple(stream for point in _POINTS for stream in point.streams())


def dispatch_things() -> tuple[ThingSpec, ...]:
    """Return the dispatch desk of every line, where its day is told."""
    about = Text(
        "调度员填报的当日计划、指定供应、库存等",
        "Plan, nomination, stock and the like as dispatchers tell them for a day",
    )
    return tuple(
        ThingSpec(
            code=f"{make.line}.dispatch",
            title=Text(f"{make.title.zh}调度", f"{make.title.en} dispatch desk"),
            description=about,
            longitude=116.397,
            latitude=39.905,
            owner=make.owner,
        )
        for make in MAKES.values()
    )


def dispatch_streams() -> tuple[StreamSpec, ...]:
    """Return the day streams of every line: a reading for the day's midnight, and one more where it is changed."""
    return tuple(_told_stream(make, told) for make in MAKES.values() for told in make.told)


def _told_stream(make: LineMake, told: Told) -> StreamSpec:
    unit, title = UNITS[make.unit_of(told)], make.title_of(told)
    kind = "Mass" if unit.symbol == "t" else "Energy" if unit.symbol in {"GJ", "10⁴ kWh"} else "Volume"
    general = TOLD_TITLES[told]
    quantity = Quantity(
        f"told_{told.replace('-', '_')}", Text(general.zh, general.en.capitalize()), kind, unit, make.decimals
    )
    return quantity.stream(
        make.code_of(told),
        thing=f"{make.line}.dispatch",
        title=Text(f"{make.title.zh}：{title.zh}", f"{make.title.en}: {title.en}"),
        period_s=DAY_S,
    )


WEATHER_DESK = ThingSpec(
    code="air.city",
    title=Text("气象预报", "Weather forecast"),
    description=Text("气象部门发布的次日平均气温", "Mean temperature of the day ahead as the weather service tells it"),
    longitude=116.470,
    latitude=39.806,
    owner="environment-bureau",
)
WEATHER_AHEAD = TEMPERATURE.stream(
    TEMPERATURE_AHEAD,
    thing="air.city",
    title=Text("次日平均气温预报", "Mean temperature of the day ahead, forecast"),
    period_s=DAY_S,
)

__all__ = [
    "DAY_S",
    "HOUR_S",
    "QUARTER_S",
    "WEATHER_AHEAD",
    "WEATHER_DESK",
    "dispatch_streams",
    "dispatch_things",
    "supply_streams",
    "supply_things",
]
