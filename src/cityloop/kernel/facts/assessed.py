"""Facts of the stage that answers for the rest: indicator values and what falls short."""

from dataclasses import dataclass

from cityloop.kernel.facts.base import Fact
from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorValued(Fact):
    """An indicator has a value for an area and a period.

    Attributes:
        indicator: its code, such as `I17`.
        title: its name.
        period: the period, `2026-11`.
        numerator: what counts.
        denominator: out of how many.
        value: numerator over denominator in the indicator's unit, None where the denominator is 0.
        unit: unit symbol.
        target: what is aimed at, None where none is set.
    """

    indicator: str
    title: Text
    period: str
    numerator: float
    denominator: float
    value: float | None
    unit: str
    target: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortfallFound(Fact):
    """An indicator of an area lies below its target; the loop closes here."""

    indicator: str
    title: Text
    period: str
    value: float
    target: float
    unit: str
