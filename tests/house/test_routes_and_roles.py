"""Every route says what right it needs, and keeps to it: all of them are walked with each role, and with none."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cityloop.kernel.areas import CITY
from cityloop.registry import facade
from cityloop.registry.facade import ROLES, Right, Role
from cityloop.registry.models import Person, Post
from cityloop.respond.stream.open311.routes import ROUTES, OpenTo
from cityloop.site.found import project_names
from tests.seeds import seed_registry

ANSWERS_WITH_THE_RIGHT = {200, 302, 404, 405}
"""What a GET with plausible parameters may be answered with: shown, led on, nothing there, only by POST."""

PLAUSIBLE = {"int": "1", "uuid": str(UUID(int=1)), "slug": "water", "str": "water", "path": "water"}
"""A value for each kind of place in a route."""

PLAUSIBLE_NAMED = {"project": project_names(), "code": [*project_names(), "I17"]}
"""Values for places whose name says what they are; the first that there is, is taken."""

QUERIES = {"trace/facts/": "?kind=responded.CaseClosed"}
"""What a page must be asked with."""

OWNER = "water-group"
"""For whom they act who reach their own organisation's matters only: the example of a line is water."""

NO_SUCH_METHOD = 405
"""A page may say so before it asks who is there: it tells nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the site: how it is written, an example of it, and the view behind."""

    pattern: str
    path: str
    view: Any

    @property
    def right(self) -> Right | None:
        """Return what the view says it needs."""
        return self.view.required_right

    @property
    def is_deliberate(self) -> bool:
        """Return whether the view names a right or is marked as open to all, or to all who are signed in."""
        marks = [getattr(self.view, name, False) for name in ("is_public", "is_personal")]
        return getattr(self.view, "required_right", None) is not None or any(marks)


def patterns_below(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, dict[str, str], Any]]:
    for entry in resolver.url_patterns:
        written = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns_below(entry, written)
        elif isinstance(entry, URLPattern):
            yield written, {name: kind_of(item) for name, item in entry.pattern.converters.items()}, entry.callback


def kind_of(converter: object) -> str:
    return type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")


def example_of(written: str, places: dict[str, str]) -> str:
    for name, kind in places.items():
        value = next(iter(PLAUSIBLE_NAMED.get(name, [])), PLAUSIBLE.get(kind, "1"))
        written = written.replace(f"<{kind}:{name}>", value).replace(f"<{name}>", value)
    return "/" + written + QUERIES.get(written, "")


def routes() -> list[Route]:
    found = patterns_below(get_resolver())
    return [Route(written, example_of(written, places), view) for written, places, view in found]


def guarded() -> list[Route]:
    return [route for route in routes() if route.right is not None]


@pytest.fixture
def city(db: None) -> None:  # noqa: ARG001  the database must stand
    """Fill areas and organisations."""
    seed_registry()


def browser_of(role: Role) -> Client:
    person = Person.objects.create(username=role.value, name_zh="甲", name_en="A")
    body = OWNER if ROLES[role].own_organisation_only else None
    Post.objects.create(person=person, role=role, area_id=CITY, organisation_id=body, valid_from=facade.today())
    client = Client()
    client.force_login(person)
    return client


def answer_of(client: Client, path: str, *, method: str = "get") -> int:
    return getattr(client, method)(path).status_code


def test_every_route_names_its_right_or_is_open_on_purpose() -> None:
    assert [route.pattern for route in routes() if not route.is_deliberate] == []


def test_every_example_leads_to_its_own_view() -> None:
    resolved = {route.pattern: get_resolver().resolve(route.path.partition("?")[0]).func for route in routes()}
    assert {route.pattern for route in routes() if resolved[route.pattern] is not route.view} == set()


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize("role", Role)
def test_a_role_reaches_what_its_rights_allow(role: Role) -> None:
    client = browser_of(role)
    answers = {route.path: answer_of(client, route.path) for route in guarded() if route.right in ROLES[role].rights}
    assert {path: got for path, got in answers.items() if got not in ANSWERS_WITH_THE_RIGHT} == {}


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize("role", Role)
def test_a_role_reaches_nothing_else_and_each_refusal_is_audited(role: Role) -> None:
    client = browser_of(role)
    closed = [route.path for route in guarded() if route.right not in ROLES[role].rights]
    answers = {path: [answer_of(client, path, method=method) for method in ("get", "post")] for path in closed}
    assert {path: got for path, got in answers.items() if not keeps_shut(got, refusal=403)} == {}
    refusals = sum(got.count(403) for got in answers.values())
    assert len(facade.audit_entries(outcome="denied", limit=1000)) == refusals


def keeps_shut(answers: list[int], *, refusal: int) -> bool:
    return refusal in answers and set(answers) <= {refusal, NO_SUCH_METHOD}


@pytest.mark.usefixtures("city")
def test_whoever_is_not_signed_in_is_led_to_the_login_page() -> None:
    closed = [route.path for route in routes() if not getattr(route.view, "is_public", False)]
    answers = {path: [getattr(Client(), method)(path) for method in ("get", "post")] for path in closed}
    statuses = {path: [answer.status_code for answer in both] for path, both in answers.items()}
    assert {path: got for path, got in statuses.items() if not keeps_shut(got, refusal=302)} == {}
    led = {
        answer["Location"].partition("?")[0]
        for both in answers.values()
        for answer in both
        if answer.has_header("Location")
    }
    assert led == {"/login/"}


FOR_MACHINES = {"/metrics": 401}
"""Pages that ask for a machine's token themselves, and what they answer without one."""


@pytest.mark.usefixtures("city")
def test_open_pages_answer_everybody() -> None:
    opened = [route for route in routes() if getattr(route.view, "is_public", False)]
    answers = {route.path: answer_of(Client(), route.path) for route in opened}
    assert {path: got for path, got in answers.items() if got not in ANSWERS_WITH_THE_RIGHT} == FOR_MACHINES


OPEN311_FOR_ALL = {
    "GET discovery", "GET v2/discovery", "GET v2/services", "GET v2/services/{it}", "GET v2/requests",
    "GET v2/requests/{it}", "GET v2/tokens/{it}", "GET v2/similar", "GET v2/photos/{it}",
}  # fmt: skip
"""What the public door tells everybody: the list of services, and requests without who made them."""

OPEN311_FOR_REPORTERS = {"POST v2/requests"}
"""What takes something in: from everybody, or from holders of a key where the city has set so."""


def test_every_address_of_the_public_door_is_open_by_an_explicit_rule() -> None:
    told = [(route.open_to, f"{route.methods[0]} {route.path}") for route in ROUTES]
    by_rule = {rule: {address for whom, address in told if whom is rule} for rule in OpenTo}
    assert by_rule == {OpenTo.ALL: OPEN311_FOR_ALL, OpenTo.KEY_WHERE_NEEDED: OPEN311_FOR_REPORTERS}
