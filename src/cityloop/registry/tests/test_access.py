"""The audited access functions, actors, tokens and the door of the data plane."""

import asyncio
from datetime import timedelta

import numpy as np
import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.utils import timezone

from cityloop.kernel.areas import CITY, AreaCode
from cityloop.kernel.errors import CityloopError, NotAllowedError, NotFoundError
from cityloop.registry import facade
from cityloop.registry.facade import Right
from cityloop.registry.models import ApiToken, AuditEntry, Person
from cityloop.registry.stream import Districts, Rights

pytestmark = [pytest.mark.django_db]

People = dict[str, facade.PersonView]
CHAOYANG, HAIDIAN = AreaCode("110105"), AreaCode("110108")


def test_a_district_person_reaches_the_own_district_and_everything_below(people: People) -> None:
    officer = people["chaoyang.duty"]
    assert facade.may(officer, Right.SEE_CASES, area=CHAOYANG)
    assert facade.may(officer, Right.SEE_CASES, area=AreaCode("110105001001"))
    assert not facade.may(officer, Right.SEE_CASES, area=HAIDIAN)
    assert not facade.may(officer, Right.SEE_CASES, area=CITY)


def test_a_city_person_reaches_every_district(people: People) -> None:
    assert all(facade.may(people["duty1"], Right.ACT_ON_ALARMS, area=one.code) for one in facade.districts())


def test_a_handler_reaches_the_own_organisation_only(people: People) -> None:
    assert facade.may(people["water"], Right.HANDLE_CASES, area=HAIDIAN, organisation="water-group")
    assert not facade.may(people["water"], Right.HANDLE_CASES, area=HAIDIAN, organisation="power-company")


def test_a_refusal_is_an_error_with_an_entry_in_the_audit(people: People) -> None:
    with pytest.raises(NotAllowedError, match="handle cases"):
        facade.require(people["auditor"], Right.HANDLE_CASES, area=CHAOYANG, what="case 17")
    entry = facade.audit_entries()[0]
    assert (entry.what, entry.area, entry.outcome) == ("case 17", "110105", "denied")
    assert entry.right_name.en == "handle cases"


def test_the_refusal_stays_in_the_audit_when_its_transaction_fails(people: People, rf: RequestFactory) -> None:
    @facade.requires(Right.SEE_CASES)
    def view(request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            facade.require(facade.person_of(request), Right.VERIFY_CASES, what="case 18")
        return HttpResponse()

    request = rf.get("/cases/18/")
    request.user = Person.objects.get(pk=people["duty1"].person_id)
    assert view(request).status_code == 403
    assert facade.audit_entries()[0].what == "case 18"


def test_the_audit_cannot_be_changed(people: People) -> None:
    facade.note_change(people["operator"], Right.MANAGE_PEOPLE, what="something", area=CHAOYANG)
    for change in ("UPDATE registry_audit SET what = ''", "DELETE FROM registry_audit"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    assert AuditEntry.objects.count() == 1


def test_the_decorators_leave_their_mark() -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert facade.requires(Right.SEE_WALL)(view).required_right is Right.SEE_WALL
    assert facade.public(view).required_right is None
    assert facade.public(view).is_public
    assert facade.personal(view).is_personal


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads")
async def test_an_async_view_is_guarded_as_a_sync_one(async_rf: AsyncRequestFactory) -> None:
    @facade.requires(Right.SEE_WALL)
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(facade.person_of(request).username)

    person = await Person.objects.acreate(username="a", name_zh="甲", name_en="A")
    request = async_rf.get("/wall/")
    assert (await view(request)).status_code == 302
    request = async_rf.get("/wall/")
    request.user = person
    assert (await view(request)).status_code == 403


def test_an_error_of_a_view_becomes_a_page(people: People, rf: RequestFactory) -> None:
    @facade.requires(Right.SEE_CASES)
    def view(_request: HttpRequest) -> HttpResponse:
        raise NotFoundError(what="case 9")

    request = rf.get("/cases/9/")
    request.user = Person.objects.get(pk=people["duty1"].person_id)
    answer = view(request)
    assert answer.status_code == 404
    assert "case 9" in answer.content.decode()


def test_a_visitor_has_no_rights(rf: RequestFactory) -> None:
    visitor = facade.person_of(rf.get("/"))
    assert visitor.is_visitor
    assert visitor.actor == "visitor:"
    assert not any(facade.may(visitor, right) for right in Right)


def test_those_with_a_right_at_a_place_are_found(people: People) -> None:
    names = {one.username for one in facade.people_with(Right.HANDLE_CASES, CHAOYANG)}
    assert names == {"water", "heat", "power", "gas", "drainage", "chaoyang"}
    assert people["water"].username in {
        one.username for one in facade.people_with(Right.HANDLE_CASES, HAIDIAN, organisation="water-group")
    }
    assert "chaoyang" not in {one.username for one in facade.people_with(Right.HANDLE_CASES, HAIDIAN)}


def test_actors_are_called_by_name(people: People) -> None:
    assert facade.actor_name(people["duty1"].actor).zh == "李晓梅"
    assert facade.actor_name("watch:water-low").en == "watch water-low"
    assert facade.actor_name("system:loop").zh == "系统自动"
    assert facade.actor_name("person:x").en == "person:x"
    assert facade.actor_name("").en == "unknown"


def test_the_demo_has_one_account_for_each_role_of_the_loop_and_is_made_once(people: People) -> None:
    held = {right for one in people.values() for right in one.rights}
    assert held == set(Right)
    before = Person.objects.count()
    assert len(facade.ensure_demo_people("another")) == len(people)
    assert Person.objects.count() == before
    assert Person.objects.get(username="duty1").check_password("a-long-demo-word")


def test_every_organisation_of_the_demo_exists(people: People) -> None:
    for one in people.values():
        assert not one.organisation or facade.organisation(one.organisation).name.zh
    assert facade.organisation_name("nowhere").en == "nowhere"
    with pytest.raises(NotFoundError):
        facade.organisation("nowhere")


@pytest.mark.usefixtures("seeded")
def test_a_token_is_shown_once_and_kept_as_its_hash() -> None:
    token = facade.issue_token("gateway", rights=["read", "write"], area=CHAOYANG)
    row = ApiToken.objects.get()
    assert token not in (row.digest, row.name)
    assert len(row.digest) == 64
    assert facade.tokens()[0].may_write


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("rights", [[], ["read", "delete"]])
def test_a_token_with_other_rights_is_refused(rights: list[str]) -> None:
    with pytest.raises(CityloopError):
        facade.issue_token("gateway", rights=rights, area=CITY)


@pytest.mark.usefixtures("seeded")
def test_a_token_ends_once() -> None:
    facade.issue_token("gateway", rights=["read"], area=CITY)
    facade.revoke_token(facade.tokens()[0].token_id)
    with pytest.raises(NotFoundError):
        facade.revoke_token(facade.tokens()[0].token_id)


@pytest.mark.usefixtures("seeded")
def test_a_shared_token_replaces_the_one_before() -> None:
    for token in ("one", "two", "two"):
        facade.ensure_token("own processes", token, rights=["read", "write"])
    assert len(facade.tokens()) == 1


def _address() -> str:
    settings = connection.settings_dict
    return (
        f"host={settings['HOST']} port={settings['PORT']} dbname={settings['NAME']} user={settings['USER']} "
        f"password='{settings['PASSWORD']}'"
    )


async def _connect() -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(_address())


@pytest.mark.django_db(transaction=True)
def test_the_data_plane_knows_valid_tokens_only() -> None:
    facade.seed()
    read = facade.issue_token("reader", rights=["read"], area=CHAOYANG)
    old = facade.issue_token("old", rights=["write"], area=CITY, expires_at=timezone.now() - timedelta(seconds=1))
    gone = facade.issue_token("gone", rights=["write"], area=CITY)
    facade.revoke_token(facade.tokens()[0].token_id)

    async def load() -> Rights:
        rights = Rights()
        async with await _connect() as database:
            await rights.load(database)
        return rights

    rights = asyncio.run(load())
    found = rights.of_token(read)
    assert found is not None
    assert (found.may_read, found.may_write, found.name) == (True, False, "reader")
    assert found.covers(AreaCode("110105001"))
    assert not found.covers(HAIDIAN)
    assert found.actor == f"token:{found.token_id}"
    assert rights.of_token(old) is None
    assert rights.of_token(gone) is None
    assert rights.of_token("guess") is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("threads")
async def test_a_new_token_is_heard_of_by_a_running_process() -> None:
    await sync_to_async(facade.seed)()
    rights = Rights()
    following = asyncio.create_task(rights.follow(_connect))
    token = await sync_to_async(facade.issue_token)("late", rights=["read"], area=CITY)
    async with asyncio.timeout(20):
        while rights.of_token(token) is None:  # noqa: ASYNC110  polled with a deadline, as every test of the house
            await asyncio.sleep(0)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


@pytest.mark.django_db(transaction=True)
def test_the_data_plane_finds_districts_in_arrays() -> None:
    facade.seed()

    async def load() -> Districts:
        async with await _connect() as database:
            return await Districts().load(database)

    districts = asyncio.run(load())
    assert len(districts) == 16
    codes = districts.locate([116.3975, 116.3059, 0.0, float("nan")], [39.9087, 39.9920, 0.0, 39.9])
    assert codes.tolist() == ["110101", "110108", CITY, CITY]


def test_without_outlines_every_point_lies_in_no_district() -> None:
    assert Districts().locate(np.array([116.4]), np.array([39.9])).tolist() == [CITY]
