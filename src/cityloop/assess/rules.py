"""Indicators, pure: which there are, periods, shares, shortfalls, ranks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.declarations import IndicatorSpec
from cityloop.kernel.text import Text

ON_TIME_CLOSING = IndicatorSpec(
    code="I17",
    title=Text("按期结案率", "On-time closing rate"),
    unit="%",
    higher_is_better=True,
    target=95.0,
    denominator_min=5,
    basis=Text(
        "GB/T 30428.4 评价指标；目标值为平台默认值，待主管部门确认",
        "Measure of GB/T 30428.4; the target is a default of the platform, to be confirmed by the authority",
    ),
)
"""On-time closed cases out of those that should be closed: whose limit falls in the period.

A case whose limit still lies ahead counts once it is closed; one that was rejected, voided or is suspended does not.
"""

INDICATORS = (ON_TIME_CLOSING,)
"""The indicators that are computed."""

_MONTHS = 12


def period_of(instant: datetime) -> str:
    """Return the month of the city an instant falls in, such as `2026-11`."""
    return f"{instant.astimezone(CITY_ZONE):%Y-%m}"


def span_of(period: str) -> tuple[datetime, datetime]:
    """Return the first instant of a month and the first instant after it.

    Raises:
        ValueError: if it is not `YYYY-MM`.
    """
    first = datetime.strptime(period, "%Y-%m").replace(tzinfo=CITY_ZONE)
    after = first.replace(year=first.year + first.month // _MONTHS, month=first.month % _MONTHS + 1)
    return first, after


def period_before(period: str) -> str:
    """Return the month before a month."""
    year, month = (int(part) for part in period.split("-"))
    return f"{year - (month == 1):04d}-{(month - 2) % _MONTHS + 1:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What an area's cases of a period add up to.

    Attributes:
        should_close: their limit falls in the period and has passed, or they are closed already.
        closed_on_time: of those, closed and handled within the limit.
        closed: of those, closed at all.
        handled: of those, the work was reported done at least once.
        reworked: of those, sent back to be done again at least once.
    """

    should_close: int = 0
    closed_on_time: int = 0
    closed: int = 0
    handled: int = 0
    reworked: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum of two areas' counts."""
        return Counts(
            should_close=self.should_close + other.should_close,
            closed_on_time=self.closed_on_time + other.closed_on_time,
            closed=self.closed + other.closed,
            handled=self.handled + other.handled,
            reworked=self.reworked + other.reworked,
        )


def share(numerator: float, denominator: float) -> float | None:
    """Return numerator out of denominator in percent, None where the denominator is 0."""
    return 100.0 * numerator / denominator if denominator else None


def is_short(value: float | None, *, denominator: float, spec: IndicatorSpec) -> bool:
    """Return whether a value misses its target; too small a number of cases proves nothing."""
    if value is None or denominator < spec.denominator_min:
        return False
    return value < spec.target if spec.higher_is_better else value > spec.target


def ranks(values: Mapping[AreaCode, tuple[float | None, float]], *, spec: IndicatorSpec) -> dict[AreaCode, int]:
    """Return the rank of each area, the best first, equals sharing one; those with too few cases have none.

    Args:
        values: by area the value and its denominator.
        spec: tells the direction and the least denominator.
    """
    ranked = {
        area: value for area, (value, count) in values.items() if value is not None and count >= spec.denominator_min
    }
    sign = -1.0 if spec.higher_is_better else 1.0
    return {area: 1 + sum(sign * other < sign * value for other in ranked.values()) for area, value in ranked.items()}
