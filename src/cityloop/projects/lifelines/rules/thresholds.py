"""The thresholds by which lines are judged, as the product brings them; what is in force lies in the table."""

from collections.abc import Mapping
from dataclasses import dataclass

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

_BASIS = Text(
    "领域资料第4.3节给出的建议值，平台默认值，待主管部门确认",
    "Proposed in section 4.3 of the domain reference; a default of the platform, to be confirmed by the authority",
)


@dataclass(frozen=True, slots=True)
class ThresholdSpec:
    """A threshold as the product brings it.

    Attributes:
        code: unique.
        title: what it is.
        unit: unit of the value, in words.
        value: the default.
        least: the smallest value that makes sense.
        most: the greatest.
        basis: where it comes from.
    """

    code: str
    title: Text
    unit: Text
    value: float
    least: float
    most: float
    basis: Text = _BASIS


GAP, COVER, LINEPACK = "gap", "cover", "linepack"
DEVIATION = "deviation"

_DEFAULTS: dict[str, dict[Level, float]] = {
    GAP: {Level.BLUE: 0.0, Level.YELLOW: 3.0, Level.ORANGE: 8.0, Level.RED: 15.0},
    COVER: {Level.BLUE: 15.0, Level.YELLOW: 10.0, Level.ORANGE: 7.0, Level.RED: 3.0},
    LINEPACK: {Level.YELLOW: 24.0, Level.ORANGE: 12.0, Level.RED: 6.0},
}
_WORDS = {
    GAP: (Text("缺口占需求比例高于", "Gap above, as a share of the demand"), Text("%", "%"), 100.0),
    COVER: (Text("库存可用天数低于", "Days of cover below"), Text("天", "days"), 3650.0),
    LINEPACK: (Text("距管存下限小时数低于", "Hours to the minimum line-pack below"), Text("小时", "hours"), 720.0),
}


def code_of(kind: str, level: Level) -> str:
    """Return the code of a kind's threshold for a level, such as `gap-3`."""
    return f"{kind}-{int(level)}"


def _specs() -> tuple[ThresholdSpec, ...]:
    by_level = tuple(
        ThresholdSpec(
            code_of(kind, level),
            Text(f"{_WORDS[kind][0].zh}（{level.colour.zh}）", f"{_WORDS[kind][0].en} ({level.colour.en})"),
            _WORDS[kind][1],
            value,
            0.0,
            _WORDS[kind][2],
        )
        for kind, values in _DEFAULTS.items()
        for level, value in values.items()
    )
    change = ThresholdSpec(
        DEVIATION,
        Text("较去年同日变化超过该值须填写原因", "Change on the same day last year that needs a reason, beyond"),
        Text("%", "%"),
        10.0,
        0.0,
        1000.0,
    )
    return (*by_level, change)


SPECS: tuple[ThresholdSpec, ...] = _specs()


def limits_of(kind: str, values: Mapping[str, float]) -> dict[Level, float]:
    """Return a kind's limit for each level it has.

    Args:
        kind: `GAP`, `COVER` or `LINEPACK`.
        values: every threshold's value by its code.
    """
    return {level: values[code_of(kind, level)] for level in _DEFAULTS[kind]}


def out_of_order(values: Mapping[str, float]) -> str | None:
    """Return the code of a threshold that is not graver than the level below it, None where all are in order."""
    for kind, defaults in _DEFAULTS.items():
        levels = sorted(defaults, reverse=True)
        ordered = [values[code_of(kind, level)] for level in levels]
        rises = kind == GAP
        for level, before, value in zip(levels[1:], ordered, ordered[1:], strict=False):
            if (value <= before) if rises else (value >= before):
                return code_of(kind, level)
    return None


__all__ = ["COVER", "DEVIATION", "GAP", "LINEPACK", "SPECS", "ThresholdSpec", "code_of", "limits_of", "out_of_order"]
