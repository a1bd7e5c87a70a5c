"""The life of an alarm."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from cityloop.decide.rules import (
    AlarmState,
    ConsentMissingError,
    ShelvingSpanError,
    check_shelving,
    is_done,
    state_of,
)
from cityloop.kernel.levels import Level

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_every_combination_has_one_state_and_closed_beats_all() -> None:
    for acknowledged, shelved, cleared in product((False, True), repeat=3):
        state = state_of(acknowledged=acknowledged, shelved=shelved, cleared=cleared, closed=True)
        assert state is AlarmState.CLOSED
    assert state_of(acknowledged=True, shelved=True, cleared=True, closed=False) is AlarmState.SHELVED
    assert state_of(acknowledged=True, shelved=False, cleared=True, closed=False) is AlarmState.CLEARED
    assert state_of(acknowledged=True, shelved=False, cleared=False, closed=False) is AlarmState.ACKNOWLEDGED
    assert state_of(acknowledged=False, shelved=False, cleared=False, closed=False) is AlarmState.RAISED


def test_an_alarm_is_done_with_when_it_is_over_and_somebody_knows() -> None:
    assert is_done(acknowledged=True, cleared=True, case_closed=False)
    assert is_done(acknowledged=False, cleared=True, case_closed=True)
    assert not is_done(acknowledged=True, cleared=False, case_closed=True)
    assert not is_done(acknowledged=False, cleared=True, case_closed=False)


@pytest.mark.parametrize("level", [Level.RED, Level.ORANGE])
@pytest.mark.parametrize("consented_by", [None, 1])
def test_grave_alarms_need_another_person(level: Level, consented_by: int | None) -> None:
    with pytest.raises(ConsentMissingError):
        check_shelving(level=level, now=NOON, until=NOON + HOUR, person_id=1, consented_by=consented_by)
    check_shelving(level=level, now=NOON, until=NOON + HOUR, person_id=1, consented_by=2)


def test_milder_alarms_are_shelved_by_one() -> None:
    check_shelving(level=Level.YELLOW, now=NOON, until=NOON + HOUR, person_id=1, consented_by=None)


@pytest.mark.parametrize("until", [NOON, NOON - HOUR, NOON + timedelta(days=8)])
def test_shelving_ends_and_soon_enough(until: datetime) -> None:
    with pytest.raises(ShelvingSpanError):
        check_shelving(level=Level.BLUE, now=NOON, until=until, person_id=1, consented_by=None)
