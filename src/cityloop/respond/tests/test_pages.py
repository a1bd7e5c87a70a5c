"""The pages of respond, by role and in both languages."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.registry.facade import PersonView
from cityloop.respond import facade
from cityloop.respond.facade import State, Step
from cityloop.respond.models import Case, Signal

pytestmark = pytest.mark.django_db
People = dict[str, PersonView]
RaiseAlarm = Callable[..., AlarmRaised]
QUEUE, NEW = "/cases/", "/cases/new/"


@pytest.fixture
def browse(city: People) -> Callable[..., Client]:
    def signed_in(who: str, language: str = "zh-hans") -> Client:
        client = Client(headers={"accept-language": language})
        client.cookies["django_language"] = language
        client.force_login(get_user_model().objects.get(pk=city[who].person_id))
        return client

    return signed_in


@pytest.fixture
def case(city: People, raise_alarm: RaiseAlarm) -> facade.CaseView:
    assert city
    return facade.case(facade.open_signal(raise_alarm()) or 0)


def address(case: facade.CaseView) -> str:
    return reverse("respond:case", args=[case.case_id])


def post(client: Client, case: facade.CaseView, step: Step, **more: object) -> object:
    data = {"step": step.value, "version": facade.case(case.case_id).version, **more}
    return client.post(reverse("respond:step", args=[case.case_id]), data)


@pytest.mark.parametrize("who", ["leader", "duty1", "supervisor", "dispatcher", "checker", "water", "chaoyang.duty"])
@pytest.mark.parametrize(("language", "words"), [("zh-hans", "案件"), ("en", "Cases")])
def test_everybody_who_sees_cases_has_a_queue(
    who: str, language: str, words: str, browse: Callable[..., Client]
) -> None:
    answer = browse(who, language).get(QUEUE)
    assert answer.status_code == 200
    assert f"<h1>{words}</h1>" in answer.content.decode()


@pytest.mark.parametrize("who", ["citizen", "auditor", "assessor"])
def test_who_has_no_right_gets_a_page_that_says_so(
    who: str, case: facade.CaseView, browse: Callable[..., Client]
) -> None:
    client = browse(who)
    assert [client.get(path).status_code for path in (QUEUE, NEW, address(case))] == [403, 403, 403]


def test_nobody_is_sent_to_the_login_page(client: Client, case: facade.CaseView) -> None:
    for path in (QUEUE, NEW, address(case)):
        assert client.get(path).headers["Location"].startswith("/login/")


def test_an_empty_queue_says_what_to_do(browse: Callable[..., Client]) -> None:
    assert "此处没有待办案件" in browse("dispatcher").get(QUEUE).content.decode()
    assert "没有符合条件的案件" in browse("dispatcher").get(QUEUE, {"text": "zzz"}).content.decode()


@pytest.mark.parametrize(("who", "tab"), [("dispatcher", "dispatch"), ("supervisor", "open"), ("duty1", "open")])
def test_a_filed_case_waits_where_it_belongs(
    who: str, tab: str, case: facade.CaseView, browse: Callable[..., Client]
) -> None:
    text = browse(who, "en").get(QUEUE, {"tab": tab, "district": "110105", "kind": "water-loss"}).content.decode()
    assert case.number in text
    assert "more than half left" in text
    assert case.number not in browse(who, "en").get(QUEUE, {"tab": "ended"}).content.decode()


def test_a_case_over_its_limit_is_red_and_says_so(case: facade.CaseView, browse: Callable[..., Client]) -> None:
    Case.objects.filter(pk=case.case_id).update(
        clock_from=timezone.now() - timedelta(hours=6), due_at=timezone.now() - timedelta(hours=2)
    )
    text = browse("dispatcher", "en").get(QUEUE, {"late": "1"}).content.decode()
    assert "cl-urgency-red" in text
    assert "over the limit" in text


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "办理过程"), ("en", "The way of the case")])
def test_the_page_of_a_case_tells_its_story(
    language: str, words: str, case: facade.CaseView, browse: Callable[..., Client]
) -> None:
    text = browse("duty1", language).get(address(case)).content.decode()
    assert words in text
    assert case.number in text
    assert f"/trace/fact/{case.last_fact}/" in text
    assert '"longitude": 116.48' in text


def test_a_handler_cannot_open_a_case_of_another_organisation(
    case: facade.CaseView, browse: Callable[..., Client]
) -> None:
    assert browse("heat").get(address(case)).status_code == 403
    assert browse("duty1").get("/cases/987654/").status_code == 404


def test_the_whole_way_by_forms_alone(case: facade.CaseView, browse: Callable[..., Client]) -> None:
    assert "水" in browse("dispatcher").get(address(case)).content.decode()
    for who, step, more in (
        ("dispatcher", Step.DISPATCH, {"organisation": "water-group"}),
        ("water", Step.SIGN, {}),
        ("water", Step.ASK_DELAY, {"note": "缺件", "delay_amount": "2"}),
        ("dispatcher", Step.GRANT_DELAY, {}),
        ("dispatcher", Step.SUSPEND, {"note": "等待", "review_on": "2099-01-01"}),
        ("dispatcher", Step.RESUME, {}),
        ("water", Step.FINISH, {"note": "修好了"}),
        ("supervisor", Step.ORDER_CHECK, {}),
        ("checker", Step.PASS_CHECK, {"note": "属实"}),
        ("supervisor", Step.EVALUATE, {"rating": "5"}),
    ):
        answer = post(browse(who), case, step, **more)
        assert (step, answer.status_code) == (step, 302)  # type: ignore[attr-defined]
    assert facade.case(case.case_id).state is State.EVALUATED
    for who in ("duty1", "water", "checker"):
        assert browse(who).get(address(case)).status_code == 200


def test_a_missing_reason_is_asked_for_and_changes_nothing(
    case: facade.CaseView, browse: Callable[..., Client]
) -> None:
    post(browse("dispatcher"), case, Step.DISPATCH, organisation="water-group")
    before = facade.case(case.case_id)
    answer = post(browse("water", "en"), case, Step.SEND_BACK, note="")
    assert answer.status_code == 400  # type: ignore[attr-defined]
    assert "This field is required" in answer.content.decode()  # type: ignore[attr-defined]
    assert facade.case(case.case_id) == before
    sent_back = post(browse("water"), case, Step.SEND_BACK, note="不归我们")
    assert sent_back.headers["Location"] == QUEUE  # type: ignore[attr-defined]


def test_a_stale_form_is_told_in_the_readers_language(case: facade.CaseView, browse: Callable[..., Client]) -> None:
    path = reverse("respond:step", args=[case.case_id])
    data = {"step": "dispatch", "version": case.version, "organisation": "water-group"}
    assert browse("dispatcher").post(path, data).status_code == 302
    again = browse("dispatcher").post(path, data)
    assert again.status_code == 409
    assert "本案刚被他人办理过" in again.content.decode()


def test_a_step_that_is_not_open_is_refused(case: facade.CaseView, browse: Callable[..., Client]) -> None:
    assert post(browse("duty1"), case, Step.DISPATCH, organisation="water-group").status_code == 403  # type: ignore[attr-defined]
    assert post(browse("dispatcher"), case, Step.RESUME).status_code == 409  # type: ignore[attr-defined]
    path = reverse("respond:step", args=[case.case_id])
    assert browse("dispatcher").post(path, {"step": "fly", "version": case.version}).status_code == 404
    assert browse("dispatcher").get(path).status_code == 405


REPORT = {"title": "井盖缺失", "kind": "general", "source": "citizen", "area": "110105", "description": "<b>危险</b>"}


def test_a_matter_is_reported_by_hand(browse: Callable[..., Client]) -> None:
    client = browse("duty1")
    assert client.get(NEW).status_code == 200
    answer = client.post(NEW, REPORT)
    found = Case.objects.get()
    assert answer.headers["Location"] == reverse("respond:case", args=[found.pk])
    text = client.get(answer.headers["Location"]).content.decode()
    assert "&lt;b&gt;危险" in text
    assert "案件等待受理" in text


def test_a_click_on_the_map_finds_the_district(browse: Callable[..., Client]) -> None:
    point = {"area": "", "longitude": "116.48", "latitude": "39.95"}
    assert browse("duty1").post(NEW, REPORT | point).status_code == 302
    assert Case.objects.get().area == "110105"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": ""}, "This field is required"),
        ({"area": ""}, "Say where it is"),
        ({"longitude": "116.48"}, "Give both coordinates"),
        ({"longitude": "117.9", "latitude": "39.1"}, "outside the city"),
        ({"longitude": "116.41", "latitude": "39.93"}, "lies in another district"),
        ({"area": "310101"}, "310101"),
        ({"kind": "rectification"}, "rectification"),
    ],
)
def test_a_report_that_contradicts_itself_is_refused(
    wrong: dict[str, str], words: str, browse: Callable[..., Client]
) -> None:
    answer = browse("duty1", "en").post(NEW, REPORT | wrong)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Case.objects.exists()


def test_district_people_can_only_report_and_filter_their_own(browse: Callable[..., Client], city: People) -> None:
    text = browse("chaoyang.duty", "en").get(NEW).content.decode()
    assert city["chaoyang.duty"].area == AreaCode("110105")
    assert 'value="110105"' in text
    assert 'value="110101"' not in text
    assert browse("chaoyang.duty").post(NEW, REPORT | {"area": "110101"}).status_code == 400


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "附近已有人上报"), ("en", "Already reported near here")])
def test_whoever_reports_sees_what_was_reported_nearby(
    language: str, words: str, case: facade.CaseView, browse: Callable[..., Client]
) -> None:
    Case.objects.update(opened_at=timezone.now())
    place = {"kind": "water-loss", "longitude": "116.48", "latitude": "39.9505"}
    client = browse("supervisor", language)
    shown = client.get(reverse("respond:similar"), place).content.decode()
    assert words in shown
    assert case.number in shown
    assert case.number not in client.get(reverse("respond:similar"), {**place, "latitude": "x"}).content.decode()
    assert 'data-similar="/cases/similar/"' in client.get(NEW).content.decode()


def test_who_writes_a_note_is_told_that_all_can_read_it(browse: Callable[..., Client], case: facade.CaseView) -> None:
    post(browse("dispatcher"), case, Step.DISPATCH, organisation="water-group")
    post(browse("water"), case, Step.SIGN)
    client, words = browse("water", "en"), "Everybody can read this note"
    assert words not in client.get(address(case)).content.decode()
    Signal.objects.filter(case=case.case_id).update(is_public=True)
    assert client.get(address(case)).content.decode().count(words) == 1
