"""The cold wave of 2010 over a running city: the sheet finds the gap, upstream is asked, the brief agrees.

Twice: every reading is delivered again, and nothing changes.
"""

import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pypdfium2 as pdfium
import pytest

from tests.city import Browser, City
from tests.journeys.sta import Sta

TEN = "2010-01-05T10:00:00+08:00"
NEXT_TEN = "2010-01-06T10:00:00+08:00"
NEW = f"/projects/lifelines/requests/new/?{urlencode({'line': 'gas', 'at': TEN})}"
SHEET, BRIEF = "/projects/lifelines/sheet/", "/projects/lifelines/brief/"
STATES = {
    "draft": "拟稿", "approved": "已批准", "sent": "已发出", "accepted": "已接受", "partly": "部分接受",
    "refused": "已拒绝", "delivered": "已兑现", "closed": "已办结",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(city: City) -> str:
    """Play the scenario, as the demo does; what it says."""
    return city.run("--lang", "en", "scenario", "cold-wave", "--go")


def cells(page: str, line: str) -> dict[str, list[str]]:
    """Return the linked numbers of a line's column of the sheet, by the heading of their row."""
    head = re.findall(r"<th scope=\"col\".*?</th>", page, re.DOTALL)
    column = next(place for place, cell in enumerate(head) if line in cell) - 1
    found = {}
    for title, row in re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL):
        cell = re.findall(r"<td.*?</td>", row, re.DOTALL)[column]
        found[unescape(title)] = re.findall(r'class="cl-number"[^>]*>([^<]+)<', cell)
    return found


def sheet_of(reader: Browser, at: str) -> str:
    return reader.get(f"{SHEET}?{urlencode({'at': at})}").text


def pdf_text(reader: Browser, language: str) -> str:
    answer = reader.get(f"{BRIEF}?{urlencode({'at': TEN, 'lang': language})}")
    assert answer.headers["content-type"] == "application/pdf"
    return text_of(answer.content)


def text_of(document: bytes | Path) -> str:
    with pdfium.PdfDocument(document) as pages:
        return "\n".join(page.get_textpage().get_text_range() for page in pages)


def figures(reader: Browser, at: str, line: str) -> dict[str, str]:
    return {title: numbers[0] for title, numbers in cells(sheet_of(reader, at), line).items() if numbers}


@pytest.mark.usefixtures("told")
def test_the_published_figures_stand_on_the_sheet(city: City) -> None:
    """42 planned, 53 used, 57 estimated, 8 missing: million m3 a day, on the page in 10^4 m3."""
    gas = figures(city.person("leader", language="en"), TEN, "Gas")
    millions = {title: round(float(number.replace(",", "")) / 100, 1) for title, number in gas.items()}
    assert millions["Planned today"] == 42.0
    assert millions["Yesterday"] == 53.0
    assert millions["Season peak"] == 53.0
    assert millions["Full-day estimate"] == 57.0
    assert millions["Supply"] == 49.0
    assert millions["Gap"] == 8.0
    assert 6 < float(gas["Hours to minimum line-pack"]) < 12
    assert gas["Arrival rate, %"] == "100.0"
    page = sheet_of(city.person("leader"), TEN)
    assert "橙" in page
    assert "模拟数据" in page


@pytest.mark.usefixtures("told")
def test_the_day_after_the_gap_is_gone(city: City) -> None:
    reader = city.person("leader", language="en")
    gas = figures(reader, NEXT_TEN, "Gas")
    assert float(gas["Gap"].replace(",", "")) < 0
    assert float(gas["Supply"].replace(",", "")) == 5500


def test_the_guide_tells_what_the_sheet_says(city: City, told: str) -> None:
    gas = figures(city.person("leader", language="en"), TEN, "Gas")
    for number in (gas["Planned today"], gas["Full-day estimate"], gas["Supply"], gas["Gap"]):
        assert f"{number} 10⁴ m³" in told
    assert "scenario" in told.lower()
    assert "not a recording" in told
    assert "closed" in told


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize(("language", "line"), [("zh", "燃气"), ("en", "Gas")])
def test_the_brief_agrees_with_the_screen(city: City, language: str, line: str) -> None:
    reader = city.person("leader", language={"zh": "zh-hans", "en": "en"}[language])
    text = pdf_text(reader, language)
    for title, number in figures(reader, TEN, line).items():
        assert number in text, title
    assert "2010-01-05 10:00" in text
    written = city.home / f"of-the-command-line-{language}.pdf"
    city.run("brief", "--at", TEN, "--lang", language, "--out", str(written))
    for title, number in figures(reader, TEN, line).items():
        assert number in text_of(written), title


def test_played_again_nothing_is_kept_twice(city: City, sta: Sta, told: str) -> None:
    """Each reading comes again over MQTT and is kept once; the sheet is what it was."""
    reader = city.person("leader", language="en")
    stream = sta.get("Datastreams", filter="name eq '全市燃气管网用气流量'", select="@iot.id")["value"][0]["@iot.id"]

    def kept() -> dict[str, Any]:
        wanted = "phenomenonTime lt 2010-02-01T00:00:00Z"
        return sta.get(f"Datastreams({stream})/Observations", count="true", filter=wanted, top="1", orderby="id asc")

    before, sheet = kept(), cells(sheet_of(reader, TEN), "Gas")
    assert before["value"][0]["parameters"]["scenario"] == "cold-wave"
    again = city.run("--lang", "en", "scenario", "cold-wave", "--go")
    assert kept()["@iot.count"] == before["@iot.count"]
    assert cells(sheet_of(reader, TEN), "Gas") == sheet
    closed = r"(UR-\d+-\d+): closed"
    assert re.findall(closed, again) > re.findall(closed, told) > []


def drafted(city: City, quantity: float) -> str:
    answer = city.person("gas").submit(
        NEW, quantity=quantity, begins_at="2010-01-05T14:00", ends_at="2010-01-07T00:00", reason="寒潮，缺口扩大",
        legal_basis="一级保供预案", party_name="上游供气企业", party_contact="调度室",
    )  # fmt: skip
    assert answer.status_code == 200, answer.text[-3000:]
    return answer.url.path


def step(city: City, account: str, page: str, name: str, **fields: Any) -> None:
    answer = city.person(account).submit(page, at=f"{page}step/", step=name, **fields)
    assert answer.status_code == 200, answer.text[-3000:]


def state(city: City, page: str) -> str:
    shown = re.search(r'class="cl-state">([^<]+)<', city.person("leader").get(page).text)
    assert shown is not None
    return shown.group(1)


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("answer", ["accept_partly", "accept", "refuse"])
def test_a_request_walks_every_state_in_the_right_hands(city: City, answer: str) -> None:
    page = drafted(city, 800)
    assert "5,700" in city.person("leader").get(page).text
    assert state(city, page) == STATES["draft"]
    for wrong in ("gas", "duty1", "water"):
        person = city.person(wrong)
        refused = person.submit("/projects/lifelines/requests/", at=f"{page}step/", step="approve", version="1")
        assert refused.status_code in {403, 404, 409, 422}, wrong
    assert state(city, page) == STATES["draft"]
    step(city, "leader", page, "approve")
    assert state(city, page) == STATES["approved"]
    step(city, "gas", page, "send")
    assert state(city, page) == STATES["sent"]
    brief = pdf_text(city.person("leader"), "zh")
    assert STATES["sent"] in brief
    part = {"quantity": 300} if answer == "accept_partly" else {}
    step(city, "gas", page, answer, answered_by="上游调度", note="由4000万提高到4300万立方米", **part)
    if answer == "refuse":
        assert state(city, page) == STATES["refused"]
    else:
        assert state(city, page) == STATES["partly" if part else "accepted"]
        step(city, "gas", page, "note_delivery", quantity=300, day="2010-01-06")
        step(city, "gas", page, "finish_delivery")
        assert state(city, page) == STATES["delivered"]
    step(city, "duty1", page, "close", note="缺口已消除")
    assert state(city, page) == STATES["closed"]
    assert "没有未办结的申请" in pdf_text(city.person("leader"), "zh")
