"""What a dispatcher tells goes through the pipeline, is durable, and says who told it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from cityloop.kernel.quality import Quality
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, ReasonKind, Telling, Told
from cityloop.projects.lifelines.models import DeviationReason
from cityloop.projects.lifelines.services.telling import DayUnfitError, FigureUnfitError, NotYetError
from cityloop.projects.lifelines.tests.conftest import Lines
from cityloop.registry import facade as registry
from cityloop.registry.facade import AccessDeniedError
from cityloop.sense import facade as sense

NOW = datetime.now(UTC)
TODAY = facade.local_day(NOW)


@pytest.fixture
def city(transactional_db: None, own_home: object) -> Iterator[Lines]:  # noqa: ARG001  the pipeline is another session
    yield Lines().stand()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sense_observation")


def _tell(city: Lines, value: float, *, username: str = "gas", **more: object) -> int:
    telling = Telling(told=Told.PLAN, day=TODAY, value=value, **more)  # type: ignore[arg-type]
    return facade.tell(Line.GAS, person_id=city.people[username].person_id, telling=telling)


def test_a_correction_keeps_both_figures_and_the_newest_counts(city: Lines) -> None:
    first, second = _tell(city, 4200.0), _tell(city, 4300.0, note="meter read again")
    row = next(one for one in facade.told_rows(Line.GAS, TODAY) if one.told is Told.PLAN)
    assert [(one.observation_id, one.value, one.quality) for one in row.given] == [
        (first, 4200.0, Quality.MANUAL),
        (second, 4300.0, Quality.MANUAL),
    ]
    assert facade.line_day(Line.GAS, datetime.now(UTC)).planned.value == 4300.0
    kept = sense.observation(second)
    assert kept is not None
    assert json.loads(kept.parameters) == {"entered_by": city.people["gas"].actor, "note": "meter read again"}
    assert any(f"reading {second}" in entry.what for entry in registry.audit_entries())


def test_a_figure_that_holds_from_now_on_changes_nothing_before(city: Lines) -> None:
    _tell(city, 4200.0)
    before = datetime.now(UTC)
    _tell(city, 4500.0, from_now=True)
    assert facade.line_day(Line.GAS, before).planned.value == 4200.0
    assert facade.line_day(Line.GAS, datetime.now(UTC)).planned.value == 4500.0


def test_another_groups_dispatcher_is_refused(city: Lines) -> None:
    with pytest.raises(AccessDeniedError):
        _tell(city, 1.0, username="water")
    assert not any(row.given for row in facade.told_rows(Line.GAS, TODAY))


@pytest.mark.parametrize(
    ("more", "error", "field"),
    [
        ({"value": -1.0}, FigureUnfitError, "value"),
        ({"value": float("nan")}, FigureUnfitError, "value"),
        ({"day": TODAY + timedelta(days=8)}, DayUnfitError, "day"),
        ({"day": TODAY - timedelta(days=32)}, DayUnfitError, "day"),
        ({"day": TODAY + timedelta(days=1), "from_now": True}, NotYetError, "from_now"),
    ],
)
def test_a_figure_that_cannot_be_names_its_field(
    city: Lines, more: dict[str, object], error: type[Exception], field: str
) -> None:
    telling = Telling(**({"told": Told.PLAN, "day": TODAY, "value": 1.0} | more))  # type: ignore[arg-type]
    with pytest.raises(error) as found:
        facade.tell(Line.GAS, person_id=city.people["gas"].person_id, telling=telling, now=NOW)
    assert getattr(found.value, "field", None) == field


def test_the_form_keeps_a_figure_and_names_the_field_at_fault(city: Lines) -> None:
    client = Client()
    client.force_login(get_user_model().objects.get(username="gas"))
    told = {"told": "plan", "day": TODAY.isoformat(), "value": "4200"}
    assert client.post("/projects/lifelines/tell/gas/", told).status_code == 302
    assert facade.line_day(Line.GAS, datetime.now(UTC)).planned.value == 4200.0
    answer = client.post("/projects/lifelines/tell/gas/", told | {"value": "-3"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["value"]
    assert city.streams["gas.dispatch.plan"]


def test_a_reason_is_kept_with_who_gave_it(city: Lines) -> None:
    who = city.people["gas"]
    facade.give_reason(Line.GAS, person_id=who.person_id, day=TODAY, kind=ReasonKind.WEATHER, text=" cold wave ")
    facade.give_reason(Line.GAS, person_id=who.person_id, day=TODAY, kind=ReasonKind.EVENT, text="a fair")
    reason = facade.line_day(Line.GAS, datetime.now(UTC)).reason
    assert reason is not None
    assert (reason.text, reason.given_by) == ("a fair", who.actor)
    assert DeviationReason.objects.count() == 2
