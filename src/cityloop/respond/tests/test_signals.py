"""Signals of the public: placed by the loop, merged by their kind's own figures, each reporter told."""

from datetime import datetime, timedelta
from importlib import import_module
from uuid import uuid4

import pytest
from django.db import connection

from cityloop.kernel.areas import AreaCode
from cityloop.registry.facade import PersonView
from cityloop.respond import facade
from cityloop.respond.facade import Place, Report, Source, Step
from cityloop.respond.models import AnswerDue, Case, Kind, Reporter, Retry, Signal
from cityloop.respond.services.placing import PLACED_A_TURN, TRY_AGAIN_MAX, TURN_S_MAX, place_waiting
from cityloop.respond.tests.conftest import NOON

pytestmark = pytest.mark.django_db
People = dict[str, PersonView]
CHAOYANG, HERE = AreaCode("110105"), Place(116.4436, 39.9219)


@pytest.fixture
def library(city: People) -> People:
    facade.seed()
    return city


def waiting(
    kind: str = "street-lamp-out", *, at: datetime = NOON, place: Place | None = HERE, number: int = 1
) -> Signal:
    return Signal.objects.create(
        fact_id=uuid4(),
        kind=Kind.objects.get(code=kind, is_current=True),
        number=f"110105-20261123-9{number:03}",
        source=Source.CITIZEN,
        reporter="visitor:open311",
        area="110105",
        longitude=place.longitude if place else None,
        latitude=place.latitude if place else None,
        title_zh="路灯",
        title_en="lamp",
        description="不亮，电话13800138000",
        received_at=at,
        is_public=True,
    )


def place(now: datetime) -> int:
    """Place what waits in one turn, however slow the machine is."""
    return place_waiting(now, monotonic=lambda: 0.0)


def test_a_waiting_signal_opens_a_case_of_its_number_and_time(library: People) -> None:
    assert library
    signal = waiting()
    assert place(NOON + timedelta(minutes=1)) == 1
    signal.refresh_from_db()
    assert signal.case is not None
    assert (signal.case.number, signal.case.opened_at, signal.case.source) == (signal.number, NOON, "citizen")
    assert place(NOON + timedelta(minutes=2)) == 0


def test_a_signal_from_the_future_waits(library: People) -> None:
    assert library
    waiting(at=NOON + timedelta(hours=1))
    assert place(NOON) == 0


def test_signals_merge_by_the_figures_of_their_kind(library: People) -> None:
    assert library
    near, far = Place(HERE.longitude, HERE.latitude + 0.0005), Place(HERE.longitude, HERE.latitude + 0.0006)
    for number, where in enumerate((HERE, near, far)):
        waiting(place=where, number=number)
    place(NOON)
    assert Case.objects.count() == 2
    assert Signal.objects.filter(merged=True).count() == 1


def test_kinds_of_one_type_merge_and_others_do_not(library: People) -> None:
    assert library
    for number, kind in enumerate(("manhole-cover-missing", "manhole-cover-damaged", "road-damaged")):
        waiting(kind, number=number)
    place(NOON)
    assert sorted(Case.objects.values_list("kind__code", flat=True)) == ["manhole-cover-missing", "road-damaged"]


def test_later_than_its_span_a_signal_is_a_matter_of_its_own(library: People) -> None:
    assert library
    waiting("street-trading", number=1)
    waiting("street-trading", at=NOON + timedelta(hours=12, seconds=1), number=2)
    assert place(NOON + timedelta(days=1)) == 2
    assert Case.objects.count() == 2


def test_one_without_a_point_stays_alone(library: People) -> None:
    assert library
    waiting(place=None, number=1)
    waiting(place=None, number=2)
    place(NOON)
    assert Case.objects.count() == 2


def test_a_flood_is_placed_in_turns(library: People) -> None:
    assert library
    for number in range(60):
        waiting(place=Place(116.3 + number / 500, 39.92), number=number)
    assert (place(NOON), place(NOON)) == (50, 10)


def test_a_slow_turn_ends_early_and_the_next_goes_on(library: People) -> None:
    assert library
    for number in range(5):
        waiting(place=Place(116.3 + number / 50, 39.92), number=number)
    ticks = iter(n * TURN_S_MAX / 2 for n in range(100))
    assert (place_waiting(NOON, monotonic=lambda: next(ticks)), facade.place_signals(NOON) >= 1) == (2, True)


def test_one_that_cannot_be_placed_holds_up_nobody(library: People) -> None:
    assert library
    bad, good = waiting(number=1), waiting("graffiti", number=2)
    Case.objects.create(
        number=bad.number, kind=bad.kind, source="citizen", area="110105", title_zh="x", title_en="x",
        state="closed", opened_at=NOON, moved_at=NOON, handled_at=NOON, last_fact=uuid4(),
    )  # fmt: skip
    assert place(NOON) == 1
    good.refresh_from_db()
    assert good.case is not None


def test_those_that_cannot_be_placed_starve_no_newer_one(library: People, caplog: pytest.LogCaptureFixture) -> None:
    assert library
    bad = [waiting(number=number) for number in range(PLACED_A_TURN)]
    Case.objects.bulk_create(
        Case(
            number=one.number, kind=one.kind, source="citizen", area="110105", title_zh="x", title_en="x",
            state="closed", opened_at=NOON, moved_at=NOON, handled_at=NOON, last_fact=uuid4(),
        )
        for one in bad
    )  # fmt: skip
    good = waiting("graffiti", number=60)
    assert (place(NOON), place(NOON), place(NOON)) == (0, 1, 0)
    good.refresh_from_db()
    assert good.case is not None
    assert "try 1; again after" in caplog.text
    for seconds, tries in ((0.5, 1), (1, 2), (2, 2), (3, 3)):
        place(NOON + timedelta(seconds=seconds))
        assert set(Signal.objects.filter(case=None).values_list("tries", flat=True)) == {tries}


def test_a_signal_that_could_not_be_placed_is_tried_within_the_hour_and_placed(library: People) -> None:
    assert library
    signal = waiting()
    blocking = Case.objects.create(
        number=signal.number, kind=signal.kind, source="citizen", area="110105", title_zh="x", title_en="x",
        state="closed", opened_at=NOON, moved_at=NOON, handled_at=NOON, last_fact=uuid4(),
    )  # fmt: skip
    Signal.objects.update(tries=1000)
    assert place(NOON) == 0
    blocking.delete()
    assert place(NOON + TRY_AGAIN_MAX - timedelta(seconds=1)) == 0
    assert place(NOON + TRY_AGAIN_MAX) == 1


def test_each_reporter_is_told_what_is_news(library: People) -> None:
    for number in (1, 2):
        waiting(number=number)
    place(NOON)
    case = Case.objects.get()
    at = NOON + timedelta(hours=1)
    facade.take_step(case.pk, Step.ACCEPT, person=library["supervisor"], now=at)
    assert [(one.signal_number[-3:], one.news) for one in facade.answers_due()] == [("002", "merged")]
    facade.take_step(case.pk, Step.ORDER_VERIFICATION, person=library["supervisor"], now=at)
    facade.take_step(case.pk, Step.REJECT, person=library["checker"], note="已修好，问13800138000", now=at)
    due = [(one.signal_number[-3:], one.news, one.note) for one in facade.answers_due(case_id=case.pk)]
    assert due == [("002", "merged", ""), ("001", "rejected", "已修好，问•••"), ("002", "rejected", "已修好，问•••")]
    case.refresh_from_db()
    assert case.public_note == "已修好，问•••"


def test_an_alarm_has_nobody_to_be_told(library: People) -> None:
    report = Report(source=Source.HOTLINE, kind="general", area=AreaCode("110105"), place=None, title="来电反映")
    found = facade.report(report, person=library["supervisor"], now=NOON)
    Signal.objects.filter(case=found.case_id).update(source=Source.ALARM)
    facade.take_step(found.case_id, Step.REJECT, person=library["supervisor"], note="重复", now=NOON)
    assert AnswerDue.objects.count() == 0


def test_a_report_by_hand_has_a_number_for_its_reporter_and_is_not_public(library: People) -> None:
    report = Report(
        source=Source.HOTLINE, kind="graffiti", area=AreaCode("110105"), place=HERE, title="电话13800138000"
    )
    first = facade.report(report, person=library["supervisor"], now=NOON)
    again = facade.report(report, person=library["supervisor"], now=NOON)
    assert first.case_id == again.case_id
    numbers = list(Signal.objects.order_by("pk").values_list("number", "is_public", "public_text"))
    assert numbers[0] == (first.number, False, "")
    assert numbers[1][0] not in (None, first.number)


def test_a_note_is_public_only_where_a_signal_of_the_case_is(library: People) -> None:
    at, person = NOON + timedelta(hours=1), library["supervisor"]
    by_hand = Report(source=Source.HOTLINE, kind="street-lamp-out", area=AreaCode("110105"), place=HERE, title="灯")
    found = facade.report(by_hand, person=person, now=NOON)
    assert not facade.is_note_public(found, Step.REJECT)
    waiting(at=NOON + timedelta(minutes=1))
    place(at)
    with pytest.raises(facade.StaleCaseError):
        facade.take_step(found.case_id, Step.REJECT, person=person, version=found.version, note="in the house", now=at)
    found = facade.case(found.case_id)
    assert facade.is_note_public(found, Step.REJECT)
    assert not facade.is_note_public(found, Step.ACCEPT)
    facade.take_step(found.case_id, Step.REJECT, person=person, version=found.version, note="已修好", now=at)
    assert Case.objects.get().public_note == "已修好"


def test_a_note_of_a_case_of_the_house_is_not_public(library: People) -> None:
    by_hand = Report(source=Source.LEADER, kind="graffiti", area=AreaCode("110105"), place=HERE, title="涂鸦")
    found = facade.report(by_hand, person=library["supervisor"], now=NOON)
    facade.take_step(found.case_id, Step.REJECT, person=library["supervisor"], note="in the house", now=NOON)
    assert Case.objects.get().public_note == ""


def test_what_was_public_without_the_public_door_is_hidden_by_the_migration(library: People) -> None:
    assert library
    by_door, _by_hand = waiting(number=1), waiting(number=2)
    Reporter.objects.create(signal=by_door)
    with connection.cursor() as cursor:
        cursor.execute(import_module("cityloop.respond.migrations.0003_placing_and_publicity").HIDE)
    assert list(Signal.objects.filter(is_public=True)) == [by_door]


def test_what_is_near_is_suggested_the_nearest_first(library: People) -> None:
    person = library["supervisor"]
    for number, north in enumerate((0.0008, 0.0)):
        waiting(place=Place(HERE.longitude, HERE.latitude + north), number=number)
    place(NOON)
    found = facade.similar_to("street-lamp-out", HERE, person=person, now=NOON)
    assert [round(one.distance_m) for one in found] == [0, 89]
    assert facade.similar_to("street-lamp-out", HERE, person=person, now=NOON + timedelta(days=4)) == []
    assert facade.similar_to("general", HERE, person=person, now=NOON) == []
    assert facade.similar_to("no-such", HERE, person=person, now=NOON) == []


def test_what_a_person_may_not_see_is_not_suggested(library: People) -> None:
    waiting()
    place(NOON)
    assert facade.similar_to("street-lamp-out", HERE, person=library["water"], now=NOON) == []


def test_the_library_is_seeded_once_and_a_change_is_a_new_version(library: People) -> None:
    assert library
    before = Kind.objects.filter(is_public=True).count()
    assert 20 <= before <= 30
    facade.seed()
    assert Kind.objects.filter(is_public=True).count() == before
    assert not Kind.objects.filter(is_public=True, confirmed=True).exists()
    Kind.objects.filter(code="graffiti").update(merge_distance_m=1.0)
    facade.seed()
    assert list(Kind.objects.filter(code="graffiti").order_by("version").values_list("version", "is_current")) == [
        (1, False),
        (2, True),
    ]


def test_what_nobody_sends_again_is_forgotten(library: People) -> None:
    assert library
    for number, days in enumerate((3, 1)):
        Retry.objects.create(key=str(number), content="x", number="n", received_at=NOON - timedelta(days=days))
    facade.forget_retries(NOON)
    assert list(Retry.objects.values_list("key", flat=True)) == ["1"]


def test_what_another_system_had_finished_opens_a_case_that_is_closed(library: People) -> None:
    standing = waiting(number=1)
    place(NOON)
    ended = waiting(number=2)
    Signal.objects.filter(pk=ended.pk).update(outcome_at=NOON + timedelta(hours=3), outcome_note="fixed")
    place(NOON + timedelta(days=1))
    ended.refresh_from_db()
    standing.refresh_from_db()
    assert ended.case is not None
    assert (ended.case.state, ended.case.closed_at, ended.case.due_at) == ("closed", NOON + timedelta(hours=3), None)
    assert ended.case_id != standing.case_id
    assert facade.answers_due() == []
    assert [one.step for one in facade.steps_of(ended.case_id)] == [Step.TAKE_OVER]
    assert facade.steps_open_to(facade.case(ended.case_id), library["supervisor"], now=NOON + timedelta(days=1))


def test_what_is_reported_now_goes_before_what_is_handed_over(library: People) -> None:
    assert library
    old = [waiting("graffiti", at=NOON - timedelta(days=400 + n), number=n) for n in range(50)]
    fresh = waiting(number=60)
    ticks = iter((0.0, TURN_S_MAX))
    assert place_waiting(NOON, monotonic=lambda: next(ticks)) == 1
    fresh.refresh_from_db()
    assert fresh.case is not None
    assert place(NOON) == len(old)
