"""What citizens see of the lifelines: plain words, nothing that could be misused, at little cost."""

import gzip
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, State
from cityloop.projects.lifelines.rules.public import advice_of, sentence_of
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.projects.lifelines.tests.conftest import DAY, PASSWORD, SHAPE, TEN, Lines
from cityloop.projects.lifelines.views import public

STYLE = Path(public.__file__).parents[1] / "static" / "lifelines" / "public.css"
PHONE_BYTES_MAX = 100_000


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def short_power(lines: Lines) -> Lines:
    """A grid with half of what it needs, told at eight."""
    lines.hours("power.grid.load", lambda _, hour: 6000 * SHAPE[hour], since=DAY - timedelta(days=20), until=TEN)
    eight = midnight_of(DAY) + timedelta(hours=8)
    lines.tell("power.dispatch.nominated", 5000.0, at=eight)
    lines.tell("power.dispatch.own", 2000.0, at=eight)
    return lines


def page_of(client: Client, at: datetime, language: str = "en") -> str:
    answer = client.get("/lifelines/", {"at": at.isoformat(), "lang": language})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_everybody_may_open_it_in_both_languages(lines: Lines) -> None:  # noqa: ARG001  the streams stand
    chinese, english = Client().get("/lifelines/?lang=zh"), Client().get("/lifelines/?lang=en")
    assert "城市供应情况" in chinese.content.decode()
    assert "How the city is supplied" in english.content.decode()
    assert 'lang="zh-Hans"' in chinese.content.decode()
    for one in (chinese, english):
        assert one.status_code == 200
        assert not one.cookies


def test_without_data_nothing_is_called_normal(lines: Lines) -> None:  # noqa: ARG001  the streams stand
    text = Client().get("/lifelines/?lang=en").content.decode()
    assert text.count("The figures of today are not complete") == len(Line)
    assert "Supply is normal" not in text


def test_a_phone_gets_little_and_no_script(lines: Lines) -> None:  # noqa: ARG001  the streams stand
    body = Client().get("/lifelines/").content
    assert len(gzip.compress(body)) + len(gzip.compress(STYLE.read_bytes())) < PHONE_BYTES_MAX
    assert b"<script" not in body
    assert re.search(rb'name="viewport" content="width=device-width', body)


def test_it_is_made_once_however_many_ask(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    made: list[datetime] = []
    real = facade.public_lines

    def counted(at: datetime) -> tuple[facade.PublicLine, ...]:
        made.append(at)
        return real(at)

    monkeypatch.setattr(facade, "public_lines", counted)
    answers = [Client().get("/lifelines/?lang=zh") for _ in range(5)]
    assert len(made) == 1
    assert {answer["Cache-Control"] for answer in answers} == {"public, max-age=15"}
    assert "Accept-Language" in answers[0]["Vary"]


def test_the_past_is_shown_only_to_those_who_may_see_the_projects(lines: Lines) -> None:  # noqa: ARG001  its people
    past = midnight_of(DAY)
    assert f"{DAY}" not in page_of(Client(), past)
    officer = Client()
    officer.login(username="duty1", password=PASSWORD)
    answer = officer.get("/lifelines/", {"at": past.isoformat(), "lang": "en"})
    assert f"As of {DAY} 00:00" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_a_shortage_is_told_with_what_to_do_and_since_when(short_power: Lines) -> None:  # noqa: ARG001  its history
    power = next(line for line in facade.public_lines(TEN) if line.line is Line.POWER)
    assert power.state in {State.SHORT, State.EMERGENCY}
    assert power.since == midnight_of(DAY) + timedelta(hours=8)
    assert not power.since_is_open
    assert power.advice == advice_of(Line.POWER, power.state)
    officer = Client()
    officer.login(username="duty1", password=PASSWORD)
    text = page_of(officer, TEN)
    assert f"So since {DAY} 08:00." in text
    assert power.sentence.en in text
    assert power.advice[0].en in text


def test_no_quantity_and_no_place_is_told(short_power: Lines) -> None:  # noqa: ARG001  its history
    officer = Client()
    officer.login(username="duty1", password=PASSWORD)
    body = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", page_of(officer, TEN))
    body = body[body.index("<main") : body.index("</main")]
    told = {one.en for line in Line for state in State for one in (*advice_of(line, state), sentence_of(state))}
    for sentence in told:
        body = body.replace(sentence, "")
    assert re.findall(r"\d+", re.sub(r"<[^>]+>", "", body)) == []


def test_advice_is_given_when_it_is_needed() -> None:
    for line in Line:
        assert advice_of(line, State.UNKNOWN) == advice_of(line, State.NORMAL) == advice_of(line, State.ATTENTION) == ()
        assert all(advice_of(line, state) for state in (State.TIGHT, State.SHORT, State.EMERGENCY))
    assert len({sentence_of(state) for state in State}) == len(State)
