"""What the city lifelines bring: water, gas, heat, power, drainage and coal, and weather as context."""

from cityloop.kernel.clocks import Clock, Limit
from cityloop.kernel.declarations import (
    CaseKindSpec,
    ForecastSpec,
    LineSpec,
    Project,
    StreamSpec,
    ThingSpec,
    WatchKind,
    WatchSpec,
)
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.lines import MAKES
from cityloop.projects.lifelines.rules.quantities import FLOW, HEAT, LOAD, PM25, PRESSURE, TEMPERATURE
from cityloop.projects.lifelines.rules.supply import (
    DAY_S,
    HOUR_S,
    QUARTER_S,
    WEATHER_AHEAD,
    WEATHER_DESK,
    dispatch_streams,
    dispatch_things,
    supply_streams,
    supply_things,
)

WATER_GROUP, HEAT_GROUP, POWER_COMPANY = "water-group", "heat-group", "power-company"
ENVIRONMENT_BUREAU = "environment-bureau"
PRESSURE_PERIOD_S = 5.0
SILENT_PERIODS = 3
"""Periods without a reading before a stream counts as silent (domain reference, section 4)."""
PRESSURE_SILENT_S = 60.0
"""Fast pressure points are given a minute rather than three periods: a restart of the city is not an alarm."""

_HOUSE_DEFAULT = Text(
    "平台默认值，依据供水、供热、供电行业常用运行限值整理，待主管部门确认",
    "Default of the platform after limits usual in water, heat and power practice, to be confirmed by the authority",
)
_STATISTICS = Text(
    "以近几周同一星期同一小时的均值与标准差为基线；级差为平台默认值，待主管部门确认",
    "Baseline: mean and standard deviation of the same hour of the week in recent weeks; "
    "the steps are a default of the platform, to be confirmed by the authority",
)
_SILENCE = Text(
    "三个采集周期无数据即视为中断（秒级测点放宽到一分钟）；平台默认值，待主管部门确认",
    "Three periods without a reading count as silence (a minute for points read every few seconds); "
    "a default of the platform, to be confirmed by the authority",
)


_ZONES = (
    ("1", "东城医院片区", "Dongcheng hospital zone", 116.417, 39.911),
    ("2", "昌平流村片区", "Changping Liucun countryside zone", 116.070, 40.220),
    ("3", "平谷马坊片区", "Pinggu countryside zone", 117.100, 40.160),
    ("4", "通州城区片区", "Tongzhou suburban zone", 116.650, 39.900),
    ("5", "西城中心片区", "Xicheng inner zone", 116.360, 39.910),
    ("6", "朝阳奥体片区", "Chaoyang sports and office zone", 116.390, 40.000),
    ("7", "海淀居住片区", "Haidian residential zone", 116.300, 39.970),
    ("8", "东城核心片区", "Dongcheng centre zone", 116.410, 39.920),
    ("9", "亦庄产业片区", "Yizhuang industrial zone", 116.520, 39.800),
    ("10", "大兴商贸片区", "Daxing commercial zone", 116.340, 39.730),
)
"""District metered areas (独立计量区): number, names, WGS 84 place; the places are assigned for the demo."""

_PRESSURE_POINTS = (
    ("110101", "东城区", "Dongcheng", 116.408, 39.917),
    ("110102", "西城区", "Xicheng", 116.358, 39.917),
    ("110105", "朝阳区", "Chaoyang", 116.530, 39.949),
    ("110106", "丰台区", "Fengtai", 116.247, 39.828),
    ("110107", "石景山区", "Shijingshan", 116.164, 39.933),
    ("110108", "海淀区", "Haidian", 116.244, 40.023),
    ("110109", "门头沟区", "Mentougou", 115.796, 39.995),
    ("110111", "房山区", "Fangshan", 115.861, 39.716),
    ("110112", "通州区", "Tongzhou", 116.729, 39.812),
    ("110113", "顺义区", "Shunyi", 116.722, 40.159),
    ("110114", "昌平区", "Changping", 116.173, 40.214),
    ("110115", "大兴区", "Daxing", 116.465, 39.636),
    ("110116", "怀柔区", "Huairou", 116.625, 40.647),
    ("110117", "平谷区", "Pinggu", 117.152, 40.203),
    ("110118", "密云区", "Miyun", 116.952, 40.510),
    ("110119", "延庆区", "Yanqing", 116.102, 40.527),
)
"""One pressure point of the network in every district: district code, names, WGS 84 place inside the district."""

_SUBSTATIONS = (
    ("l4", "石景山4号热力站", "Shijingshan substation 4", 116.200, 39.910, QUARTER_S),
    ("l8", "丰台8号热力站", "Fengtai substation 8", 116.280, 39.850, HOUR_S),
    ("l12", "朝阳12号热力站", "Chaoyang substation 12", 116.480, 39.930, QUARTER_S),
)
"""Heat substations: code, names, WGS 84 place assigned for the demo, period in seconds."""

_HEAT_POINTS = (
    ("supply-primary", Text("一次侧供水温度", "Primary supply temperature"), TEMPERATURE),
    ("return-primary", Text("一次侧回水温度", "Primary return temperature"), TEMPERATURE),
    ("supply-secondary", Text("二次侧供水温度", "Secondary supply temperature"), TEMPERATURE),
    ("return-secondary", Text("二次侧回水温度", "Secondary return temperature"), TEMPERATURE),
    ("outdoor", Text("室外温度", "Outdoor temperature"), TEMPERATURE),
    ("power", Text("供热功率", "Heat delivered"), HEAT),
)

_STATIONS = (
    ("aotizhongxin", "奥体中心", "Aotizhongxin", 116.397, 39.982),
    ("changping", "昌平镇", "Changping", 116.230, 40.217),
    ("dingling", "定陵", "Dingling", 116.220, 40.292),
    ("dongsi", "东四", "Dongsi", 116.417, 39.929),
    ("guanyuan", "官园", "Guanyuan", 116.339, 39.929),
    ("gucheng", "古城", "Gucheng", 116.184, 39.914),
    ("huairou", "怀柔镇", "Huairou", 116.628, 40.328),
    ("nongzhanguan", "农展馆", "Nongzhanguan", 116.461, 39.937),
    ("shunyi", "顺义新城", "Shunyi", 116.655, 40.127),
    ("tiantan", "天坛", "Tiantan", 116.407, 39.886),
    ("wanliu", "海淀万柳", "Wanliu", 116.287, 39.987),
    ("wanshouxigong", "万寿西宫", "Wanshouxigong", 116.352, 39.878),
)
"""Air stations: code, names, WGS 84 place; the places are approximate, from memory (K)."""


def _joined(first: Text, second: Text) -> Text:
    return Text(f"{first.zh}{second.zh}", f"{first.en}: {second.en.lower()}")


def _zone_things() -> tuple[ThingSpec, ...]:
    about = Text("独立计量区入口流量计", "Flow meter at the inlet of a district metered area")
    return tuple(
        ThingSpec(
            code=f"water.zone-{number}",
            title=Text(zh, en),
            description=about,
            longitude=longitude,
            latitude=latitude,
            owner=WATER_GROUP,
        )
        for number, zh, en, longitude, latitude in _ZONES
    )


def _pressure_things() -> tuple[ThingSpec, ...]:
    about = Text("供水管网压力监测点", "Pressure point of the water network")
    return tuple(
        ThingSpec(
            code=f"water.point-{code}",
            title=Text(f"{zh}管网压力点", f"{en} network pressure point"),
            description=about,
            longitude=longitude,
            latitude=latitude,
            owner=WATER_GROUP,
        )
        for code, zh, en, longitude, latitude in _PRESSURE_POINTS
    )


def _heat_things() -> tuple[ThingSpec, ...]:
    about = Text("热力站数据采集", "Data acquisition of a heat substation")
    return tuple(
        ThingSpec(
            code=f"heat.{code}",
            title=Text(zh, en),
            description=about,
            longitude=longitude,
            latitude=latitude,
            owner=HEAT_GROUP,
        )
        for code, zh, en, longitude, latitude, _ in _SUBSTATIONS
    )


def _air_things() -> tuple[ThingSpec, ...]:
    about = Text(
        "空气质量监测站，作为生命线运行的气象背景", "Air quality station, shown as the weather the lifelines answer to"
    )
    return tuple(
        ThingSpec(
            code=f"air.{code}",
            title=Text(f"{zh}监测站", f"{en} station"),
            description=about,
            longitude=longitude,
            latitude=latitude,
            owner=ENVIRONMENT_BUREAU,
        )
        for code, zh, en, longitude, latitude in _STATIONS
    )


_GRID = ThingSpec(
    code="power.grid",
    title=Text("北京电网", "City power grid"),
    description=Text("全市电网统调负荷", "Load of the city's grid as dispatched"),
    longitude=116.397,
    latitude=39.905,
    owner=POWER_COMPANY,
)


def _water_streams() -> tuple[StreamSpec, ...]:
    inflows = tuple(
        FLOW.stream(
            f"water.zone-{number}.inflow",
            thing=f"water.zone-{number}",
            title=_joined(Text(zh, en), FLOW.title),
            period_s=HOUR_S,
        )
        for number, zh, en, _, _ in _ZONES
    )
    pressures = tuple(
        PRESSURE.stream(
            f"water.point-{code}.pressure",
            thing=f"water.point-{code}",
            title=Text(f"{zh}管网压力", f"{en}: network pressure"),
            period_s=PRESSURE_PERIOD_S,
        )
        for code, zh, en, _, _ in _PRESSURE_POINTS
    )
    return inflows + pressures


def _heat_streams() -> tuple[StreamSpec, ...]:
    return tuple(
        quantity.stream(
            f"heat.{code}.{point}", thing=f"heat.{code}", title=_joined(Text(zh, en), title), period_s=period_s
        )
        for code, zh, en, _, _, period_s in _SUBSTATIONS
        for point, title, quantity in _HEAT_POINTS
    )


def _air_streams() -> tuple[StreamSpec, ...]:
    quantities = (("temperature", Text("气温", "Air temperature"), TEMPERATURE), ("pm25", PM25.title, PM25))
    return tuple(
        quantity.stream(f"air.{code}.{point}", thing=f"air.{code}", title=_joined(Text(zh, en), title), period_s=HOUR_S)
        for code, zh, en, _, _ in _STATIONS
        for point, title, quantity in quantities
    )


def _silent(code: str, title: Text, streams: tuple[str, ...], after_s: float) -> WatchSpec:
    return WatchSpec(
        code=f"lifelines.silent-{code}",
        title=title,
        kind=WatchKind.SILENT,
        streams=streams,
        limits={Level.BLUE: after_s},
        unit="s",
        basis=_SILENCE,
    )


_CENTRE = "air.dongsi.temperature"
"""The temperature of the centre, which the lines answer to; it is forecast itself too."""

_SLOW_HEAT = tuple(f"heat.{code}.*" for code, *_, period_s in _SUBSTATIONS if period_s == HOUR_S)
_STATION_STREAMS = tuple(f"air.{code}.*" for code, *_ in _STATIONS)
_QUICK_HEAT = tuple(f"heat.{code}.*" for code, *_, period_s in _SUBSTATIONS if period_s == QUARTER_S)

_WATCHES = (
    WatchSpec(
        code="lifelines.water-pressure-loss",
        title=Text("供水压力骤失", "Loss of water pressure"),
        kind=WatchKind.LOW,
        streams=("water.point-*",),
        limits={Level.ORANGE: 0.10, Level.RED: 0.05},
        hysteresis=0.02,
        unit="MPa",
        basis=_HOUSE_DEFAULT,
        case_kind="water-main-pressure-loss",
    ),
    WatchSpec(
        code="lifelines.water-pressure-low",
        title=Text("供水压力偏低", "Water pressure low"),
        kind=WatchKind.LOW,
        streams=("water.point-*",),
        limits={Level.BLUE: 0.20, Level.YELLOW: 0.16},
        hysteresis=0.01,
        hold_s=60.0,
        unit="MPa",
        basis=_HOUSE_DEFAULT,
    ),
    WatchSpec(
        code="lifelines.water-pressure-high",
        title=Text("供水压力偏高", "Water pressure high"),
        kind=WatchKind.HIGH,
        streams=("water.point-*",),
        limits={Level.BLUE: 0.55, Level.YELLOW: 0.60, Level.ORANGE: 0.70, Level.RED: 0.80},
        hysteresis=0.02,
        hold_s=30.0,
        unit="MPa",
        basis=_HOUSE_DEFAULT,
    ),
    WatchSpec(
        code="lifelines.water-inflow-unusual",
        title=Text("片区供水量偏离基线", "Inflow of a zone far from its baseline"),
        kind=WatchKind.BASELINE,
        streams=("water.zone-*",),
        limits={Level.BLUE: 6.0, Level.YELLOW: 9.0, Level.ORANGE: 14.0},
        hysteresis=1.0,
        unit="σ",
        basis=_STATISTICS,
        case_kind="water-inflow-check",
    ),
    WatchSpec(
        code="lifelines.heat-supply-cold",
        title=Text("二次侧供水温度过低", "Secondary supply temperature too low"),
        kind=WatchKind.LOW,
        streams=tuple(f"heat.{code}.supply-secondary" for code, *_ in _SUBSTATIONS),
        limits={Level.BLUE: 22.0, Level.YELLOW: 18.0, Level.ORANGE: 12.0, Level.RED: 6.0},
        hysteresis=1.0,
        hold_s=2 * QUARTER_S,
        unit="°C",
        basis=Text(
            "夜间回落后二次侧一般不低于22°C，接近冰点有冻损风险；平台默认值，待主管部门确认",
            "After the night setback the secondary side seldom falls below 22 °C, and near freezing it may burst; "
            "a default of the platform, to be confirmed by the authority",
        ),
        case_kind="heat-supply-fault",
    ),
    WatchSpec(
        code="lifelines.heat-return-hot",
        title=Text("一次侧回水温度过高", "Primary return temperature too high"),
        kind=WatchKind.HIGH,
        streams=tuple(f"heat.{code}.return-primary" for code, *_ in _SUBSTATIONS),
        limits={Level.BLUE: 55.0, Level.YELLOW: 60.0, Level.ORANGE: 65.0, Level.RED: 70.0},
        hysteresis=1.0,
        hold_s=QUARTER_S,
        unit="°C",
        basis=_HOUSE_DEFAULT,
    ),
    WatchSpec(
        code="lifelines.heat-stuck",
        title=Text("供热传感器数值不变", "Heat sensor stuck"),
        kind=WatchKind.STUCK,
        streams=tuple(f"heat.{code}.supply-primary" for code, *_ in _SUBSTATIONS),
        limits={Level.BLUE: 12 * HOUR_S, Level.YELLOW: 24 * HOUR_S},
        unit="s",
        basis=_HOUSE_DEFAULT,
    ),
    WatchSpec(
        code="lifelines.power-load-near-capacity",
        title=Text("电网负荷接近供电能力", "Grid load near capacity"),
        kind=WatchKind.HIGH,
        streams=("power.grid.load",),
        limits={Level.BLUE: 10200.0, Level.YELLOW: 10800.0, Level.ORANGE: 11400.0, Level.RED: 11760.0},
        hysteresis=100.0,
        unit="MW",
        basis=Text(
            "按供电能力12000 MW的85%、90%、95%、98%；能力值为演示假定，待主管部门确认",
            "85, 90, 95 and 98 % of a capacity of 12,000 MW; the capacity is assumed for the demo, "
            "to be confirmed by the authority",
        ),
        case_kind="power-shortage",
    ),
    _silent("pressure", Text("管网压力点数据中断", "Pressure point silent"), ("water.point-*",), PRESSURE_SILENT_S),
    _silent(
        "hourly",
        Text("小时级测点数据中断", "Hourly stream silent"),
        (
            *("water.zone-*", "power.grid.*", "gas.city.*", "gas.gate-*", "gas.point-*", "coal.plants.*"),
            *("drainage.plants.*", "drainage.rain.*", *_STATION_STREAMS, *_SLOW_HEAT),
        ),
        SILENT_PERIODS * HOUR_S,
    ),
    _silent(
        "quarter",
        Text("热力站或泵站数据中断", "Heat substation or pumping station silent"),
        (*_QUICK_HEAT, "drainage.sump-*"),
        SILENT_PERIODS * QUARTER_S,
    ),
    _silent(
        "told",
        Text("调度日报逾期未填", "Dispatchers' figures of the day overdue"),
        tuple(f"{line}.dispatch.*" for line in MAKES),
        DAY_S * SILENT_PERIODS,
    ),
)


def _case_kind(code: str, title: Text, hours: float, organisation: str) -> CaseKindSpec:
    return CaseKindSpec(
        code=code,
        title=title,
        limit=Limit(hours, Clock.NATURAL),
        organisation=organisation,
        basis=Text(
            "处置时限为平台默认值，待主管部门确认",
            "The limit is a default of the platform, to be confirmed by the authority",
        ),
    )


def _line(line: Line, *, decimals: int) -> LineSpec:
    make = MAKES[line]
    return LineSpec(
        code=str(line), title=make.title, streams=make.streams, combine="sum", unit=make.hour_unit, decimals=decimals
    )


PROJECT = Project(
    code="lifelines",
    number=2,
    title=Text("城市生命线", "City lifelines"),
    summary=Text(
        "实时监测供水、燃气、供热、供电、排水、煤炭，并以气象作背景，异常即报警、立案、处置。",
        "Watches water, gas, heat, power, drainage and coal against the weather; what is unusual becomes an alarm "
        "and a case.",
    ),
    lead="municipal-administration",
    plan_source=Text(
        "市政市容委会同市应急办牵头（2012年会议纪要；顶层设计讲话）",
        "Led by the municipal administration commission with the emergency office "
        "(meeting record of 2012; the founding speech)",
    ),
    things=(
        *_zone_things(),
        *_pressure_things(),
        *_heat_things(),
        _GRID,
        *_air_things(),
        *supply_things(),
        *dispatch_things(),
        WEATHER_DESK,
    ),
    streams=(
        *_water_streams(),
        *_heat_streams(),
        LOAD.stream("power.grid.load", thing="power.grid", title=LOAD.title, period_s=HOUR_S),
        *_air_streams(),
        *supply_streams(),
        *dispatch_streams(),
        WEATHER_AHEAD,
    ),
    forecasts=(
        ForecastSpec(streams=("water.zone-*", "power.grid.load", "gas.city.flow"), weather=_CENTRE),
        *(ForecastSpec(streams=(f"heat.{code}.power",), weather=f"heat.{code}.outdoor") for code, *_ in _SUBSTATIONS),
        ForecastSpec(streams=(_CENTRE, "drainage.plants.flow", "coal.plants.use")),
    ),
    watches=_WATCHES,
    case_kinds=(
        _case_kind("water-main-pressure-loss", Text("供水管网失压", "Pressure loss of a water main"), 4, WATER_GROUP),
        _case_kind("water-inflow-check", Text("片区供水异常核查", "Check of an unusual inflow"), 24, WATER_GROUP),
        _case_kind("heat-supply-fault", Text("供热温度异常", "Heat supply fault"), 8, HEAT_GROUP),
        _case_kind("heat-complaint", Text("居民供热投诉", "Complaint about heating"), 24, HEAT_GROUP),
        _case_kind("power-shortage", Text("电力供应紧张", "Power supply short"), 2, POWER_COMPANY),
    ),
    lines=(
        LineSpec(
            code="water",
            title=Text("供水", "Water"),
            streams=("water.zone-*",),
            combine="sum",
            factor=3.6,
            unit="m³/h",
            decimals=0,
        ),
        _line(Line.GAS, decimals=0),
        LineSpec(
            code="heat",
            title=Text("供热", "Heat"),
            streams=tuple(f"heat.{code}.power" for code, *_ in _SUBSTATIONS),
            combine="sum",
            unit="kW",
            decimals=0,
        ),
        LineSpec(
            code="power",
            title=Text("供电", "Power"),
            streams=("power.grid.load",),
            combine="sum",
            unit="MW",
            decimals=0,
        ),
        _line(Line.DRAINAGE, decimals=1),
        _line(Line.COAL, decimals=0),
        LineSpec(
            code="pressure",
            title=Text("管网压力", "Network pressure"),
            streams=("water.point-*",),
            combine="mean",
            unit="MPa",
            decimals=3,
        ),
        LineSpec(
            code="weather",
            title=Text("气温（背景）", "Air temperature (context)"),
            streams=tuple(f"air.{code}.temperature" for code, *_ in _STATIONS),
            combine="mean",
            unit="°C",
            decimals=1,
        ),
    ),
)
