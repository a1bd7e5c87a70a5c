"""Managing people, and reading the audit: through the pages."""

from datetime import date, timedelta

import pytest
from django.test import Client

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.registry import facade
from cityloop.registry.models import Person
from cityloop.registry.tests.conftest import PASSWORD, SignIn

pytestmark = [pytest.mark.django_db]

People = dict[str, facade.PersonView]


def post_form(**changes: str) -> dict[str, str]:
    return {"role": "duty_officer", "organisation": "", "area": "110105", "valid_from": "2026-01-01", **changes}


def test_the_list_names_everybody_with_role_and_place(sign_in: SignIn) -> None:
    page = sign_in("operator").get("/people/").content.decode()
    assert "黄海涛" in page
    assert "朝阳区城市管理委员会" in page
    assert "专业部门处置员" in page


def test_the_list_can_be_searched_in_either_language(sign_in: SignIn) -> None:
    page = sign_in("operator").get("/people/", {"text": "haitao"}).content.decode()
    assert "黄海涛" in page
    assert "李晓梅" not in page
    assert "没有匹配的人员" in sign_in("operator").get("/people/", {"text": "zzz"}).content.decode()


def test_a_new_person_must_change_the_first_password_before_anything_else(sign_in: SignIn) -> None:
    manager = sign_in("operator")
    form = {"username": "new-one", "name_zh": "林一", "name_en": "Lin Yi", "language": "en"}
    page = manager.post("/people/new/", form)
    assert page["Cache-Control"] == "no-store"
    password = page.content.decode().split("<code")[1].split(">")[1].split("<")[0]
    row = Person.objects.get(username="new-one")
    assert manager.post(f"/people/{row.pk}/", post_form(area="110000")).status_code == 302
    browser = Client()
    answer = browser.post("/login/", {"username": "new-one", "password": password})
    assert answer["Location"] == "/password/"
    browser.post("/password/", {"current": password, "new": "my-own-word-22", "again": "my-own-word-22"})
    assert not Person.objects.get(username="new-one").must_change_password
    assert facade.person(row.pk).roles == (facade.Role.DUTY_OFFICER,)


def test_a_person_with_a_foreign_password_is_led_to_change_it(people: People, sign_in: SignIn) -> None:
    client = sign_in("auditor")
    Person.objects.filter(pk=people["auditor"].person_id).update(must_change_password=True)
    assert client.get("/audit/")["Location"] == "/password/"


def test_an_account_name_is_given_once(sign_in: SignIn) -> None:
    form = {"username": "Duty1", "name_zh": "林一", "name_en": "Lin Yi", "language": "en"}
    answer = sign_in("operator").post("/people/new/", form)
    assert answer.status_code == 400
    assert "已被使用" in answer.content.decode()


def test_a_post_can_be_given_and_ended(people: People, sign_in: SignIn) -> None:
    manager, who = sign_in("operator"), people["citizen"].person_id
    assert manager.post(f"/people/{who}/", post_form(role="grid_head")).status_code == 302
    post = facade.all_posts_of(who)[-1]
    assert post.area == "110105"
    assert manager.post(f"/people/{who}/posts/{post.post_id}/end/", {"on": "2026-02-01"}).status_code == 302
    assert facade.Role.GRID_HEAD not in facade.person(who).roles
    assert "已终止" in manager.get(f"/people/{who}/").content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"area": "12"}, "这不是有效的区划代码"),
        ({"area": "110199"}, "未找到"),
        ({"valid_until": "2025-01-01"}, "终止日早于起始日"),
        ({"role": "auditor"}, "不得兼任"),
    ],
)
def test_a_post_that_cannot_be_is_refused_with_its_reason(
    people: People, sign_in: SignIn, changes: dict[str, str], said: str
) -> None:
    manager, who = sign_in("operator"), people["water"].person_id
    answer = manager.post(f"/people/{who}/", post_form(**changes))
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert len(facade.all_posts_of(who)) == 1


def test_nobody_gives_posts_to_themself(people: People, sign_in: SignIn) -> None:
    own = people["operator"].person_id
    assert sign_in("operator").post(f"/people/{own}/", post_form()).status_code == 400
    assert sign_in("operator").post(f"/people/{own}/password/").status_code == 403
    assert len(facade.all_posts_of(own)) == 1


def test_who_manages_a_district_manages_no_other(people: People) -> None:
    manager = people["citizen"]
    whose = people["chaoyang.duty"].person_id
    facade.add_post(
        people["operator"],
        manager.person_id,
        facade.Post(role=facade.Role.PLATFORM_OPERATOR, area=AreaCode("110101"), valid_from=date(2026, 1, 1)),
    )
    manager = facade.person(manager.person_id)
    with pytest.raises(facade.AccessDeniedError):
        facade.add_post(manager, whose, facade.Post(role=facade.Role.GRID_HEAD, area=AreaCode("110105")))
    with pytest.raises(facade.AccessDeniedError):
        facade.reset_password(manager, whose)
    post = facade.Post(role=facade.Role.GRID_HEAD, area=AreaCode("110101001"), valid_from=date(2026, 1, 1))
    assert facade.add_post(manager, whose, post)


def test_a_reset_password_works_once_shown(people: People, sign_in: SignIn) -> None:
    who = people["duty1"].person_id
    page = sign_in("operator").post(f"/people/{who}/password/").content.decode()
    password = page.split("<code")[1].split(">")[1].split("<")[0]
    assert Client().post("/login/", {"username": "duty1", "password": PASSWORD}).status_code == 400
    assert Client().post("/login/", {"username": "duty1", "password": password})["Location"] == "/password/"


def test_an_action_asked_for_by_a_link_leads_back_to_the_person(people: People, sign_in: SignIn) -> None:
    who = people["duty1"].person_id
    for action in ("password/", "active/", "posts/1/end/"):
        assert sign_in("operator").get(f"/people/{who}/{action}")["Location"] == f"/people/{who}/"
    assert Person.objects.get(pk=who).check_password(PASSWORD)


def test_a_post_does_not_end_on_no_day(people: People, sign_in: SignIn) -> None:
    who = people["duty1"]
    address = f"/people/{who.person_id}/posts/{who.posts[0].post_id}/end/"
    assert sign_in("operator").post(address, {"on": "soon"}).status_code == 400
    assert (
        sign_in("operator").post(f"/people/{who.person_id}/posts/999999/end/", {"on": "2027-01-01"}).status_code == 404
    )


def test_a_closed_account_loses_its_session_and_comes_back_when_opened(people: People, sign_in: SignIn) -> None:
    auditor, manager = sign_in("auditor"), sign_in("operator")
    address = f"/people/{people['auditor'].person_id}/active/"
    manager.post(address, {"active": "0"})
    assert auditor.get("/audit/").status_code == 302
    assert "已停用" in manager.get("/people/").content.decode()
    manager.post(address, {"active": "1"})
    assert sign_in("auditor").get("/audit/").status_code == 200


def test_a_person_who_does_not_exist_is_not_found(sign_in: SignIn) -> None:
    answer = sign_in("operator").get("/people/999999/")
    assert answer.status_code == 404
    assert "未找到" in answer.content.decode()


def test_a_post_holds_on_its_days_only(people: People) -> None:
    who = people["citizen"].person_id
    coming = facade.Post(role=facade.Role.GRID_HEAD, area=CITY, valid_from=facade.today() + timedelta(days=1))
    facade.add_post(people["operator"], who, coming)
    assert facade.person(who).roles == (facade.Role.CITIZEN,)


def test_reaching_without_the_right_is_refused_and_audited(people: People, sign_in: SignIn) -> None:
    answer = sign_in("citizen").get("/people/")
    assert answer.status_code == 403
    assert "您没有此项权限：管理人员" in answer.content.decode()
    entry = facade.audit_entries(outcome="denied")[0]
    assert (entry.actor, entry.right, entry.what) == (people["citizen"].actor, "manage_people", "/people/")
    assert entry.address == "127.0.0.1"


def test_whoever_is_not_signed_in_is_led_to_the_login_page_and_back(client: Client) -> None:
    assert client.get("/people/?text=a")["Location"] == "/login/?next=/people/%3Ftext%3Da"


def test_reading_people_and_the_audit_is_audited(sign_in: SignIn) -> None:
    sign_in("operator").get("/people/?text=li")
    page = sign_in("auditor").get("/audit/").content.decode()
    assert "/people/?text=li" in page
    assert facade.audit_entries(outcome="read")[0].what == "/audit/"


def test_the_audit_can_be_narrowed_and_paged(people: People, sign_in: SignIn) -> None:
    for number in range(facade.AUDIT_PAGE_ROWS + 5):
        facade.note_read(people["leader"], facade.Right.SEE_CASES, what=f"case {number}")
    auditor = sign_in("auditor")
    page = auditor.get("/audit/", {"actor": people["leader"].actor, "outcome": "read"}).content.decode()
    assert "周建国" in page
    assert "case 4<" not in page
    older = page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "case 4<" in auditor.get("/audit/" + older).content.decode()
    assert "没有符合条件的记录" in auditor.get("/audit/", {"actor": "person:0"}).content.decode()


def test_the_audit_page_stands_in_english(sign_in: SignIn) -> None:
    auditor = sign_in("auditor")
    auditor.post("/language/", {"language": "en"})
    page = auditor.get("/audit/").content.decode()
    assert "Entries are never changed" in page
    assert "read the audit" in page
