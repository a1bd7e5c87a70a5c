"""The pages of shared data: by role, in both languages, and the whole way of a contract through them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from cityloop.convey.facade import sharing
from cityloop.convey.models import Access
from cityloop.convey.tests.sharing.conftest import SharedCity
from cityloop.registry import facade as registry

Browse = Callable[..., Client]
CATALOGUE, CONTRACTS = "/catalogue/", "/contracts/"


@pytest.fixture
def browse(shared: SharedCity) -> Browse:
    assert shared.people

    def signed_in(who: str, language: str = "zh-hans") -> Client:
        client = Client()
        client.cookies["django_language"] = language
        client.force_login(get_user_model().objects.get(username=who))
        return client

    return signed_in


def text_of(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, f"{path}: {answer.status_code}"
    return answer.content.decode()


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", ("凭协议共享", "供水")), ("en", ("by contract", "供水 in English"))]
)
def test_the_catalogue_is_shown_in_both_languages(browse: Browse, language: str, words: tuple[str, ...]) -> None:
    client = browse("duty1", language)
    for path in (
        CATALOGUE,
        f"{CATALOGUE}?text=water&owner=&theme=water",
        f"{CATALOGUE}water/",
        f"{CATALOGUE}statistics/",
    ):
        text_of(client, path)
    text = text_of(client, CATALOGUE)
    assert all(word in text for word in words)


@pytest.mark.parametrize("who", ["citizen", "auditor", "water", "assessor"])
def test_who_may_not_see_the_catalogue_is_told(browse: Browse, who: str) -> None:
    for path in (CATALOGUE, f"{CATALOGUE}water/", CONTRACTS, f"{CATALOGUE}reads/", f"{CATALOGUE}new/"):
        text_of(browse(who), path, 403)


def test_values_are_shown_to_those_who_may_read_them(shared: SharedCity, browse: Browse) -> None:
    path = f"{CATALOGUE}water/"
    assert "仅向有权读取者显示" in text_of(browse("air.data"), path)
    for who in ("water.data", "duty1"):
        assert "仅向有权读取者显示" not in text_of(browse(who), path)
    assert "仅向有权读取者显示" in text_of(browse("operator"), path)
    shared.contract("water")
    assert "仅向有权读取者显示" not in text_of(browse("air.data"), path)


def test_a_contract_goes_its_whole_way_over_the_pages(browse: Browse) -> None:
    asker, owner = browse("air.data"), browse("water.data")
    today = timezone.localdate()
    fields = {
        "asker": "environment-bureau",
        "purpose": "研判",
        "legal_basis": "预案",
        "since": today,
        "until": today + timedelta(days=9),
    }
    answer = asker.post(f"{CATALOGUE}water/ask/", fields)
    assert answer.status_code == 302
    page = answer["Location"]
    assert "待本单位审批" in text_of(owner, CONTRACTS)
    assert "研判" in text_of(owner, page)
    until = timezone.localtime() + timedelta(days=2)
    answer = owner.post(
        f"{page}decide/", {"decision": "approve", "until": until.strftime("%Y-%m-%dT%H:%M"), "note": ""}
    )
    assert answer.status_code == 302
    assert "执行中" in text_of(asker, page)
    shown = asker.post(f"{page}tokens/", {"name": "预报系统"}).content.decode()
    token = re.search(r'id="secret-shown">([^<]+)<', shown)[1]
    assert registry.may_token_read(token, now=datetime.now(UTC))
    assert token not in text_of(asker, page)
    number = registry.tokens(organisation="environment-bureau")[0].token_id
    assert asker.post(f"{page}tokens/{number}/revoke/").status_code == 302
    assert not registry.may_token_read(token, now=datetime.now(UTC))
    answer = asker.post(f"{page}webhooks/", {"url": "https://10.0.0.1/x"})
    assert answer.status_code == 400
    assert "公网 https" in answer.content.decode()
    shown = asker.post(f"{page}webhooks/", {"url": "https://receiver.example/x"}).content.decode()
    assert re.search(r'id="secret-shown">[0-9a-f]{64}<', shown)
    (hook,) = sharing.subscriptions(int(page.split("/")[2]))
    again = asker.post(f"{page}webhooks/{hook.subscription_id}/", {"step": "key"}).content.decode()
    assert re.search(r'id="secret-shown">[0-9a-f]{64}<', again)[0] not in shown
    assert asker.post(f"{page}webhooks/{hook.subscription_id}/", {"step": "stop"}).status_code == 302
    assert asker.post(f"{page}letters/1/again/").status_code == 404
    answer = owner.post(f"{page}end/", {"note": ""})
    assert answer.status_code == 400
    assert "请填写理由" in answer.content.decode()
    assert owner.post(f"{page}end/", {"note": "完成"}).status_code == 302
    for client in (asker, owner):
        assert "提供方已终止" in text_of(client, page)
    assert "receiver.example" not in text_of(owner, page), "the address is the asking side's"


def test_the_owner_does_not_decide_for_longer_than_was_asked(shared: SharedCity, browse: Browse) -> None:
    asked = shared.ask("water", days=3)
    page = f"{CONTRACTS}{asked.contract_id}/"
    late = timezone.localtime() + timedelta(days=30)
    answer = browse("water.data").post(
        f"{page}decide/", {"decision": "approve", "until": late.strftime("%Y-%m-%dT%H:%M")}
    )
    assert answer.status_code == 400
    assert "批准期限不得超过申请期限" in answer.content.decode()
    answer = browse("water.data").post(f"{page}decide/", {"decision": "approve", "until": "x"})
    assert answer.status_code == 422
    answer = browse("water.data").post(f"{page}decide/", {"decision": "refuse", "note": "涉密"})
    assert answer.status_code == 302
    assert sharing.contract(asked.contract_id).state is sharing.ContractState.REFUSED


def test_strangers_find_no_contract_and_may_do_nothing_to_it(shared: SharedCity, browse: Browse) -> None:
    contract = shared.contract("water")
    page = f"{CONTRACTS}{contract.contract_id}/"
    text_of(browse("duty1"), page, 404)
    assert "执行中" in text_of(browse("operator"), page)
    assert browse("operator").post(f"{page}end/", {"note": "x"}).status_code == 403
    assert browse("water.data").post(f"{page}tokens/", {"name": "x"}).status_code == 403
    assert sharing.contract(contract.contract_id).state is sharing.ContractState.RUNNING


def test_a_data_set_is_entered_and_changed_over_the_form(shared: SharedCity, browse: Browse) -> None:
    client = browse("water.data", "en")
    text_of(client, f"{CATALOGUE}new/")
    fields = {
        "code": "pressure",
        "owner": "water-group",
        "title_zh": "压力",
        "title_en": "Pressure",
        "description_zh": "说明",
        "description_en": "What",
        "theme": "water",
        "openness": "contract",
        "frequency": "hourly",
        "area": "110000",
        "licence_zh": "条款",
        "licence_en": "terms",
        "contact_name": "林芳",
        "contact_email": "a@example.org",
        "datastream_ids": "x",
    }
    answer = client.post(f"{CATALOGUE}new/", fields)
    assert answer.status_code == 422
    assert "no numbers of datastreams" in answer.content.decode()
    fields["datastream_ids"] = f"{shared.streams['water-a']}, {shared.streams['water-b']}"
    answer = client.post(f"{CATALOGUE}new/", fields)
    assert answer["Location"] == f"{CATALOGUE}pressure/"
    assert "2 more are in other data sets" in text_of(client, f"{CATALOGUE}pressure/")
    edit = f"{CATALOGUE}water/edit/"
    assert 'value="供水"' in text_of(client, edit)
    changed = {**fields, "title_en": "Renamed", "version": 1, "keywords_zh": "供水，水务", "datastream_ids": ""}
    assert client.post(edit, changed).status_code == 302
    assert sharing.dataset("water").about.keywords_zh == ("供水", "水务")
    assert client.post(edit, changed).status_code == 422, "somebody was quicker"
    assert browse("air.data").post(edit, changed).status_code == 403
    text_of(browse("air.data"), edit, 403)
    assert client.post(f"{CATALOGUE}new/", {**fields, "code": "water"}).status_code == 422


def read_of(contract: sharing.ContractView, **changed: object) -> None:
    values = {
        "kind": "feed",
        "path": "/feeds/datasets/water/",
        "rows": 3,
        "organisation": "environment-bureau",
        "token_name": "=cmd()",
        "datasets": ["water"],
        "owners": ["water-group"],
        "contracts": [contract.contract_id],
    }
    Access.objects.create(**(values | changed))


def test_the_owner_reads_and_filters_the_log_and_takes_it_away(shared: SharedCity, browse: Browse) -> None:
    contract = shared.contract("water")
    log = f"{CATALOGUE}reads/"
    assert "还没有人读取" in text_of(browse("water.data"), log)
    read_of(contract)
    read_of(contract, kind="features", path="/other", whole=True)
    owner = browse("water.data")
    assert "/feeds/datasets/water/" in text_of(owner, log)
    filtered = text_of(
        owner, f"{log}?kind=features&dataset=water&organisation=environment-bureau&contract={contract.contract_id}"
    )
    assert "查询全部共享数据" in filtered
    assert "/feeds/datasets/water/" not in filtered
    assert "还没有人读取" in text_of(browse("air.data"), log), "others' data is not theirs to see"
    document = text_of(owner, f"{CATALOGUE}reads.csv")
    assert "'=cmd()" in document
    assert document.count("\r\n") == 3
    for who in ("air.data", "water.data"):
        assert "2 次读取" in text_of(browse(who), f"{CONTRACTS}{contract.contract_id}/")
    assert "exchange-data" in text_of(browse("leader"), f"{CATALOGUE}statistics/")


def test_harvesters_hear_of_open_data_sets_and_with_a_token_of_all_that_are_offered(
    shared: SharedCity, browse: Browse
) -> None:
    path, token = f"{CATALOGUE}dcat", shared.token("heat-group")
    stranger = Client()
    assert "catalogue/air/#dataset" in stranger.get(f"{path}.ttl").content.decode()
    assert "catalogue/water/" not in stranger.get(f"{path}.ttl").content.decode()
    assert stranger.get(path)["Content-Type"].startswith("text/turtle")
    assert stranger.get(path, headers={"accept": "application/ld+json"})["Content-Type"].startswith(
        "application/ld+json"
    )
    for found in (
        stranger.get(f"{path}.jsonld", headers={"authorization": f"Bearer {token}"}),
        browse("duty1").get(f"{path}.jsonld"),
    ):
        assert "catalogue/water/" in found.content.decode()
    for client, headers in ((browse("citizen"), {}), (stranger, {"authorization": "Bearer wrong"})):
        assert "catalogue/water/" not in client.get(f"{path}.ttl", headers=headers).content.decode()


def test_what_other_catalogues_offer_is_shown_as_text(browse: Browse) -> None:
    document = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
    <https://o.example/1> a dcat:Dataset ; dct:title "<script>alert(1)</script>" ;
      dcat:landingPage <https://o.example/p> ."""
    sharing.import_catalogue(document.encode(), kind="ttl", source="o.ttl")
    text = text_of(browse("duty1"), CATALOGUE)
    assert "&lt;script&gt;" in text
    assert 'href="https://o.example/p"' in text
    assert "<script>alert" not in text
