"""The page of machines' keys."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from cityloop.registry import facade

SignIn = Callable[[str], Client]
GOOD = {"name": "harvester", "rights": ["read"], "organisation": "water-group", "area": "110105", "valid_until": ""}


def test_a_key_is_issued_shown_once_and_revoked(sign_in: SignIn) -> None:
    browser = sign_in("operator")
    page = browser.post("/tokens/", GOOD | {"valid_until": "2099-01-01"}).content.decode()
    (key,) = re.findall(r'id="secret-shown">([^<]+)<', page)
    (one,) = facade.tokens()
    assert (one.name, one.may_read, one.may_write, one.organisation, one.area) == (
        "harvester",
        True,
        False,
        "water-group",
        "110105",
    )
    assert one.expires_at is not None
    assert key not in browser.get("/tokens/").content.decode()
    assert browser.post(f"/tokens/{one.token_id}/revoke/").status_code == 302
    assert facade.tokens()[0].revoked_at is not None
    assert browser.post(f"/tokens/{one.token_id}/revoke/").status_code == 404
    assert [entry.what for entry in facade.audit_entries(limit=2)] == [
        f"token {one.token_id} revoked",
        "token harvester issued",
    ]


@pytest.mark.parametrize(
    "fault", [{"name": ""}, {"rights": []}, {"rights": ["all"]}, {"organisation": "nobody"}, {"valid_until": "soon"}]
)
def test_a_form_with_faults_makes_nothing(sign_in: SignIn, fault: dict[str, object]) -> None:
    assert sign_in("operator").post("/tokens/", GOOD | fault).status_code == 422
    assert facade.tokens() == []


def test_keys_are_for_whoever_runs_the_platform(sign_in: SignIn) -> None:
    for who in ("duty1", "water.data", "auditor"):
        browser = sign_in(who)
        assert browser.get("/tokens/").status_code == 403
        assert browser.post("/tokens/", GOOD).status_code == 403
        assert browser.post("/tokens/1/revoke/").status_code == 403
    assert facade.tokens() == []


def test_an_empty_list_says_what_to_do(sign_in: SignIn) -> None:
    assert "empty" in sign_in("operator").get("/tokens/").content.decode()


def test_keys_of_devices_are_not_in_the_list(people: object) -> None:  # noqa: ARG001  areas must stand
    facade.issue_token("pump", rights=["write"], thing_id=7)
    assert facade.tokens() == []
    assert [key.name for key in facade.tokens_of_thing(7)] == ["pump"]
