"""What is measured on the lines: observed properties with their units."""

from dataclasses import dataclass

from cityloop.kernel.declarations import StreamSpec
from cityloop.kernel.text import Text

_KINDS, _UNITS, _UCUM = (
    "https://qudt.org/vocab/quantitykind/",
    "https://qudt.org/vocab/unit/",
    "https://ucum.org/ucum#",
)
"""Where quantities and units are defined; units of ten thousand are written in UCUM."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: symbol, name, and the address of its definition."""

    symbol: str
    name: str
    definition: str


LPS = Unit("L/s", "Litre per second", f"{_UNITS}L-PER-SEC")
MPA = Unit("MPa", "Megapascal", f"{_UNITS}MegaPA")
CELSIUS = Unit("°C", "Degree Celsius", f"{_UNITS}DEG_C")
KW = Unit("kW", "Kilowatt", f"{_UNITS}KiloW")
MW = Unit("MW", "Megawatt", f"{_UNITS}MegaW")
UG_M3 = Unit("µg/m³", "Microgram per cubic metre", f"{_UNITS}MicroGM-PER-M3")
M3 = Unit("m³", "Cubic metre", f"{_UNITS}M3")
M3_10K = Unit("10⁴ m³", "Ten thousand cubic metres", f"{_UCUM}10*4.m3")
M3_10K_H = Unit("10⁴ m³/h", "Ten thousand cubic metres per hour", f"{_UCUM}10*4.m3/h")
GJ = Unit("GJ", "Gigajoule", f"{_UNITS}GigaJ")
KWH_10K = Unit("10⁴ kWh", "Ten thousand kilowatt hours", f"{_UCUM}10*4.kW.h")
TONNE = Unit("t", "Tonne", f"{_UNITS}TON_Metric")
TONNE_H = Unit("t/h", "Tonne per hour", f"{_UNITS}TON_Metric-PER-HR")
METRE = Unit("m", "Metre", f"{_UNITS}M")
MM = Unit("mm", "Millimetre", f"{_UNITS}MilliM")
ONE = Unit("1", "One", f"{_UNITS}UNITLESS")

UNITS: dict[str, Unit] = {unit.symbol: unit for unit in (M3, M3_10K, GJ, KWH_10K, TONNE)}
"""Units of what is told of a day, by symbol."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured: the observed property with its unit."""

    code: str
    title: Text
    kind: str
    unit: Unit
    decimals: int = 1

    def stream(self, code: str, *, thing: str, title: Text, period_s: float) -> StreamSpec:
        """Return a stream of this quantity."""
        return StreamSpec(
            code=code,
            thing=thing,
            title=title,
            property_code=self.code,
            property_title=self.title,
            property_definition=f"{_KINDS}{self.kind}",
            unit_symbol=self.unit.symbol,
            unit_name=self.unit.name,
            unit_definition=self.unit.definition,
            period_s=period_s,
            decimals=self.decimals,
        )


FLOW = Quantity("water_flow", Text("供水流量", "Water inflow"), "VolumeFlowRate", LPS)
PRESSURE = Quantity("water_pressure", Text("供水压力", "Water pressure"), "Pressure", MPA, decimals=3)
TEMPERATURE = Quantity("temperature", Text("温度", "Temperature"), "Temperature", CELSIUS)
HEAT = Quantity("heat_power", Text("供热功率", "Heat delivered"), "Power", KW, decimals=0)
LOAD = Quantity("power_load", Text("电网负荷", "Grid load"), "Power", MW, decimals=0)
PM25 = Quantity("pm25", Text("细颗粒物", "Fine particles PM2.5"), "MassConcentration", UG_M3, decimals=0)
GAS_FLOW = Quantity("gas_flow", Text("燃气流量", "Gas flow"), "VolumeFlowRate", M3_10K_H, decimals=2)
LINEPACK = Quantity("gas_linepack", Text("管存", "Line-pack"), "Volume", M3_10K)
GAS_PRESSURE = Quantity("gas_pressure", Text("燃气压力", "Gas pressure"), "Pressure", MPA, decimals=3)
SEWAGE_FLOW = Quantity("sewage_flow", Text("污水处理流量", "Sewage treated"), "VolumeFlowRate", M3_10K_H, decimals=2)
LEVEL = Quantity("sump_level", Text("集水池液位", "Sump level"), "Height", METRE, decimals=2)
PUMP = Quantity("pump_state", Text("水泵状态（1运行）", "Pump state, 1 runs"), "Dimensionless", ONE, decimals=0)
RAIN = Quantity("rainfall", Text("小时雨量", "Rain of the hour"), "Height", MM)
COAL_USE = Quantity("coal_use", Text("耗煤量", "Coal used"), "MassFlowRate", TONNE_H)

__all__ = [
    "COAL_USE",
    "FLOW",
    "GAS_FLOW",
    "GAS_PRESSURE",
    "HEAT",
    "LEVEL",
    "LINEPACK",
    "LOAD",
    "PM25",
    "PRESSURE",
    "PUMP",
    "RAIN",
    "SEWAGE_FLOW",
    "TEMPERATURE",
    "UNITS",
    "Quantity",
    "Unit",
]
