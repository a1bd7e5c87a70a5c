"""A project tells how its lines stand; the wall shows it and asks once a minute."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from cityloop.command import facade
from cityloop.command.selectors import standings
from cityloop.command.tests.conftest import NOW, City
from cityloop.command.views.picture import picture_in_words
from cityloop.kernel.declarations import LineStanding
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text

TIGHT = LineStanding(
    state=Text("偏紧", "tight"), level=Level.YELLOW, estimate=57.0, low=55.0, high=59.0, unit="10⁴ m³", decimals=1,
    change_percent=12.34, against=Text("去年同日", "same day last year"), trace="/there/", link="/line/",
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[datetime]]:
    """Offer the standing of the line `flow` of the project `pumps`; return the instants it is asked for."""
    monkeypatch.setattr(standings, "_OFFERED", {})
    instants: list[datetime] = []

    def tell(at: datetime) -> Mapping[str, LineStanding]:
        instants.append(at)
        return {"flow": TIGHT}

    facade.offer_standings("pumps", tell)
    yield instants
    standings.forget_standings()


def test_a_line_carries_what_its_project_tells_of_it(city: City, asked: list[datetime]) -> None:
    assert city.streams
    line = facade.line("pumps/flow", NOW)
    assert line is not None
    assert line.standing == TIGHT
    assert asked == [datetime.fromtimestamp(NOW.timestamp() // 60 * 60, UTC)]


def test_a_project_is_asked_once_a_minute(city: City, asked: list[datetime]) -> None:
    assert city.streams
    minute = datetime.fromtimestamp(NOW.timestamp() // 60 * 60, UTC)
    for seconds in (0, 1, 59):
        facade.line("pumps/flow", minute + timedelta(seconds=seconds))
    assert len(asked) == 1
    facade.line("pumps/flow", minute + timedelta(seconds=60))
    assert len(asked) == 2


def test_who_tells_nothing_stands_without(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    assert city.streams
    monkeypatch.setattr(standings, "_OFFERED", {})
    line = facade.line("pumps/flow", NOW)
    assert line is not None
    assert line.standing is None


def test_a_project_that_fails_leaves_the_wall_and_is_asked_again_a_minute_later(
    city: City, asked: list[datetime], caplog: pytest.LogCaptureFixture
) -> None:
    assert city.streams

    def fail(at: datetime) -> Mapping[str, LineStanding]:
        asked.append(at)
        raise ZeroDivisionError

    facade.offer_standings("pumps", fail)
    minute = datetime.fromtimestamp(NOW.timestamp() // 60 * 60, UTC)
    for seconds in (0, 30):
        (line,) = picture_in_words(facade.picture(now=minute + timedelta(seconds=seconds)))["lines"]
        assert line["standing"] is None
    assert len(asked) == 1
    assert "pumps" in caplog.text
    facade.line("pumps/flow", minute + timedelta(seconds=60))
    assert len(asked) == 2


def test_the_wall_is_told_in_words(city: City, asked: list[datetime]) -> None:
    assert city.streams
    (line,) = picture_in_words(facade.picture(now=NOW))["lines"]
    assert line["standing"]["change"] == "+12.3%"
    assert (line["standing"]["level"], line["standing"]["estimate"]) == (3, 57.0)
    assert line["standing"]["link"] == "/line/"
    assert asked
