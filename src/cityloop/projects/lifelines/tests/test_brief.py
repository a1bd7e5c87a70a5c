"""The morning brief on paper says what the sheet says, in both languages, in letters that are really there."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pypdfium2 as pdfium
import pytest
from django.template import Context, Template
from django.test import Client
from django.utils import translation
from django.utils.html import escape

from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line
from cityloop.projects.lifelines.rules.balance import State
from cityloop.projects.lifelines.rules.brief import figures_of, written
from cityloop.projects.lifelines.selectors.paper import brief_pdf
from cityloop.projects.lifelines.tests.conftest import DAY, PASSWORD, SHAPE, TEN, Lines
from cityloop.projects.lifelines.tests.sample_days import figure, sample_brief

A4_PT = (595, 842)
DARK = 128


@pytest.fixture(params=["zh-hans", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


def text_of(document: bytes) -> str:
    with pdfium.PdfDocument(document) as pages:
        return "\n".join(page.get_textpage().get_text_range() for page in pages)


def test_a_figure_is_written_as_on_every_page() -> None:
    for value, decimals in ((None, 0), (5699.99, 0), (-800.04, 1), (0.0, 2), (1234567.5, 0)):
        page = Template("{% load cityloop %}{{ value|written:decimals }}")
        on_pages = page.render(Context({"value": value, "decimals": decimals}))
        assert written(figure(value, decimals=decimals)) == on_pages


def test_every_figure_of_the_sheet_is_in_the_brief(language: str) -> None:
    brief = sample_brief()
    text = text_of(brief_pdf(brief))
    for day in brief.days:
        assert day.title.in_language(language) in text
        for one in figures_of(day):
            assert written(one) in text
    for origin in brief.origins:
        assert origin.in_language(language) in text
    assert "2010-01-05 10:00" in text
    assert "李晓梅" in text


def test_trouble_is_told_in_words_and_the_requests_are_listed(language: str) -> None:
    text = text_of(brief_pdf(sample_brief()))
    assert {"zh-hans": "橙", "en": "orange"}[language] in text
    assert "812.5" in text
    assert "上游供气企业 Upstream supplier" in text
    assert {"zh-hans": "已发出", "en": "sent"}[language] in text
    quiet = text_of(brief_pdf(sample_brief(quiet=True)))
    assert {"zh-hans": "橙", "en": "orange"}[language] not in quiet
    assert {"zh-hans": "没有未办结的申请", "en": "No request is open"}[language] in quiet


def test_the_pages_are_a4_and_numbered(language: str) -> None:
    document = brief_pdf(sample_brief())
    with pdfium.PdfDocument(document) as pages:
        assert [tuple(map(round, page.get_size())) for page in pages] == [A4_PT] * len(pages)
        count = len(pages)
    text = text_of(document)
    for number in range(1, count + 1):
        words = {"zh-hans": f"第{number}页，共{count}页", "en": f"page {number} of {count}"}[language]
        assert words in text


@pytest.mark.usefixtures("language")
def test_the_font_is_embedded_and_its_letters_leave_ink() -> None:
    document = brief_pdf(sample_brief())
    assert b"/FontFile3" in document
    assert b"/BaseFont" not in document or b"Helvetica" not in document
    with pdfium.PdfDocument(document) as pages:
        textpage = pages[0].get_textpage()
        image = pages[0].render(scale=3).to_pil().convert("L")
        height = pages[0].get_size()[1]
        for place, letter in enumerate(textpage.get_text_range()[:12]):
            if letter.isspace():
                continue
            left, bottom, right, top = textpage.get_charbox(place)
            above, below = int((height - top) * 3), int((height - bottom) * 3) + 1
            box = image.crop((int(left * 3), above, int(right * 3) + 1, below))
            darkest, lightest = box.getextrema()
            assert darkest < DARK < lightest, letter


@pytest.fixture
def short_power(lines: Lines) -> Lines:
    """A grid that needs more than was told to be there."""
    lines.hours("power.grid.load", lambda _, hour: 6000 * SHAPE[hour], since=DAY - timedelta(days=20), until=TEN)
    return lines


def test_the_brief_of_the_city_says_what_the_sheet_says(short_power: Lines) -> None:  # noqa: ARG001  its history
    made = facade.brief_of(TEN, made_by="duty1", made_at=TEN, person=None)
    assert made.days == facade.line_days(TEN)
    power = facade.line_day(Line.POWER, TEN)
    with translation.override("en"):
        text = text_of(facade.brief_pdf(made))
    assert written(power.used) in text
    assert written(power.estimate) in text


def address(at: datetime) -> str:
    return f"/projects/lifelines/brief/?at={escape(at.isoformat()).replace('+', '%2B')}"


def test_the_page_sends_the_brief_in_the_language_asked_for(short_power: Lines) -> None:  # noqa: ARG001  its history
    client = Client()
    client.login(username="duty1", password=PASSWORD)
    for lang, words in (("zh", "城市生命线运行晨报"), ("en", "Morning brief on the city")):
        answer = client.get(f"{address(TEN)}&lang={lang}")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/pdf"
        assert answer["Content-Disposition"] == 'inline; filename="lifelines-brief-20261124-1000.pdf"'
        assert words in text_of(answer.content)


def test_an_instant_that_cannot_be_read_is_refused(short_power: Lines) -> None:  # noqa: ARG001  its people
    client = Client()
    client.login(username="duty1", password=PASSWORD)
    assert client.get("/projects/lifelines/brief/?at=yesterday").status_code == 400


def test_what_nobody_knows_is_not_called_normal(language: str) -> None:
    empty = {name: figure(None) for name in ("used", "gap")}
    days = tuple(replace(day, level=None, state=State.UNKNOWN, **empty) for day in sample_brief(quiet=True).days)
    text = text_of(brief_pdf(replace(sample_brief(quiet=True), days=days)))
    assert text.count({"zh-hans": "无数据", "en": "no data"}[language]) == len(days)


def test_who_may_not_see_requests_is_told_so(language: str) -> None:
    text = text_of(brief_pdf(replace(sample_brief(quiet=True), requests=None)))
    assert {"zh-hans": "未显示", "en": "Not shown"}[language] in text


def drafted(lines: Lines, at: datetime) -> str:
    gas, now = lines.people["gas"], datetime.now(UTC)
    wish = facade.Wish(
        quantity=812.0, begins_at=at, ends_at=at + timedelta(days=1), reason="cold", legal_basis="plan",
        party_name="上游", party_contact="room",
    )  # fmt: skip
    picture = facade.picture_of_line(Line.GAS, at)
    request_id = facade.draft_request(Line.GAS, wish, picture, person=gas, token=uuid4(), now=now)
    return facade.request_for(gas, request_id).number


def test_requests_are_listed_as_far_as_the_reader_may_see_them(lines: Lines) -> None:
    number = drafted(lines, TEN)

    def listed(username: str | None, at: datetime) -> list[str] | None:
        person = lines.people[username] if username else None
        found = facade.brief_of(at, made_by="x", made_at=TEN, person=person).requests
        return None if found is None else [one.number for one in found]

    assert listed("leader", TEN) == listed("gas", TEN) == listed(None, TEN) == [number]
    assert listed("water", TEN) == []
    assert listed("leader", TEN - timedelta(minutes=1)) == []
    assert listed("citizen", TEN) is None
