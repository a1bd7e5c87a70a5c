"""Who decides is said by how grave a line stands now, not by a picture of better days alone."""

from datetime import timedelta
from uuid import uuid4

import pytest

from cityloop.kernel.errors import NotAllowedError
from cityloop.kernel.levels import Level
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, ReductionStep, RequestStep
from cityloop.projects.lifelines.tests.conftest import DAY, SHAPE, TEN, Lines
from cityloop.projects.lifelines.tests.coordination import USERS, changes, picture, wish

pytestmark = pytest.mark.django_db
SUMMER = TEN - timedelta(days=120)
LATER = TEN + timedelta(minutes=1)


@pytest.fixture
def short(lines: Lines) -> Lines:
    """Return a city that lacks a third of its power at ten."""
    lines.hours("power.grid.load", lambda _, hour: 6000.0 * SHAPE[hour], since=DAY - timedelta(days=50), until=TEN)
    for told, value in (("nominated", 8000.0), ("own", 2000.0)):
        lines.tell(f"power.dispatch.{told}", value)
    assert facade.line_day(Line.POWER, TEN).level is Level.RED
    return lines


@pytest.mark.parametrize("level", [None, Level.YELLOW])
def test_a_request_with_an_old_picture_stays_with_the_leader(level: Level | None, short: Lines) -> None:
    people, old = short.people, picture(level, line=Line.POWER, at=SUMMER)
    number = facade.draft_request(
        Line.POWER, wish(begins_at=TEN, ends_at=TEN + timedelta(days=1)), old, person=people["power"], token=uuid4(),
        now=TEN,
    )  # fmt: skip
    assert facade.request_for(people["leader"], number).level is Level.RED
    assert facade.picture_of_request(number) == old
    with pytest.raises(NotAllowedError):
        facade.take_request_step(number, RequestStep.APPROVE, changes(), person=people["duty1"], version=1, now=LATER)


def test_a_cut_with_an_old_picture_stays_with_the_leader(short: Lines) -> None:
    people, unit = short.people, facade.MAKES[Line.POWER].unit
    facade.change_user_list(Line.POWER, USERS, unit=unit, note="n", person=people["power"], expected_version=0, now=TEN)
    number = facade.propose_reduction(
        Line.POWER, picture(None, line=Line.POWER, at=SUMMER), gap=100.0, begins_at=TEN + timedelta(hours=4),
        ends_at=TEN + timedelta(days=1), reason="缺口", person=people["power"], token=uuid4(), now=TEN,
    )  # fmt: skip
    assert facade.reduction_for(people["leader"], number).level is Level.RED
    step = {"token": uuid4(), "version": 1, "note": "", "now": LATER}
    with pytest.raises(NotAllowedError):
        facade.take_reduction_step(number, ReductionStep.APPROVE, person=people["duty1"], **step)


def test_a_grave_picture_stays_grave_when_the_line_is_in_order_now(lines: Lines) -> None:
    number = facade.draft_request(
        Line.POWER, wish(begins_at=TEN, ends_at=TEN + timedelta(days=1)),
        picture(Level.ORANGE, line=Line.POWER, at=SUMMER), person=lines.people["power"], token=uuid4(), now=TEN,
    )  # fmt: skip
    assert facade.request_for(lines.people["leader"], number).level is Level.ORANGE
