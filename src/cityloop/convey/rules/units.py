"""Units a device list may name, after UCUM: their words, and what they measure."""

from dataclasses import dataclass

QUDT = "http://qudt.org/vocab/unit/"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Attributes:
        symbol: as shown beside a number.
        name: in words.
        kind: what it measures; numbers of one kind can be compared after conversion.
        definition: URI.
    """

    symbol: str
    name: str
    kind: str
    definition: str


_TABLE = (
    ("Pa", "pascal", "pressure", "PA"),
    ("kPa", "kilopascal", "pressure", "KiloPA"),
    ("MPa", "megapascal", "pressure", "MegaPA"),
    ("hPa", "hectopascal", "pressure", "HectoPA"),
    ("bar", "bar", "pressure", "BAR"),
    ("°C", "degree Celsius", "temperature", "DEG_C"),
    ("K", "kelvin", "temperature", "K"),
    ("m3/h", "cubic metre per hour", "volume flow", "M3-PER-HR"),
    ("m3/s", "cubic metre per second", "volume flow", "M3-PER-SEC"),
    ("L/s", "litre per second", "volume flow", "L-PER-SEC"),
    ("L/min", "litre per minute", "volume flow", "L-PER-MIN"),
    ("m3", "cubic metre", "volume", "M3"),
    ("L", "litre", "volume", "L"),
    ("t/h", "tonne per hour", "mass flow", "TONNE-PER-HR"),
    ("t", "tonne", "mass", "TONNE"),
    ("kg", "kilogram", "mass", "KiloGM"),
    ("mm", "millimetre", "length", "MilliM"),
    ("cm", "centimetre", "length", "CentiM"),
    ("m", "metre", "length", "M"),
    ("km", "kilometre", "length", "KiloM"),
    ("mm/h", "millimetre per hour", "speed", "MilliM-PER-HR"),
    ("m/s", "metre per second", "speed", "M-PER-SEC"),
    ("km/h", "kilometre per hour", "speed", "KiloM-PER-HR"),
    ("m/s2", "metre per second squared", "acceleration", "M-PER-SEC2"),
    ("W", "watt", "power", "W"),
    ("kW", "kilowatt", "power", "KiloW"),
    ("MW", "megawatt", "power", "MegaW"),
    ("kWh", "kilowatt hour", "energy", "KiloW-HR"),
    ("MWh", "megawatt hour", "energy", "MegaW-HR"),
    ("GJ", "gigajoule", "energy", "GigaJ"),
    ("V", "volt", "voltage", "V"),
    ("kV", "kilovolt", "voltage", "KiloV"),
    ("A", "ampere", "current", "A"),
    ("Hz", "hertz", "frequency", "HZ"),
    ("%", "per cent", "share", "PERCENT"),
    ("%LEL", "per cent of the lower explosive limit", "explosive share", "PERCENT"),
    ("ppm", "parts per million", "concentration by number", "PPM"),
    ("ppb", "parts per billion", "concentration by number", "PPB"),
    ("mg/m3", "milligram per cubic metre", "mass concentration", "MilliGM-PER-M3"),
    ("ug/m3", "microgram per cubic metre", "mass concentration", "MicroGM-PER-M3"),
    ("µg/m3", "microgram per cubic metre", "mass concentration", "MicroGM-PER-M3"),
    ("mg/L", "milligram per litre", "mass concentration", "MilliGM-PER-L"),
    ("pH", "pH", "acidity", "PH"),
    ("NTU", "nephelometric turbidity unit", "turbidity", "NTU"),
    ("uS/cm", "microsiemens per centimetre", "conductivity", "MicroS-PER-CentiM"),
    ("dB", "decibel", "level", "DeciB"),
    ("dB(A)", "decibel, A-weighted", "level", "DeciB_A"),
    ("lx", "lux", "illuminance", "LUX"),
    ("W/m2", "watt per square metre", "irradiance", "W-PER-M2"),
    ("deg", "degree", "angle", "DEG"),
    ("s", "second", "time", "SEC"),
    ("min", "minute", "time", "MIN"),
    ("h", "hour", "time", "HR"),
    ("1", "number", "number", "UNITLESS"),
)
_WRITTEN_ALSO = {
    "m³/h": "m3/h",
    "m³/s": "m3/s",
    "m³": "m3",
    "℃": "°C",
    "Cel": "°C",
    "mg/m³": "mg/m3",
    "ug/m³": "ug/m3",
    "µg/m³": "µg/m3",
    "μg/m3": "µg/m3",
    "μg/m³": "µg/m3",
    "m/s²": "m/s2",
    "W/m²": "W/m2",
    "μS/cm": "uS/cm",
    "µS/cm": "uS/cm",
    "％": "%",
}

UNITS: dict[str, Unit] = {symbol: Unit(symbol, name, kind, QUDT + code) for symbol, name, kind, code in _TABLE}
"""Units by symbol."""


def unit_of(written: str) -> Unit | None:
    """Return the unit a list means, None where it is not known."""
    return UNITS.get(_WRITTEN_ALSO.get(written, written))
