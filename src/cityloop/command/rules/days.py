"""The day as the top bar names it: solar and lunar date, solar term, and which earlier day it is held against."""

from datetime import date, timedelta

from lunar_python import Solar  # type: ignore[import-untyped]  # the package brings no types

from cityloop.kernel.text import Text

_WEEKDAYS_ZH = ("一", "二", "三", "四", "五", "六", "日")
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TERMS = {
    "立春": "Start of Spring", "雨水": "Rain Water", "惊蛰": "Awakening of Insects", "春分": "Spring Equinox",
    "清明": "Pure Brightness", "谷雨": "Grain Rain", "立夏": "Start of Summer", "小满": "Grain Buds",
    "芒种": "Grain in Ear", "夏至": "Summer Solstice", "小暑": "Minor Heat", "大暑": "Major Heat",
    "立秋": "Start of Autumn", "处暑": "End of Heat", "白露": "White Dew", "秋分": "Autumn Equinox",
    "寒露": "Cold Dew", "霜降": "Frost's Descent", "立冬": "Start of Winter", "小雪": "Minor Snow",
    "大雪": "Major Snow", "冬至": "Winter Solstice", "小寒": "Minor Cold", "大寒": "Major Cold",
}  # fmt: skip
"""The twenty-four solar terms (节气)."""


def weekday_of(day: date) -> Text:
    """Return the day of the week."""
    return Text(f"星期{_WEEKDAYS_ZH[day.weekday()]}", _WEEKDAYS_EN[day.weekday()])


def lunar_date(day: date) -> Text:
    """Return the day in the lunar calendar (农历), with the solar term where one falls on it.

    Source:
        The package lunar-python (MIT), which computes from the astronomical calendar.
    """
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    month, term = lunar.getMonth(), lunar.getJieQi()
    zh = f"农历{lunar.getMonthInChinese()}月{lunar.getDayInChinese()}"
    leap = "leap " if month < 0 else ""
    en = f"Lunar {leap}month {abs(month)}, day {lunar.getDay()}"
    return Text(f"{zh} {term}", f"{en} ({_TERMS[term]})") if term else Text(zh, en)


def same_day_last_week(day: date) -> date:
    """Return the same weekday one week before."""
    return day - timedelta(days=7)


def same_day_last_year(day: date) -> date:
    """Return the same weekday one year before, the one nearest to the same date (52 weeks).

    Source:
        Domain reference, section 1.4: of four variants of "same day last year" the one used is named on the screen.
    """
    return day - timedelta(weeks=52)
