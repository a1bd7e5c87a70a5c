"""What each line's numbers are made of: which streams, in which unit, and who speaks for the line."""

from dataclasses import dataclass
from enum import StrEnum

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.days import Line


class Told(StrEnum):
    """What a group's dispatcher tells of a line's day."""

    PLAN = "plan"
    NOMINATED = "nominated"
    WITHDRAWAL = "withdrawal"
    OWN = "own"
    CAPACITY = "capacity"
    STOCK = "stock"
    STOCK_USE = "stock-use"
    LINEPACK_MIN = "linepack-min"


TOLD_TITLES: dict[Told, Text] = {
    Told.PLAN: Text("当日计划", "planned for the day"),
    Told.NOMINATED: Text("上游指定供应量", "nominated supply"),
    Told.WITHDRAWAL: Text("安全采出量", "safe withdrawal"),
    Told.OWN: Text("自有产量", "own production"),
    Told.CAPACITY: Text("日最大供应能力", "capacity of a day"),
    Told.STOCK: Text("库存", "stock"),
    Told.STOCK_USE: Text("库存日耗", "use of the stock in a day"),
    Told.LINEPACK_MIN: Text("管存下限", "minimum line-pack"),
}

SUPPLY = (Told.NOMINATED, Told.WITHDRAWAL, Told.OWN)
"""What together is a line's supply of a day (domain reference, section 4.3, rule 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMake:
    """How a line's row is made.

    Attributes:
        line: which line.
        title: its name.
        owner: code of the organisation whose dispatcher speaks for it.
        streams: codes of the streams whose hourly means add up to what was used; a trailing `*` stands for all.
        hour_factor: makes the line's unit an hour of their sum.
        hour_unit: unit symbol of an hour's value.
        day_factor: makes the day's unit of the sum of the hours.
        unit: unit symbol of a day's total.
        decimals: digits shown after the point.
        told: what is told of its day.
        titles: other names than the usual ones.
        stock_unit: unit symbol of its stock.
        linepack: code of the stream of the line-pack, empty where there is none.
        inflow: codes of the streams that fill the line-pack, in `hour_unit`.
    """

    line: Line
    title: Text
    owner: str
    streams: tuple[str, ...]
    hour_factor: float = 1.0
    hour_unit: str
    day_factor: float = 1.0
    unit: str
    decimals: int = 0
    told: tuple[Told, ...]
    titles: dict[Told, Text] | None = None
    stock_unit: str = ""
    linepack: str = ""
    inflow: tuple[str, ...] = ()

    def code_of(self, told: Told) -> str:
        """Return the code of the day stream that holds what is told."""
        return f"{self.line}.dispatch.{told}"

    def title_of(self, told: Told) -> Text:
        """Return what it is called on this line."""
        return (self.titles or {}).get(told, TOLD_TITLES[told])

    def unit_of(self, told: Told) -> str:
        """Return the unit symbol of what is told."""
        return self.stock_unit if told in {Told.STOCK, Told.STOCK_USE} else self.unit

    @property
    def supply(self) -> tuple[Told, ...]:
        """Return which of what is told is supply."""
        return tuple(one for one in SUPPLY if one in self.told)


_10K_M3 = "10⁴ m³"
MAKES: dict[Line, LineMake] = {
    make.line: make
    for make in (
        LineMake(
            line=Line.WATER,
            title=Text("供水", "Water"),
            owner="water-group",
            streams=("water.zone-*",),
            hour_factor=3.6,
            hour_unit="m³/h",
            unit="m³",
            told=(Told.PLAN, Told.OWN, Told.CAPACITY, Told.STOCK),
            titles={
                Told.OWN: Text("水厂可供水量", "output the works can give"),
                Told.STOCK: Text("水源可用蓄量", "water in the reservoirs"),
            },
            stock_unit="m³",
        ),
        LineMake(
            line=Line.GAS,
            title=Text("燃气", "Gas"),
            owner="gas-group",
            streams=("gas.city.flow",),
            hour_unit=f"{_10K_M3}/h",
            unit=_10K_M3,
            told=(*SUPPLY, Told.PLAN, Told.CAPACITY, Told.STOCK, Told.STOCK_USE, Told.LINEPACK_MIN),
            titles={
                Told.WITHDRAWAL: Text("储气库安全采出量", "safe withdrawal from storage"),
                Told.OWN: Text("LNG及自产气", "LNG and own gas"),
                Told.STOCK: Text("LNG库存（折气态）", "LNG in store, as gas"),
                Told.STOCK_USE: Text("LNG日耗（折气态）", "LNG used in a day, as gas"),
            },
            stock_unit=_10K_M3,
            linepack="gas.city.linepack",
            inflow=("gas.gate-west.flow", "gas.gate-north.flow", "gas.gate-south.flow"),
        ),
        LineMake(
            line=Line.HEAT,
            title=Text("供热", "Heat"),
            owner="heat-group",
            streams=("heat.l4.power", "heat.l8.power", "heat.l12.power"),
            hour_factor=0.0036,
            hour_unit="GJ/h",
            unit="GJ",
            decimals=1,
            told=(Told.PLAN, Told.OWN, Told.CAPACITY, Told.STOCK, Told.STOCK_USE),
            titles={
                Told.OWN: Text("热源可供热量", "heat the plants can give"),
                Told.STOCK: Text("燃料库存", "fuel in store"),
                Told.STOCK_USE: Text("燃料日耗", "fuel used in a day"),
            },
            stock_unit="t",
        ),
        LineMake(
            line=Line.POWER,
            title=Text("供电", "Power"),
            owner="power-company",
            streams=("power.grid.load",),
            hour_unit="MW",
            day_factor=0.1,
            unit="10⁴ kWh",
            told=(Told.PLAN, Told.NOMINATED, Told.OWN, Told.CAPACITY, Told.STOCK, Told.STOCK_USE),
            titles={
                Told.NOMINATED: Text("外受电计划", "import from the grid"),
                Told.OWN: Text("本地发电", "local generation"),
                Told.STOCK: Text("电厂燃料库存", "fuel of the power stations"),
                Told.STOCK_USE: Text("电厂燃料日耗", "fuel they use in a day"),
            },
            stock_unit="t",
        ),
        LineMake(
            line=Line.DRAINAGE,
            title=Text("排水", "Drainage"),
            owner="drainage-group",
            streams=("drainage.plants.flow",),
            hour_unit=f"{_10K_M3}/h",
            unit=_10K_M3,
            decimals=1,
            told=(Told.PLAN, Told.OWN, Told.CAPACITY),
            titles={Told.OWN: Text("可处理水量", "what can be treated")},
        ),
        LineMake(
            line=Line.COAL,
            title=Text("煤炭", "Coal"),
            owner="power-company",
            streams=("coal.plants.use",),
            hour_unit="t/h",
            unit="t",
            told=(Told.PLAN, Told.NOMINATED, Told.WITHDRAWAL, Told.CAPACITY, Told.STOCK),
            titles={
                Told.NOMINATED: Text("到煤", "coal that arrives"),
                Told.WITHDRAWAL: Text("储煤安全动用量", "safe withdrawal from the stockpile"),
                Told.CAPACITY: Text("日最大上煤能力", "most coal that can be fed in a day"),
            },
            stock_unit="t",
        ),
    )
}
"""The six lines, in the order in which they are shown."""

TEMPERATURE_STREAMS = ("air.*.temperature",)
TEMPERATURE_AHEAD = "air.city.temperature-ahead"
"""Mean temperature of the day ahead as the weather service expects it, °C, told during the day before."""

__all__ = ["MAKES", "SUPPLY", "TEMPERATURE_AHEAD", "TEMPERATURE_STREAMS", "TOLD_TITLES", "LineMake", "Told"]
