"""The watch editor with what single kinds need: filled in, shown, tried, changed, refused with a reason."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cityloop.decide import facade
from cityloop.decide.models import Watch
from cityloop.decide.tests.conftest import City
from cityloop.decide.tests.test_watch_editor import FIELDS, Keep, browser
from cityloop.kernel.levels import Level
from cityloop.kernel.terms import Terms

COUNT = FIELDS | {
    "kind": "count", "level_2": "3", "level_4": "2", "hysteresis": "0", "count_span_s": "60", "count_limit": "0.5",
}  # fmt: skip
MINUTES = FIELDS | {
    "kind": "minutes", "level_2": "10", "level_4": "30", "hysteresis": "5", "minutes_limit": "0.1",
    "minutes_is_below": "on", "minutes_readings": "6",
}  # fmt: skip
SCHEDULE = FIELDS | {
    "kind": "schedule", "level_2": "", "level_4": "0.1", "hysteresis": "0",
    "schedule_permitted": "1-5 06:00-22:00\r\n\r\nrest 08:00-20:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "terms", "unit", "said"),
    [
        (COUNT, Terms(span_s=60.0, limit=0.5), "×", "Readings counted: 0.5 and above"),
        (MINUTES, Terms(limit=0.1, is_below=True, readings=6), "min", "slope of 6 readings"),
        (SCHEDULE, Terms(permitted=("1-5 06:00-22:00", "rest 08:00-20:00")), "MPa", "1-5 06:00-22:00; rest"),
    ],
)
@pytest.mark.usefixtures("city")
def test_a_person_makes_a_watch_with_terms_and_changes_it(
    fields: dict[str, str], terms: Terms, unit: str, said: str
) -> None:
    client = browser("operator")
    assert client.post("/watches/new/", fields).status_code == 302
    view = facade.watch("own.1")
    assert (view.terms, view.unit, view.enabled) == (terms, unit, False)
    assert said in client.get("/watches/").text
    page = client.get("/watches/own.1/")
    assert said in page.text
    names = {name for name, _ in terms_fields(page.context["form"])}
    assert names == {name for name in page.context["form"].fields if name.startswith(f"{view.kind}_")}
    changed = {name: value for name, value in fields.items() if name != "kind"} | {"version": "1"}
    assert client.post("/watches/own.1/", changed | {"note": "second"}).status_code == 302
    assert (facade.watch("own.1").terms, facade.watch("own.1").version) == (terms, 2)


def terms_fields(form) -> list[tuple[str, object]]:  # noqa: ANN001  a form of any kind
    return [(field.name, field) for _, fields in form.term_groups() for field in fields]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (COUNT | {"count_span_s": ""}, "count_span_s"),
        (COUNT | {"count_limit": ""}, "count_limit"),
        (COUNT | {"count_watches": "quick"}, "count_limit"),
        (COUNT | {"count_span_s": "-1"}, "count_span_s"),
        (MINUTES | {"minutes_limit": "nan"}, "minutes_limit"),
        (MINUTES | {"minutes_readings": "31"}, "minutes_readings"),
        (MINUTES | {"hysteresis": "0"}, "__all__"),
        (SCHEDULE | {"schedule_permitted": "whenever"}, "__all__"),
        (SCHEDULE | {"schedule_permitted": ""}, "__all__"),
        (SCHEDULE | {"schedule_permitted": "x" * 4001}, "schedule_permitted"),
    ],
)
@pytest.mark.parametrize("do", ["keep", "try"])
@pytest.mark.usefixtures("city")
def test_what_cannot_be_used_is_refused_at_its_field(fields: dict[str, str], field: str, do: str) -> None:
    answer = browser("operator").post("/watches/new/", fields | {"do": do})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Watch.objects.exists()


def test_terms_are_tried_on_history(city: City, keep_history: Keep) -> None:
    now = timezone.now()
    keep_history(city.first, [(now - timedelta(days=3, seconds=-n), 0.6 if n < 3 else 0.1) for n in range(100)])
    client = browser("operator", "zh-hans")
    held = client.post("/watches/new/", COUNT | {"enabled": "on"})
    assert held.status_code == 200
    assert held.context["picture"]["found"].firings == 1
    assert held.context["picture"]["found"].tallies[Level.ORANGE].entered == 1
    assert "时间窗内次数过多" in held.text
    other = {name: held.context["form"].data[name] for name in ("tried",)} | {"count_span_s": "61"}
    assert client.post("/watches/new/", COUNT | {"enabled": "on"} | other).status_code == 200
    assert not Watch.objects.exists()
    tried = {"tried": held.context["form"].data["tried"]}
    assert client.post("/watches/new/", COUNT | {"enabled": "on"} | tried).status_code == 302
    assert facade.watch("own.1").enabled
