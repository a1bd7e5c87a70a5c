"""Two people make the first version at once: one is kept, the other is told so."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line
from cityloop.projects.lifelines.services.reductions import UserListStaleError
from cityloop.projects.lifelines.services.terms import TermChangedError
from cityloop.projects.lifelines.tests.conftest import PASSWORD
from cityloop.projects.lifelines.tests.coordination import MORNING, UNIT, USERS
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from tests.seeds import seed_registry

WAIT_S = 10.0
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


def first_term(people: dict[str, PersonView]) -> None:
    facade.change_term(
        Level.RED, person=people["operator"], hours=1.0, basis=Text("预案", "plan"), confirmed=True, note="n",
        expected_version=0, now=MORNING,
    )  # fmt: skip


def first_list(people: dict[str, PersonView]) -> None:
    facade.change_user_list(Line.GAS, USERS, unit=UNIT, note="n", person=people["gas"], expected_version=0, now=MORNING)


def refusal(edit: Callable[[dict[str, PersonView]], None], people: dict[str, PersonView]) -> CityloopError | None:
    try:
        edit(people)
    except CityloopError as error:
        return error
    finally:
        connection.close()
    return None


def await_somebody_waits() -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    pytest.fail("nobody waited")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("edit", "error"), [(first_term, TermChangedError), (first_list, UserListStaleError)])
def test_two_first_versions_at_once(edit: Callable[[dict[str, PersonView]], None], error: type[CityloopError]) -> None:
    seed_registry()
    registry.ensure_demo_people(PASSWORD)
    people = {one.username: one for one in registry.people()}
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            edit(people)
            other = pool.submit(refusal, edit, people)
            await_somebody_waits()
        refused = other.result(timeout=WAIT_S)
    assert isinstance(refused, error)
    assert refused.status == 409
