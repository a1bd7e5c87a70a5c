"""The pages of coordination, by role and in both languages, with hostile words, double clicks and stale forms."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cityloop.command import facade as command
from cityloop.kernel.levels import Level
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, ReductionStep, RequestState, RequestStep
from cityloop.projects.lifelines.models import Reduction, RequestStepRow, UpstreamRequest
from cityloop.projects.lifelines.rules.userlist import written_users
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.projects.lifelines.tests.conftest import DAY, SHAPE, TEN, Lines
from cityloop.projects.lifelines.tests.coordination import MORNING, UNIT, USERS, changes, picture, wish
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView

pytestmark = pytest.mark.django_db
GAPS = "/projects/lifelines/gaps/"
REQUESTS, REDUCTIONS, TERMS = (
    "/projects/lifelines/requests/",
    "/projects/lifelines/reductions/",
    "/projects/lifelines/terms/",
)
Browse = Callable[..., Client]
HOSTILE = "'\"><script>alert(1)</script>{{ 7|add:1 }}\u202e"


@pytest.fixture
def people(lines: Lines) -> dict[str, PersonView]:
    return lines.people


@pytest.fixture
def browse(people: dict[str, PersonView]) -> Browse:
    def signed_in(who: str, language: str = "zh-hans") -> Client:
        client = Client(headers={"accept-language": language})
        client.cookies["django_language"] = language
        client.force_login(get_user_model().objects.get(pk=people[who].person_id))
        return client

    return signed_in


def drafted(people: dict[str, PersonView], *, level: Level | None = Level.ORANGE, **changed: Any) -> facade.RequestView:
    number = facade.draft_request(
        Line.GAS, wish(**changed), picture(level), person=people["gas"], token=uuid4(), now=MORNING
    )
    return facade.request_for(people["leader"], number)


def moved(
    people: dict[str, PersonView], found: facade.RequestView, *steps: tuple[RequestStep, str]
) -> facade.RequestView:
    for step, who in steps:
        version = facade.request_for(people["leader"], found.request_id).version
        facade.take_request_step(
            found.request_id, step, changes(), person=people[who], version=version, now=MORNING + timedelta(minutes=1)
        )
    return facade.request_for(people["leader"], found.request_id)


def address(found: facade.RequestView, rest: str = "") -> str:
    return f"{REQUESTS}{found.request_id}/{rest}"


def form(found: facade.RequestView, step: RequestStep, **more: object) -> dict[str, object]:
    return {"step": step.value, "version": found.version, "token": str(uuid4()), "note": "因为", **more}


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "协调上游资源"), ("en", "Requests to upstream")])
@pytest.mark.parametrize("who", ["leader", "duty1", "gas", "water"])
def test_everybody_of_coordination_has_the_lists(who: str, language: str, words: str, browse: Browse) -> None:
    client = browse(who, language)
    assert f"<h1>{words}</h1>" in client.get(REQUESTS).content.decode()
    assert client.get(REDUCTIONS).status_code == 200
    assert client.get(REQUESTS, {"tab": "ended", "line": "gas", "text": HOSTILE}).status_code == 200
    assert client.get(REQUESTS, {"at": "yesterday"}).status_code == 400


@pytest.mark.parametrize("who", ["citizen", "auditor", "assessor", "chaoyang", "air.data", "supervisor", "operator"])
def test_others_get_a_page_that_says_so(who: str, browse: Browse, people: dict[str, PersonView]) -> None:
    client, found = browse(who), drafted(people)
    paths = (REQUESTS, address(found), address(found, "print/"), REDUCTIONS, f"{REQUESTS}new/")
    assert [client.get(path).status_code for path in paths] == [403] * 5
    assert client.post(address(found, "step/"), form(found, RequestStep.APPROVE)).status_code == 403


def test_another_organisation_is_refused_and_the_refusal_is_kept(browse: Browse, people: dict[str, PersonView]) -> None:
    found = drafted(people)
    client = browse("water")
    assert [client.get(address(found, rest)).status_code for rest in ("", "print/")] == [403, 403]
    assert client.post(address(found, "step/"), form(found, RequestStep.WITHDRAW)).status_code == 403
    assert len(registry.audit_entries(outcome="denied", limit=9)) == 3
    assert found.number not in client.get(REQUESTS).content.decode()
    assert client.get(f"{REQUESTS}new/?line=gas").status_code == 404
    assert client.get("/projects/lifelines/users/gas/").status_code == 404


def test_the_gap_board_leads_to_what_was_asked_as_far_as_one_may_see(
    browse: Browse, people: dict[str, PersonView]
) -> None:
    found = drafted(people)
    boards = {who: browse(who).get(GAPS).content.decode() for who in ("leader", "gas", "water", "chaoyang.duty")}
    assert {who for who, page in boards.items() if address(found) in page} == {"leader", "gas"}
    assert f"{REQUESTS}new/?line=gas" in boards["gas"]
    assert f"{REQUESTS}new/?line=gas" not in boards["water"] + boards["leader"]
    assert f'href="{REQUESTS}"' not in boards["chaoyang.duty"]
    earlier = (found.as_of - timedelta(hours=1)).isoformat()
    assert address(found) not in browse("gas").get(GAPS, {"at": earlier}).content.decode()


def test_a_district_officer_sees_nothing_of_the_city(browse: Browse, people: dict[str, PersonView]) -> None:
    assert browse("chaoyang.duty").get(address(drafted(people))).status_code == 403


def test_a_draft_is_made_from_the_page_with_the_picture_of_its_instant(
    browse: Browse, people: dict[str, PersonView]
) -> None:
    client = browse("gas")
    page = client.get(f"{REQUESTS}new/?line=gas&at={MORNING.isoformat().replace('+', '%2B')}")
    assert page.status_code == 200
    assert page.context["picture"].day.at == MORNING
    token = str(page.context["form"]["token"].value())
    data = {
        "quantity": "800", "begins_at": "2010-01-05T12:00", "ends_at": "2010-01-08T10:00", "reason": HOSTILE,
        "legal_basis": HOSTILE, "party_name": HOSTILE, "party_contact": HOSTILE, "party_organisation": "",
        "token": token, "at": MORNING.isoformat(), "alarm_id": "", "case_id": "",
    }  # fmt: skip
    for _ in range(2):
        answer = client.post(f"{REQUESTS}new/?line=gas", data)
        assert answer.status_code == 302
    row = UpstreamRequest.objects.get()
    assert (row.as_of, row.begins_at, row.reason) == (MORNING, datetime(2010, 1, 5, 4, tzinfo=UTC), HOSTILE)
    shown = client.get(answer["Location"]).content.decode()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert people


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": "0"}, {"quantity": "x"}, {"quantity": "nan"}, {"quantity": "1e400"},
        {"ends_at": "2010-01-05T11:00"}, {"reason": ""}, {"token": "no"}, {"party_organisation": "nobody"},
        {"alarm_id": "9"}, {"case_id": "9" * 30},
        {"reason": "x" * 4001}, {"begins_at": "tomorrow"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_comes_back_with_what_is_wrong(changed: dict[str, str], browse: Browse) -> None:
    data = {
        "quantity": "800", "begins_at": "2010-01-05T12:00", "ends_at": "2010-01-08T10:00", "reason": "r",
        "legal_basis": "b", "party_name": "p", "party_contact": "c", "token": str(uuid4()), "at": MORNING.isoformat(),
        **changed,
    }  # fmt: skip
    answer = browse("gas").post(f"{REQUESTS}new/?line=gas", data)
    assert 400 <= answer.status_code < 500
    assert UpstreamRequest.objects.count() == 0


def test_the_leader_sees_what_is_asked_and_decides(browse: Browse, people: dict[str, PersonView]) -> None:
    found = drafted(people)
    client = browse("leader", "en")
    assert "For your decision" in client.get(REQUESTS).content.decode()
    page = client.get(address(found)).content.decode()
    for words in ("For your decision", "陕京管道", "寒潮，缺口 800", "5,700", found.seal, "send back", "approve"):
        assert words in page
    assert client.post(address(found, "step/"), form(found, RequestStep.SEND_BACK, note="")).status_code == 422
    answer = client.post(address(found, "step/"), form(found, RequestStep.APPROVE))
    assert (answer.status_code, answer["Location"]) == (302, address(found))
    assert facade.request_for(people["gas"], found.request_id).state is RequestState.APPROVED


def test_the_duty_officer_cannot_approve_what_is_orange(browse: Browse, people: dict[str, PersonView]) -> None:
    found = drafted(people)
    client = browse("duty1")
    offered = {one.move.step for one, _title, _wish in client.get(address(found)).context["forms"]}
    assert offered == {RequestStep.REVISE, RequestStep.WITHDRAW}
    assert client.post(address(found, "step/"), form(found, RequestStep.APPROVE)).status_code == 403
    assert "approve" in registry.audit_entries(outcome="denied", limit=1)[0].what


def test_a_double_click_takes_the_step_once_and_a_stale_form_is_refused(
    browse: Browse, people: dict[str, PersonView]
) -> None:
    found, client = drafted(people), browse("leader")
    data = form(found, RequestStep.APPROVE)
    assert [client.post(address(found, "step/"), data).status_code for _ in range(2)] == [302, 302]
    assert RequestStepRow.objects.filter(request=found.request_id).count() == 2
    stale = browse("gas").post(address(found, "step/"), form(found, RequestStep.SEND))
    assert stale.status_code == 409
    assert "他人已变更该申请" in stale.content.decode()
    again = client.post(address(found, "step/"), form(found, RequestStep.APPROVE))
    assert again.status_code == 409
    for version in ("", "x", "-1", "9" * 40, "\0"):
        newest = facade.request_for(people["gas"], found.request_id)
        answer = browse("gas").post(address(found, "step/"), form(newest, RequestStep.SEND, version=version))
        assert answer.status_code in {400, 409}
    assert (
        browse("gas").post(address(found, "step/"), form(found, RequestStep.SEND) | {"step": "fly"}).status_code == 404
    )


def test_a_request_is_revised_on_its_page(browse: Browse, people: dict[str, PersonView]) -> None:
    found = moved(people, drafted(people), (RequestStep.SEND_BACK, "leader"))
    client = browse("gas")
    page = client.get(address(found))
    wish_form = next(wish for _form, _title, wish in page.context["forms"] if wish is not None)
    data = form(found, RequestStep.REVISE) | {
        name: wish_form[name].value() for name in wish_form.fields if name not in {"begins_at", "ends_at"}
    }
    times = {"begins_at": "2010-01-05T12:00", "ends_at": "2010-01-06T12:00"}
    assert client.post(address(found, "step/"), data | times | {"quantity": "0"}).status_code in {400, 422}
    assert client.post(address(found, "step/"), data | times | {"quantity": "600"}).status_code == 302
    assert facade.request_for(people["gas"], found.request_id).quantity == 600.0


def test_a_late_answer_is_shown_with_its_countdown(browse: Browse, people: dict[str, PersonView]) -> None:
    found = moved(people, drafted(people), (RequestStep.APPROVE, "leader"), (RequestStep.SEND, "gas"))
    client = browse("duty1", "en")
    page = client.get(address(found)).content.decode()
    assert "no answer in time" in page
    assert 'data-deadline="2010-01-05T12:01' in page
    before = client.get(address(found), {"at": MORNING.isoformat()}).content.decode()
    assert "no answer in time" not in before
    facade.tell_overdue(timezone.now())
    assert found.number in browse("duty2").get("/shift/").content.decode()


def test_the_print_says_all_that_the_page_says(browse: Browse, people: dict[str, PersonView]) -> None:
    found = moved(
        people, drafted(people), (RequestStep.APPROVE, "leader"), (RequestStep.SEND, "gas"), (RequestStep.ACCEPT, "gas")
    )
    for language, gap in (("zh-hans", "全天缺口"), ("en", "Gap of a whole day")):
        page = browse("leader", language).get(address(found, "print/")).content.decode()
        for words in (found.number, found.seal, "天然气应急预案", gap, "Print" if language == "en" else "打印"):
            assert words in page
    one = browse("leader").get(address(found))
    names = [item["name"] for item in one.context["chart"]["series"]]
    assert "协调后供应" in names


def test_a_term_is_changed_by_whoever_edits_watches(browse: Browse, people: dict[str, PersonView]) -> None:
    client = browse("operator")
    assert client.get(TERMS).status_code == 200
    data = {"hours": "1.5", "basis_zh": "预案", "basis_en": "plan", "note": "改", "version": "0", "confirmed": "on"}
    assert client.get(f"{TERMS}2/").status_code == 200
    assert client.post(f"{TERMS}2/", data | {"hours": "999"}).status_code == 422
    assert client.post(f"{TERMS}2/", data).status_code == 302
    assert client.post(f"{TERMS}2/", data).status_code == 409
    assert "预案" in client.get(TERMS).content.decode()
    assert facade.term_of(Level.ORANGE).hours == 1.5
    assert client.get(f"{TERMS}9/").status_code == 404
    assert [browse(who).get(TERMS).status_code for who in ("leader", "gas")] == [403, 403]
    assert people


def sheet_file(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("users.csv", content, content_type="text/csv")


USERS_PAGE = "/projects/lifelines/users/gas/"


def test_a_sheet_of_users_is_checked_brought_in_and_given_back(browse: Browse) -> None:
    client = browse("gas", "en")
    sheet = written_users(USERS)
    data = {"note": "2010 plan", "version": "0"}
    checked = client.post(USERS_PAGE, data | {"sheet": sheet_file(sheet), "check": "1"})
    assert (checked.status_code, facade.user_list(Line.GAS).version) == (200, 0)
    wrong = client.post(USERS_PAGE, data | {"sheet": sheet_file(sheet.replace(b"1,", b"x,"))})
    assert wrong.status_code == 422
    assert "must be a number" in wrong.content.decode()
    assert client.post(USERS_PAGE, data | {"sheet": sheet_file(b"\x00\xff")}).status_code == 422
    made = client.post(USERS_PAGE, data | {"sheet": sheet_file(sheet)})
    assert made.status_code == 201
    assert "4 rows in order, 0 faults; 4 added" in made.content.decode()
    assert client.post(USERS_PAGE, data | {"sheet": sheet_file(sheet)}).status_code == 409
    assert facade.user_list(Line.GAS).users == USERS
    given = client.get(f"{USERS_PAGE}users.csv")
    assert given.content == sheet
    assert browse("duty1").get(USERS_PAGE).status_code == 200
    assert browse("leader").post(USERS_PAGE, data | {"sheet": sheet_file(sheet)}).status_code == 403


@pytest.fixture
def listed(people: dict[str, PersonView]) -> None:
    facade.change_user_list(Line.GAS, USERS, unit=UNIT, note="n", person=people["gas"], expected_version=0, now=MORNING)


@pytest.mark.usefixtures("listed")
def test_a_cut_is_shown_proposed_approved_and_lifted_on_its_pages(
    browse: Browse, people: dict[str, PersonView]
) -> None:
    client = browse("gas", "en")
    page = client.get(f"{REDUCTIONS}new/?line=gas&gap=450").content.decode()
    assert "In all 450 " in page
    assert "协和医院" in page
    begins = timezone.localtime(timezone.now() + timedelta(hours=3))
    data = {
        "gap": "450", "begins_at": f"{begins:%Y-%m-%dT%H:%M}",
        "ends_at": f"{begins + timedelta(days=1):%Y-%m-%dT%H:%M}", "reason": HOSTILE, "token": str(uuid4()),
        "at": timezone.now().isoformat(),
    }  # fmt: skip
    path = f"{REDUCTIONS}new/?line=gas"
    assert client.post(path, data | {"gap": "0"}).status_code == 400
    assert client.post(path, data | {"ends_at": ""}).status_code == 422
    answers = [client.post(path, data) for _ in range(2)]
    assert [one.status_code for one in answers] == [302, 302]
    cut = Reduction.objects.get()
    place = answers[0]["Location"]
    assert "<script>alert" not in client.get(place).content.decode()
    step = {"version": "1", "token": str(uuid4()), "note": "", "step": "approve"}
    assert client.post(f"{place}step/", step).status_code == 403
    assert browse("duty1").post(f"{place}step/", step | {"step": "decline"}).status_code == 422
    decider = "duty1" if cut.level is None else "leader"
    assert [browse(decider).post(f"{place}step/", step).status_code for _ in range(2)] == [302, 302]
    assert client.post(f"{place}step/", step | {"step": "put_in_force", "token": str(uuid4())}).status_code == 409
    lift = {"version": "2", "token": str(uuid4()), "note": "够了", "step": "lift"}
    assert client.post(f"{place}step/", lift | {"step": "fly"}).status_code == 404
    assert client.post(f"{place}step/", lift).status_code == 302
    assert [one.step for one in facade.reduction_steps(cut.pk)][-1] is ReductionStep.LIFT
    assert browse("water").get(place).status_code == 403
    assert cut.number in browse("leader").get(REDUCTIONS).content.decode()
    assert people


def test_the_picture_of_real_readings_is_opened_by_the_trace_and_a_grant_closes_the_gap(lines: Lines) -> None:
    people, now = lines.people, TEN
    lines.hours("power.grid.load", lambda _, hour: 6000.0 * SHAPE[hour], since=DAY - timedelta(days=50), until=TEN)
    for told, value in (("nominated", 8000.0), ("own", 3000.0)):
        lines.tell(f"power.dispatch.{told}", value, told_at=midnight_of(DAY))
    before = facade.line_day(Line.POWER, now)
    frozen = facade.picture_of_line(Line.POWER, now)
    assert frozen.day == before
    assert frozen.position == max(frozen.readings) > 0
    token = {"person": people["power"], "token": uuid4(), "now": now}
    number = facade.draft_request(
        Line.POWER, wish(begins_at=now, ends_at=now + timedelta(days=2), quantity=1000.0), frozen, **token
    )
    found = facade.request_for(people["power"], number)
    chain = command.chain_of_fact(found.last_fact, reader=people["duty1"])
    assert chain is not None
    assert {step.kind for step in chain.causes} == {"observation"}
    decider = "leader" if facade.is_grave(found.level) else "duty1"
    for step, who in ((RequestStep.APPROVE, decider), (RequestStep.SEND, "power"), (RequestStep.ACCEPT, "power")):
        facade.take_request_step(
            number, step, changes(), person=people[who], version=facade.request_for(people["leader"], number).version,
            now=now + timedelta(minutes=1),
        )  # fmt: skip
    after = facade.line_day(Line.POWER, now + timedelta(minutes=2))
    share = 14 / 24
    assert after.supply.value == pytest.approx((before.supply.value or 0.0) + 1000.0 * share)
    assert after.gap.value == pytest.approx((before.gap.value or 0.0) - 1000.0 * share)
    opened = facade.number_trace(Line.POWER, "supply", now + timedelta(minutes=2))
    (part,) = [one for one in opened.parts if found.number in one.title.en]
    assert (part.value, part.link) == (pytest.approx(1000.0 * share), f"{REQUESTS}{number}/")
    assert facade.line_day(Line.POWER, now).supply.value == before.supply.value
    lines.tell("power.dispatch.nominated", 9000.0, told_at=now + timedelta(minutes=3))
    told = facade.line_day(Line.POWER, now + timedelta(minutes=4))
    assert told.supply.value == 12000.0, "what is nominated after the answer holds the grant already"
    tomorrow = (midnight_of(DAY) + timedelta(days=1), midnight_of(DAY) + timedelta(days=2))
    assert facade.granted(Line.POWER, *tomorrow, at=now + timedelta(minutes=4)) == 1000.0
    assert facade.picture_of_request(number) == frozen
