"""Signing in, being locked out, the language, one's own password: through the pages."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cityloop.registry import facade
from cityloop.registry.models import LoginFailure, Person
from cityloop.registry.rules.guessing import LOCK_OUT
from cityloop.registry.tests.conftest import PASSWORD, SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("people")]

NEW = "quite-another-word-7"


def attempt(client: Client, username: str, password: str, **more: str) -> int:
    return client.post("/login/", {"username": username, "password": password, **more}).status_code


def test_the_login_page_stands_in_both_languages(client: Client) -> None:
    assert "登录" in client.get("/login/").content.decode()
    client.post("/language/", {"language": "en", "next": "/login/"})
    page = client.get("/login/").content.decode()
    assert "Sign in" in page
    assert "登录" not in page


def test_the_right_password_leads_to_the_page_asked_for(client: Client) -> None:
    answer = client.post("/login/", {"username": "duty1", "password": PASSWORD, "next": "/cases/?state=open"})
    assert (answer.status_code, answer["Location"]) == (302, "/cases/?state=open")
    assert facade.audit_entries(outcome="logged_in")[0].actor.startswith("person:")


def test_the_account_name_may_be_typed_in_capitals(client: Client) -> None:
    assert attempt(client, " DUTY1 ", PASSWORD) == 302


def test_letters_the_database_takes_for_others_are_no_way_round_the_lock(client: Client) -> None:
    for name in (
        "\N{LATIN SMALL LETTER LONG S}upervisor",
        "w\N{LATIN SMALL LETTER DOTLESS I}ndow",
        "d\N{FULLWIDTH LATIN SMALL LETTER U}ty1",
    ):
        assert attempt(client, name, PASSWORD) == 400
    assert attempt(client, "supervisor", PASSWORD) == 302


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", "javascript:alert(1)"])
def test_the_login_never_leads_off_the_site(client: Client, elsewhere: str) -> None:
    answer = client.post("/login/", {"username": "duty1", "password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/"


def test_a_wrong_password_is_refused_without_saying_what_is_wrong(client: Client) -> None:
    unknown = client.post("/login/", {"username": "nobody", "password": "x"}).content.decode()
    wrong = client.post("/login/", {"username": "duty1", "password": "x"}).content.decode()
    assert "账号或密码不正确" in unknown
    assert "账号或密码不正确" in wrong
    assert {entry.actor for entry in facade.audit_entries(outcome="login_failed")} == {
        "account:nobody",
        "account:duty1",
    }


def test_an_empty_form_is_answered_with_what_is_missing(client: Client) -> None:
    assert attempt(client, "", "") == 400


def test_a_closed_account_cannot_sign_in(client: Client) -> None:
    Person.objects.filter(username="duty1").update(is_active=False)
    assert attempt(client, "duty1", PASSWORD) == 400


def test_too_many_failures_lock_the_account_even_for_the_right_password(client: Client) -> None:
    for _ in range(LOCK_OUT.pair_max):
        assert attempt(client, "duty1", "wrong") == 400
    answer = client.post("/login/", {"username": "duty1", "password": PASSWORD})
    assert answer.status_code == 429
    assert "失败次数过多，请在 15 分钟后再试" in answer.content.decode()
    assert facade.audit_entries(outcome="locked_out")
    assert attempt(client, "duty2", PASSWORD) == 302


def test_the_lock_does_not_hold_from_another_address() -> None:
    for _ in range(LOCK_OUT.pair_max):
        attempt(Client(REMOTE_ADDR="10.0.0.1"), "duty1", "wrong")
    assert attempt(Client(REMOTE_ADDR="10.0.0.1"), "duty1", PASSWORD) == 429
    assert attempt(Client(REMOTE_ADDR="10.0.0.2"), "duty1", PASSWORD) == 302


def test_the_lock_ends_after_its_window(client: Client) -> None:
    for _ in range(LOCK_OUT.pair_max):
        attempt(client, "duty1", "wrong")
    LoginFailure.objects.update(at=timezone.now() - timedelta(seconds=LOCK_OUT.window_s + 1))
    assert attempt(client, "duty1", PASSWORD) == 302


def test_a_success_forgets_the_failures_before_it(client: Client) -> None:
    for _ in range(LOCK_OUT.pair_max - 1):
        attempt(client, "duty1", "wrong")
    assert attempt(client, "duty1", PASSWORD) == 302
    assert not LoginFailure.objects.exists()


def test_whoever_is_signed_in_is_led_on_from_the_login_page(sign_in: SignIn) -> None:
    assert sign_in("duty1").get("/login/")["Location"] == "/"


def test_signing_out_needs_a_post_and_ends_the_session(sign_in: SignIn) -> None:
    client = sign_in("operator")
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/people/").status_code == 302
    assert facade.audit_entries(outcome="logged_out")


def test_the_language_of_a_person_is_remembered_in_another_browser(sign_in: SignIn) -> None:
    sign_in("operator").post("/language/", {"language": "en", "next": "/people/"})
    other = Client()
    other.post("/login/", {"username": "operator", "password": PASSWORD})
    assert "Add a person" in other.get("/people/").content.decode()


def test_a_language_that_does_not_exist_is_refused(client: Client) -> None:
    assert client.post("/language/", {"language": "tlh"}).status_code == 400


def test_ones_own_password_is_changed_and_the_session_stays(sign_in: SignIn) -> None:
    client = sign_in("operator")
    answer = client.post("/password/", {"current": PASSWORD, "new": NEW, "again": NEW})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/people/").status_code == 200
    assert attempt(Client(), "operator", NEW) == 302


@pytest.mark.parametrize(
    ("current", "new", "again", "said"),
    [
        ("wrong", NEW, NEW, "当前密码不正确"),
        (PASSWORD, "short", "short", "10"),
        (PASSWORD, "1234567890", "1234567890", "数字"),
        (PASSWORD, NEW, NEW + "x", "不一致"),
        (PASSWORD, PASSWORD, PASSWORD, "相同"),
    ],
)
def test_a_password_against_the_policy_is_refused(
    sign_in: SignIn, current: str, new: str, again: str, said: str
) -> None:
    answer = sign_in("operator").post("/password/", {"current": current, "new": new, "again": again})
    assert answer.status_code == 400
    assert said in answer.content.decode()


def test_passwords_are_kept_as_scrypt() -> None:
    assert Person.objects.get(username="duty1").password.startswith("scrypt$")


@pytest.mark.django_db(transaction=True)
def test_attempts_side_by_side_are_all_counted() -> None:
    def guess(_number: int) -> int:
        try:
            return attempt(Client(), "duty1", "wrong")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(LOCK_OUT.pair_max + 7)))
    assert answers.count(400) == LOCK_OUT.pair_max
    assert answers.count(429) == 7
