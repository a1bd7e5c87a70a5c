"""What the transport is told, byte by byte; the conversation with a real server is in site/tests/test_callout.py."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.convey.stream.callout.claims import (
    Admission,
    ClaimsUnreadableError,
    Login,
    admitting,
    login_of,
    refusing,
)
from cityloop.convey.stream.callout.keys import ACCOUNT, KeyUnreadableError, SigningKey, is_signed, read, written
from cityloop.convey.stream.callout.permissions import TOPICS_MAX, Belongings, Permissions, permissions_of
from cityloop.convey.stream.callout.service import tag_of
from cityloop.kernel.areas import CITY, AreaCode
from cityloop.registry.stream import TokenRights

SERVER = 13
"""Kind of a server's key: the letter N."""

KEYS = st.binary(min_size=32, max_size=32)


def rights(**changes: Any) -> TokenRights:
    """Return a token's rights."""
    return TokenRights(**{"token_id": 7, "name": "t", "may_read": True, "may_write": False, "area": CITY} | changes)


def question(key: SigningKey, server: str, **options: str) -> bytes:
    """Return what a server asks, signed by a key."""
    asked = {
        "server_id": {"id": server, "name": "n"},
        "user_nkey": "U1",
        "client_info": {"host": "10.0.0.9", "mqtt_id": "pump-3"},
        "connect_opts": {"user": "pump-3", "pass": "secret", **options},
    }
    head = base64.urlsafe_b64encode(b"{}").rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps({"iss": server, "nats": asked}).encode()).rstrip(b"=")
    return head + b"." + body + b"." + base64.urlsafe_b64encode(key.sign(head + b"." + body)).rstrip(b"=")


def claims(text: bytes | str) -> dict[str, Any]:
    """Return the claims of a token, unchecked."""
    part = (text if isinstance(text, bytes) else text.encode()).split(b".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    return told


@given(KEYS, st.integers(0, 31))
def test_a_key_is_read_as_it_was_written(key: bytes, kind: int) -> None:
    assert read(written(key, kind=kind)) == key


@given(KEYS, st.integers(0, 55), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_key_with_one_wrong_letter_is_refused(key: bytes, place: int, letter: str) -> None:
    text = written(key, kind=ACCOUNT)
    wrong = text[:place] + letter + text[place + 1 :]
    if wrong != text:
        with pytest.raises(KeyUnreadableError):
            read(wrong)


@pytest.mark.parametrize("text", ["", "A", "é" * 56, "B" * 56, "1" * 56])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyUnreadableError):
        read(text)


def test_an_accounts_key_begins_with_its_letter() -> None:
    assert SigningKey(bytes(32)).public.startswith("A")
    assert len(SigningKey(bytes(32)).public) == 56


def test_the_servers_question_tells_who_wants_to_come_in() -> None:
    key = SigningKey(bytes(range(32)))
    server = written(read(key.public), kind=SERVER)
    login = login_of(question(key, server))
    assert login == Login(server, "U1", "pump-3", "secret", "10.0.0.9", "pump-3")


def test_a_question_signed_by_another_is_refused() -> None:
    server = written(read(SigningKey(bytes(32)).public), kind=SERVER)
    with pytest.raises(ClaimsUnreadableError):
        login_of(question(SigningKey(b"\1" * 32), server))


@given(st.binary(max_size=200))
def test_garbage_is_no_question(data: bytes) -> None:
    for text in (data, b"a." + data + b".b", b"e30." + base64.urlsafe_b64encode(data) + b".AA"):
        with pytest.raises((ClaimsUnreadableError, KeyUnreadableError)):
            login_of(text)


def test_an_admission_says_what_may_be_done_and_until_when() -> None:
    key, login = SigningKey(bytes(32)), Login("NX", "UX", "n", "p", "h", "c")
    answer = admitting(login, Admission("token:1", Permissions(publish=("a", "b")), 99), key, now_s=9)
    told = claims(answer)
    assert (told["aud"], told["sub"], told["iss"], told["iat"]) == ("NX", "UX", key.public, 9)
    user = claims(told["nats"]["jwt"])
    assert (user["aud"], user["exp"], user["name"], user["sub"]) == ("DEVICES", 99, "token:1", "UX")
    assert user["nats"]["pub"] == {"allow": ["a", "b"]}
    assert user["nats"]["sub"] == {"deny": [">"]}
    assert user["nats"]["allowed_connection_types"] == ["MQTT"]
    message, _, signature = answer.rpartition(b".")
    assert is_signed(key.public, message, base64.urlsafe_b64decode(signature + b"=="))


def test_a_refusal_admits_nobody() -> None:
    told = claims(refusing(Login("NX", "UX", "n", "p", "h", "c"), "no", SigningKey(bytes(32)), now_s=9))
    assert told["nats"]["error"] == "no"
    assert "jwt" not in told["nats"]


def test_a_device_speaks_for_its_own_streams_and_hears_its_own_tasks() -> None:
    device = rights(thing_id=4, may_write=True, organisation="water-group")
    allowed = permissions_of(device, Belongings("pump-3", (1, 2), visible_streams=(1, 2, 3), capabilities=(8,)))
    assert allowed.publish == (
        "mouth.v1//1.Datastreams(1).Observations",
        "mouth.v1//1.Datastreams(2).Observations",
        "mouth.devices.pump-3.up",
        "mouth.v1//1.TaskingCapabilities(8).*.status",
    )
    assert allowed.subscribe == ("devices.pump-3.>", "v1//1.TaskingCapabilities(8).Tasks")


def test_a_device_in_no_ledger_neither_reports_on_itself_nor_hears_tasks() -> None:
    allowed = permissions_of(rights(thing_id=4, may_write=True), Belongings(own_streams=(1,)))
    assert allowed == Permissions(publish=("mouth.v1//1.Datastreams(1).Observations",))


def test_the_citys_own_machine_reaches_all_that_its_rights_name() -> None:
    assert permissions_of(rights(), Belongings()) == Permissions(subscribe=("v1//1.>",))
    writer = rights(may_read=False, may_write=True)
    assert permissions_of(writer, Belongings()) == Permissions(publish=("mouth.v1//1.>",))


@pytest.mark.parametrize("limit", [{"organisation": "water-group"}, {"area": AreaCode("110101")}])
def test_a_limited_machine_hears_what_it_may_see_and_no_wildcard(limit: dict[str, Any]) -> None:
    allowed = permissions_of(rights(may_write=True, **limit), Belongings(own_streams=(5,), visible_streams=(5, 6)))
    heard = [(f"v1//1.Datastreams({number})", f"v1//1.Datastreams({number}).*") for number in (5, 6)]
    assert allowed.subscribe == (*heard[0], *heard[1])
    assert allowed.publish == ("mouth.v1//1.Datastreams(5).Observations",)


def test_more_streams_than_can_be_told_are_cut_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    seen = tuple(range(TOPICS_MAX + 1))
    allowed = permissions_of(rights(organisation="o"), Belongings(visible_streams=seen))
    assert len(allowed.subscribe) == 2 * TOPICS_MAX
    assert "over MQTT it reaches the first" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"may_write": True},
        {"area": AreaCode("110101")},
        {"organisation": "o"},
        {"thing_id": 3},
        {"datasets": frozenset({"d"})},
        {"token_id": 8},
    ],
)
def test_a_connections_name_changes_with_any_right(change: dict[str, Any]) -> None:
    assert tag_of(rights(**change)) != tag_of(rights())
    assert tag_of(rights(datasets=frozenset("ab"))) == tag_of(rights(datasets=frozenset("ba")))
