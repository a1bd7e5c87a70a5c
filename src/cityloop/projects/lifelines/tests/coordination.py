"""What tests of coordination share: a cold morning's picture, a wish, a list of users."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.balance import state_of
from cityloop.projects.lifelines.rules.days import Figure, HourPoint, Line, LineCurve, LineDay, Remembered
from cityloop.projects.lifelines.rules.pictures import Picture
from cityloop.projects.lifelines.rules.users import LineUser, UserKind
from cityloop.projects.lifelines.services.requests import StepChanges, Wish

MORNING = datetime(2010, 1, 5, 2, tzinfo=UTC)
"""10:00 of 5 January 2010 in the city."""
MIDNIGHT = datetime(2010, 1, 4, 16, tzinfo=UTC)
UNIT = "10⁴ m³"


def figure(value: float | None) -> Figure:
    return Figure(value=value, unit=UNIT, decimals=0, trace="")


def picture(
    level: Level | None = Level.ORANGE, *, line: Line = Line.GAS, at: datetime = MORNING, readings: tuple[int, ...] = ()
) -> Picture:
    """Return a picture of the cold wave: planned 42, estimated 57, supply 49, gap 8 (in million cubic metres)."""
    none, remembered = figure(None), Remembered(figure=figure(4414.0), day=date(2009, 12, 30), words=Text("峰", "peak"))
    hours = tuple(
        HourPoint(
            begins_at=MIDNIGHT + timedelta(hours=hour), used=200.5 + hour if hour < 10 else None, expected=237.5,
            low=230.0, high=245.0, last_year=180.0, temperature=-9.5,
        )
        for hour in range(24)
    )  # fmt: skip
    day = LineDay(
        line=line, title=Text("燃气", "Gas"), at=at, day=date(2010, 1, 5), planned=figure(4200.0), used=figure(2245.0),
        estimate=figure(5700.0), estimate_low=figure(5600.0), estimate_high=figure(5800.0), method=None,
        yesterday=figure(5300.0), last_year=remembered, change_percent=none, season_peak=remembered, record=remembered,
        capacity=figure(5000.0), supply=figure(4900.0), gap=figure(800.0), level=level, state=state_of(level),
        needs_reason=False, reason=None, cover_days=none, linepack_hours=none, temperature=figure(-9.0),
        temperature_ahead=none, temperature_last_year=none, arrived_percent=figure(100.0), origins=(),
    )  # fmt: skip
    curve = LineCurve(
        line=line, at=at, unit=f"{UNIT}/h", hours=hours, capacity_an_hour=5000 / 24, supply_an_hour=4900 / 24
    )
    return Picture(day=day, curve=curve, position=max(readings, default=0), readings=readings)


def wish(**changed: Any) -> Wish:
    values: dict[str, Any] = {
        "quantity": 800.0,
        "begins_at": MORNING + timedelta(hours=2),
        "ends_at": MORNING + timedelta(days=3),
        "reason": "寒潮，缺口 800",
        "legal_basis": "天然气应急预案",
        "party_name": "陕京管道",
        "party_contact": "调度 010-1234",
    }
    return Wish(**(values | changed))


def changes(**more: Any) -> StepChanges:
    return StepChanges(**{"token": uuid4(), "note": "because", **more})


USERS = (
    LineUser(
        position=1, name="化工厂", kind=UserKind.INTERRUPTIBLE, use=300.0, quantity=300.0, heat_bound=0.0,
        notice_hours=1.0, basis="可中断合同",
    ),
    LineUser(
        position=2, name="热电厂", kind=UserKind.HEAT_AND_POWER, use=900.0, quantity=400.0, heat_bound=500.0,
        notice_hours=1.0, basis="以热定电",
    ),
    LineUser(
        position=3, name="玻璃厂", kind=UserKind.INDUSTRY, use=250.0, quantity=200.0, heat_bound=0.0, notice_hours=2.0,
        basis="有序用气方案",
    ),
    LineUser(
        position=4, name="协和医院", kind=UserKind.HOSPITAL, use=20.0, quantity=0.0, heat_bound=0.0, notice_hours=0.0,
        basis="保护名单",
    ),
)  # fmt: skip
