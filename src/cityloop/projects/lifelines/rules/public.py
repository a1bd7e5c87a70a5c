"""What citizens are told of a line: its state in plain words, what they can do, and nothing that could be misused."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.balance import State
from cityloop.projects.lifelines.rules.days import Line

SINCE_HOURS_MAX = 24
"""How far back the beginning of a state is looked for, hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLine:
    """A line as everybody may see it: no place, no quantity, no capacity, no line-pack.

    Attributes:
        line: which line.
        title: its name.
        state: how it stands.
        sentence: the state in plain words.
        advice: what citizens can do, empty while supply is normal.
        since: since when it is not normal, None where it is or is not known.
        since_is_open: whether it has been so for longer than was looked back.
        source: who gives the data.
        origins: where readings come from that are not live.
    """

    line: Line
    title: Text
    state: State
    sentence: Text
    advice: tuple[Text, ...]
    since: datetime | None
    since_is_open: bool
    source: Text
    origins: tuple[Text, ...]


_SENTENCES: dict[State, Text] = {
    State.NORMAL: Text("供应正常。", "Supply is normal."),
    State.ATTENTION: Text(
        "供应正常，余量比平时少一些，正在关注。",
        "Supply is normal. There is a little less in reserve than usual, and it is being watched.",
    ),
    State.TIGHT: Text("供应偏紧，请节约使用。", "Supply is tight. Please use less where you can."),
    State.SHORT: Text(
        "供应紧张，正在协调增加供应。居民、医院、学校优先保障。",
        "Supply is short, and more is being arranged. Homes, hospitals and schools are supplied first.",
    ),
    State.UNKNOWN: Text(
        "今天的数据不全，暂不能判断。", "The figures of today are not complete, so nothing can be said yet."
    ),
    State.EMERGENCY: Text(
        "供应十分紧张，已按应急安排处理。居民、医院、学校优先保障。",
        "Supply is very short, and emergency plans are in force. Homes, hospitals and schools are supplied first.",
    ),
}

_ADVICE: dict[Line, tuple[Text, ...]] = {
    Line.WATER: (
        Text(
            "请错峰用水，缩短淋浴时间。", "Use water outside the morning and evening peaks, and take shorter showers."
        ),
        Text(
            "请备少量饮用水，发现漏水及时拨打12345。",
            "Keep a little drinking water, and report leaks by calling 12345.",
        ),
    ),
    Line.GAS: (
        Text("请把室内采暖温度调低1至2℃。", "Turn your heating down by 1 or 2 °C."),
        Text("请少用燃气热水，出门时关小壁挂炉。", "Use less hot water, and turn the boiler down when you go out."),
        Text(
            "闻到燃气味，请开窗、关阀、到室外再打电话。",
            "If you smell gas, open the windows, close the valve, and call from outside.",
        ),
    ),
    Line.HEAT: (
        Text("请关好门窗，注意老人和儿童保暖。", "Close doors and windows, and keep elderly people and children warm."),
        Text("室温低于18℃请拨打12345。", "Call 12345 if your rooms are below 18 °C."),
    ),
    Line.POWER: (
        Text("请避开早晚高峰使用大功率电器。", "Do not run heavy appliances in the morning and evening peaks."),
        Text("请关闭不用的电灯和电器。", "Switch off lights and appliances that you do not need."),
    ),
    Line.DRAINAGE: (
        Text("雨天请绕开积水路段和下凹式立交桥。", "In rain keep away from flooded roads and underpasses."),
        Text("请勿靠近敞开的井口。", "Keep away from open manholes."),
    ),
    Line.COAL: (Text("请节约用电、用热。", "Please use less electricity and heat."),),
}
"""Default of the platform, to be confirmed by the authority."""

_NEEDS_ADVICE = frozenset({State.TIGHT, State.SHORT, State.EMERGENCY})


def sentence_of(state: State) -> Text:
    """Return a state in plain words."""
    return _SENTENCES[state]


def advice_of(line: Line, state: State) -> tuple[Text, ...]:
    """Return what citizens can do about a line, nothing while they need not."""
    return _ADVICE[line] if state in _NEEDS_ADVICE else ()


__all__ = ["SINCE_HOURS_MAX", "PublicLine", "advice_of", "sentence_of"]
