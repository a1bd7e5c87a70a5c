"""How well alarms serve the people who answer them: floods, chattering, and the standard's measures.

Source:
    ISA-18.2 / IEC 62682, monitoring and assessment of alarm systems. The figures below are known to the writer and were
    not checked against the text: each is a default, to be confirmed by the authority.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from cityloop.kernel.text import Text

WINDOW_US = 600 * 1_000_000
"""The standard counts alarms by ten minutes, microseconds."""

_STANDARD = Text(
    "依据 ISA-18.2 / IEC 62682 报警系统绩效指标（未核对原文），默认值，待主管部门确认",
    "After the performance measures of ISA-18.2 / IEC 62682 (not checked against the text); a default, to be confirmed "
    "by the authority",
)
_HOUSE = Text("平台默认值，待主管部门确认", "A default of the platform, to be confirmed by the authority")


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """A threshold of alarm management as the product brings it.

    Attributes:
        code: unique.
        title: what it is.
        unit: unit of the value, in words.
        value: the default.
        basis: where it comes from.
        least: the smallest value that makes sense.
        most: the greatest.
    """

    code: str
    title: Text
    unit: Text
    value: float
    basis: Text
    least: float
    most: float


_NUMBER, _PERCENT = Text("次", "alarms"), Text("%", "%")
MEASURES: tuple[MeasureSpec, ...] = (
    MeasureSpec(
        "operators",
        Text("同时在岗的值班人数", "Operators on duty at once"),
        Text("人", "people"),
        1,
        _HOUSE,
        1,
        500,
    ),
    MeasureSpec(
        "average-max",
        Text("每人每10分钟平均报警数上限", "Average alarms per operator and 10 minutes, at most"),
        _NUMBER,
        1,
        _STANDARD,
        0.01,
        1000,
    ),
    MeasureSpec(
        "peak-max",
        Text("每人10分钟内最多报警数上限", "Most alarms per operator in any 10 minutes, at most"),
        _NUMBER,
        10,
        _STANDARD,
        1,
        10_000,
    ),
    MeasureSpec(
        "busy-share-max",
        Text("超过上限的10分钟时段占比上限", "Share of 10-minute intervals above that, at most"),
        _PERCENT,
        1,
        _STANDARD,
        0,
        100,
    ),
    MeasureSpec(
        "flood-begins",
        Text("报警洪水开始：每人10分钟内报警数", "A flood begins at so many alarms per operator in 10 minutes"),
        _NUMBER,
        10,
        _STANDARD,
        2,
        10_000,
    ),
    MeasureSpec(
        "flood-ends",
        Text("报警洪水结束：每人10分钟内报警数低于", "A flood ends below so many alarms per operator in 10 minutes"),
        _NUMBER,
        5,
        _STANDARD,
        1,
        10_000,
    ),
    MeasureSpec(
        "flood-share-max",
        Text("洪水时间占比上限", "Share of the time in flood, at most"),
        _PERCENT,
        1,
        _STANDARD,
        0,
        100,
    ),
    MeasureSpec(
        "chatter-count",
        Text("抖动报警：一个时段内出现次数", "Chattering: so many times within the span below"),
        Text("次", "times"),
        3,
        _STANDARD,
        2,
        1000,
    ),
    MeasureSpec(
        "chatter-span",
        Text("抖动报警：时段长度", "Chattering: the span"),
        Text("秒", "seconds"),
        60,
        _STANDARD,
        1,
        86_400,
    ),
    MeasureSpec(
        "standing-after",
        Text("长期报警：持续超过", "Standing: longer than"),
        Text("小时", "hours"),
        24,
        _STANDARD,
        1,
        8760,
    ),
    MeasureSpec(
        "standing-max",
        Text("长期报警条数上限", "Standing alarms, at most"),
        _NUMBER,
        5,
        _STANDARD,
        0,
        100_000,
    ),
    MeasureSpec(
        "top-share-max",
        Text("最频繁十条报警占比上限", "Share of the ten most frequent alarms, at most"),
        _PERCENT,
        5,
        _STANDARD,
        0,
        100,
    ),
    MeasureSpec(
        "share-1",
        Text("I级（红）报警占比参考值", "Share of level I (red), aimed at"),
        _PERCENT,
        1,
        _STANDARD,
        0,
        100,
    ),
    MeasureSpec(
        "share-2",
        Text("II级（橙）报警占比参考值", "Share of level II (orange), aimed at"),
        _PERCENT,
        5,
        _STANDARD,
        0,
        100,
    ),
    MeasureSpec(
        "share-3",
        Text("III级（黄）报警占比参考值", "Share of level III (yellow), aimed at"),
        _PERCENT,
        15,
        _STANDARD,
        0,
        100,
    ),
    MeasureSpec(
        "share-4",
        Text("IV级（蓝）报警占比参考值", "Share of level IV (blue), aimed at"),
        _PERCENT,
        80,
        _STANDARD,
        0,
        100,
    ),
)
"""The level is the priority of an alarm: I the highest, IV the lowest."""


@dataclass(frozen=True, slots=True)
class FloodSpan:
    """More alarms came than can be answered.

    Attributes:
        began_us: when the count of ten minutes reached the beginning.
        ended_us: when it fell below the end, None where it has not by the end of what was looked at.
        peak: the highest count of ten minutes.
    """

    began_us: int
    ended_us: int | None
    peak: int


def floods_of(times_us: Sequence[int], *, begins: float, ends: float, until_us: int) -> list[FloodSpan]:
    """Return the floods among alarms.

    At any moment the alarms of the last ten minutes are counted, the moment itself included.

    Args:
        times_us: when alarms came, rising, microseconds since the Unix epoch.
        begins: a flood begins when the count reaches this.
        ends: it ends when the count falls below this.
        until_us: end of what is looked at.
    """
    moves = sorted([(at, 1) for at in times_us] + [(at + WINDOW_US, -1) for at in times_us], key=lambda move: move)
    count, found, open_since, peak = 0, list[FloodSpan](), -1, 0
    for at, together in groupby(moves, key=lambda move: move[0]):
        if at > until_us:
            break
        count += sum(step for _, step in together)
        if open_since < 0 and count >= begins:
            open_since, peak = at, count
        elif open_since >= 0 and count < ends:
            found.append(FloodSpan(open_since, at, peak))
            open_since = -1
        peak = max(peak, count)
    return [*found, FloodSpan(open_since, None, peak)] if open_since >= 0 else found


def counts_by_window(times_us: Iterable[int], *, since_us: int, until_us: int) -> list[int]:
    """Return how many alarms came in each ten minutes from a beginning on; the last window may be short."""
    windows = max(1, -(-(until_us - since_us) // WINDOW_US))
    counts = [0] * windows
    for at in times_us:
        if since_us <= at < until_us:
            counts[(at - since_us) // WINDOW_US] += 1
    return counts


def chattering(times_us: Sequence[int], *, count: int, span_us: int) -> int:
    """Return how many of an alarm's activations lie in a cluster of at least so many within a span.

    Args:
        times_us: when it was activated, rising.
        count: so many make a cluster, >= 2.
        span_us: within this, microseconds; first and last may lie exactly so far apart.
    """
    caught: set[int] = set()
    for first in range(len(times_us) - count + 1):
        if times_us[first + count - 1] - times_us[first] <= span_us:
            caught.update(range(first, first + count))
    return len(caught)
