"""Requests to upstream in the database: hands, steps, the frozen picture, deadlines, the trace."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from cityloop.command import facade as command
from cityloop.journal import facade as journal
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import CityloopError, InvalidFieldError, NotAllowedError, NotFoundError
from cityloop.kernel.facts import Fact, Ref, RefKind
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines import facade
from cityloop.projects.lifelines.facade import Line, Outcome, RequestState, RequestStep
from cityloop.projects.lifelines.facts import AnswerOverdue, RequestClosed, RequestStepped
from cityloop.projects.lifelines.models import RequestStepRow, UpstreamRequest
from cityloop.projects.lifelines.rules import requests as rules
from cityloop.projects.lifelines.rules.pictures import frozen, seal_of
from cityloop.projects.lifelines.rules.terms import TermUnfitError
from cityloop.projects.lifelines.services import requests as services
from cityloop.projects.lifelines.services.terms import TermChangedError
from cityloop.projects.lifelines.tests.conftest import PASSWORD
from cityloop.projects.lifelines.tests.coordination import MIDNIGHT, MORNING, changes, picture, wish
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from tests.seeds import seed_registry

pytestmark = pytest.mark.django_db
People = dict[str, PersonView]
Step = Callable[..., facade.RequestView]


@pytest.fixture
def people() -> People:
    seed_registry()
    registry.ensure_demo_people(PASSWORD)
    return {one.username: one for one in registry.people()}


@pytest.fixture
def draft(people: People) -> Callable[..., facade.RequestView]:
    def make(who: str = "gas", *, level: Level | None = Level.ORANGE, line: Line = Line.GAS, **more: object):  # noqa: ANN202
        asked = wish(**more.pop("wish", {}))
        values = {"token": uuid4(), "now": MORNING, **more}
        number = facade.draft_request(line, asked, picture(level, line=line), person=people[who], **values)
        return facade.request_for(people["leader"], number)

    return make


@pytest.fixture
def step(people: People) -> Step:
    def take(found: facade.RequestView, kind: RequestStep, who: str, *, minutes: int = 1, **more: object):  # noqa: ANN202
        version = more.pop("version", facade.request_for(people["leader"], found.request_id).version)
        facade.take_request_step(
            found.request_id, kind, changes(**more), person=people[who], version=version,
            now=MORNING + timedelta(minutes=minutes),
        )  # fmt: skip
        return facade.request_for(people["leader"], found.request_id)

    return take


@pytest.fixture
def sent(draft: Callable[..., facade.RequestView], step: Step) -> facade.RequestView:
    found = step(draft(), RequestStep.APPROVE, "leader")
    return step(found, RequestStep.SEND, "gas")


def fact_of(fact_id: UUID) -> Fact:
    entry = journal.fact_with_id(fact_id)
    assert entry is not None
    return entry.fact


def number_of(kind: type[Fact]) -> int:
    return len(journal.newest_facts(kinds=[kind], limit=50))


def test_a_draft_keeps_its_picture_with_its_seal(draft: Callable[..., facade.RequestView]) -> None:
    found = draft()
    assert (found.state, found.level, found.number) == (RequestState.DRAFT, Level.ORANGE, "UR-20100105-001")
    assert facade.picture_of_request(found.request_id) == picture()
    assert found.seal == seal_of(frozen(picture()))
    assert facade.is_seal_whole(found.request_id)
    assert draft().number == "UR-20100105-002"


FROZEN = ("picture = '{}'", "seal = ''", "as_of = now()", "position = 7", "token = gen_random_uuid()", "number = 'UR'")


@pytest.mark.parametrize("column", [*FROZEN, "drafted_by = 'person:1'", "drafted_at = now()"])
def test_the_database_keeps_the_picture_as_it_was(column: str, draft: Callable[..., facade.RequestView]) -> None:
    found = draft()
    for order in (f"UPDATE lifelines_request SET {column}", "DELETE FROM lifelines_request"):
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(order)
    assert facade.is_seal_whole(found.request_id)


def test_the_same_form_twice_is_one_draft(draft: Callable[..., facade.RequestView]) -> None:
    token = uuid4()
    assert draft(token=token).request_id == draft(token=token).request_id
    assert UpstreamRequest.objects.count() == RequestStepRow.objects.count() == 1


def test_the_way_of_the_plan_is_walked_and_the_trace_opens_down_to_the_draft(
    sent: facade.RequestView, step: Step, people: People
) -> None:
    found = step(sent, RequestStep.ACCEPT_PARTLY, "gas", quantity=500.0, answered_by="王调度")
    assert (found.state, found.granted, found.answered_by) == (RequestState.PARTLY, 500.0, "王调度")
    days = ((date(2010, 1, 5), 300.0), (date(2010, 1, 5), 400.0), (date(2010, 1, 4), 200.0))
    for day, quantity in days:
        found = step(found, RequestStep.NOTE_DELIVERY, "gas", day=day, quantity=quantity)
    assert facade.delivered_mean(found.request_id) == 300.0
    assert [(one.quantity, one.counts) for one in facade.deliveries_of(found.request_id)] == [
        (200.0, True), (300.0, False), (400.0, True),
    ]  # fmt: skip
    found = step(found, RequestStep.FINISH_DELIVERY, "gas")
    found = step(found, RequestStep.CLOSE, "duty1", note="恢复平衡")
    assert (found.state, found.outcome, found.is_open) == (RequestState.CLOSED, Outcome.DELIVERED, False)
    steps = facade.request_steps(found.request_id)
    assert [one.role for one in steps][:3] == ["lifeline_dispatcher", "city_leader", "lifeline_dispatcher"]
    assert all(one.fact_id for one in steps)
    chain = command.chain_of_fact(found.last_fact, reader=people["duty1"])
    assert len(chain.causes) == len(steps)
    assert chain.subject.title == Text("协调上游资源办结", "Request to upstream closed")
    details = {one.title.en: one for one in chain.subject.details}
    assert details["Delivered, daily mean"].value == 300.0
    assert details["Request to upstream"].link == f"/projects/lifelines/requests/{found.request_id}/"
    closed = fact_of(found.last_fact)
    assert isinstance(closed, RequestClosed)
    assert (closed.outcome, closed.on_time, closed.granted) == ("delivered", True, 500.0)


def test_readings_alarm_and_case_are_causes(people: People) -> None:
    now = {"person": people["gas"], "token": uuid4(), "now": MORNING}
    with pytest.raises(NotFoundError):
        facade.draft_request(Line.GAS, wish(), picture(), alarm_id=77, **now)
    with pytest.raises(NotFoundError):
        facade.draft_request(Line.GAS, wish(), picture(), case_id=77, **now)
    number = facade.draft_request(Line.GAS, wish(), picture(readings=(8, 5)), **now)
    fact = fact_of(facade.request_for(people["gas"], number).last_fact)
    assert isinstance(fact, RequestStepped)
    assert fact.causes == (Ref.observation(8), Ref.observation(5))
    assert {cause.kind for cause in fact.causes} == {RefKind.OBSERVATION}


@pytest.mark.parametrize("level", [Level.RED, Level.ORANGE, Level.YELLOW, None])
def test_what_is_grave_is_approved_by_the_city_leader(
    level: Level | None,
    draft: Callable[..., facade.RequestView],
    step: Step,
) -> None:
    found = draft(level=level)
    if facade.is_grave(level):
        with pytest.raises(NotAllowedError):
            step(found, RequestStep.APPROVE, "duty1")
        assert step(found, RequestStep.APPROVE, "leader").state is RequestState.APPROVED
    else:
        assert step(found, RequestStep.APPROVE, "duty1").state is RequestState.APPROVED


def test_the_duty_officer_does_not_approve_what_he_drafted(
    draft: Callable[..., facade.RequestView], step: Step
) -> None:
    found = draft("duty1", level=Level.BLUE)
    with pytest.raises(rules.OwnRequestError):
        step(found, RequestStep.APPROVE, "duty1")
    assert step(found, RequestStep.APPROVE, "duty2").state is RequestState.APPROVED


@pytest.mark.parametrize("who", ["water", "leader", "auditor", "citizen", "chaoyang.duty", "operator"])
def test_only_the_own_dispatcher_and_the_duty_officer_draft(who: str, draft: Callable[..., facade.RequestView]) -> None:
    with pytest.raises(NotAllowedError):
        draft(who)
    assert UpstreamRequest.objects.count() == 0


def test_another_dispatcher_neither_sees_nor_moves_it(sent: facade.RequestView, step: Step, people: People) -> None:
    with pytest.raises(NotAllowedError):
        facade.request_for(people["water"], sent.request_id)
    with pytest.raises(NotAllowedError):
        step(sent, RequestStep.ACCEPT, "water")
    assert facade.requests_of(people["water"]) == []
    assert [one.request_id for one in facade.requests_of(people["gas"])] == [sent.request_id]
    assert [one.right for one in registry.audit_entries(outcome="denied", limit=9)] == ["see_coordination"]


def test_a_party_of_the_register_sees_and_answers_what_it_is_asked(
    draft: Callable[..., facade.RequestView], step: Step, people: People
) -> None:
    found = draft("heat", line=Line.HEAT, wish={"party_organisation": "gas-group"})
    found = step(step(found, RequestStep.APPROVE, "leader"), RequestStep.SEND, "heat")
    assert [one.request_id for one in facade.requests_of(people["gas"])] == [found.request_id]
    with pytest.raises(NotAllowedError):
        step(found, RequestStep.WITHDRAW, "gas")
    moves = {one.step for one in facade.request_steps_open_to(found, people["gas"])}
    assert moves == {RequestStep.ACCEPT, RequestStep.ACCEPT_PARTLY, RequestStep.REFUSE}
    assert step(found, RequestStep.REFUSE, "gas", note="没有余量").granted == 0.0


def test_the_leader_sends_back_and_the_drafter_revises(draft: Callable[..., facade.RequestView], step: Step) -> None:
    found = step(draft(), RequestStep.SEND_BACK, "leader", note="数量偏大")
    with pytest.raises(rules.SentBackError):
        step(found, RequestStep.APPROVE, "leader")
    found = step(found, RequestStep.REVISE, "gas", wish=wish(quantity=600.0), note="已核减")
    assert (found.state, found.quantity, found.version) == (RequestState.DRAFT, 600.0, 3)
    assert step(found, RequestStep.APPROVE, "leader").state is RequestState.APPROVED


def test_a_decision_on_an_old_version_is_refused_and_nothing_is_written(sent: facade.RequestView, step: Step) -> None:
    steps, facts = RequestStepRow.objects.count(), number_of(RequestStepped)
    with pytest.raises(services.RequestChangedError):
        step(sent, RequestStep.ACCEPT, "gas", version=sent.version - 1)
    with pytest.raises(rules.QuantityUnfitError):
        step(sent, RequestStep.ACCEPT_PARTLY, "gas", quantity=900.0)
    with pytest.raises(CityloopError):
        step(sent, RequestStep.CLOSE, "duty1")
    assert RequestStepRow.objects.count() == steps
    assert number_of(RequestStepped) == facts


def test_the_same_step_twice_is_taken_once(sent: facade.RequestView, step: Step) -> None:
    token = uuid4()
    first = step(sent, RequestStep.ACCEPT, "gas", token=token, version=sent.version)
    again = step(sent, RequestStep.ACCEPT, "gas", token=token, version=sent.version)
    assert first == again
    assert first.granted == 800.0


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"quantity": 0.0}, services.AskedQuantityError),
        ({"quantity": float("nan")}, services.AskedQuantityError),
        ({"quantity": float("inf")}, services.AskedQuantityError),
        ({"ends_at": MORNING}, services.WindowUnfitError),
        ({"reason": " \0 "}, InvalidFieldError),
        ({"party_name": "x" * 201}, InvalidFieldError),
        ({"party_organisation": "nobody"}, NotFoundError),
    ],
)
def test_what_makes_no_sense_is_not_drafted(
    changed: dict[str, object], error: type[Exception], draft: Callable[..., facade.RequestView]
) -> None:
    with pytest.raises(error):
        draft(wish=changed)
    assert UpstreamRequest.objects.count() == 0


def test_hostile_words_are_kept_as_words(draft: Callable[..., facade.RequestView]) -> None:
    words = "'; DROP TABLE lifelines_request; -- <script>alert(1)</script> \u202e{{ 7 }} %s"
    found = draft(wish={"reason": words + "\0", "party_name": words})
    assert (found.reason, found.party_name) == (words, words)


def test_a_delivery_needs_a_day_that_is_over_or_today(sent: facade.RequestView, step: Step) -> None:
    found = step(sent, RequestStep.ACCEPT, "gas")
    for day in (None, date(2010, 1, 6)):
        with pytest.raises(services.DeliveryDayError):
            step(found, RequestStep.NOTE_DELIVERY, "gas", day=day, quantity=1.0)
    with pytest.raises(rules.NothingDeliveredError):
        step(found, RequestStep.FINISH_DELIVERY, "gas")


def test_a_late_answer_is_told_the_duty_room_once(sent: facade.RequestView, step: Step, people: People) -> None:
    assert sent.due_at == sent.sent_at + timedelta(hours=2)
    assert facade.tell_overdue(sent.due_at) == 0
    late = sent.due_at + timedelta(seconds=1)
    assert sent.is_overdue(late)
    assert [facade.tell_overdue(late), facade.tell_overdue(late)] == [1, 0]
    (entry,) = command.log_entries(CITY)
    assert sent.number in entry.words
    assert entry.person_name == Text("系统自动", "the system")
    found = facade.request_for(people["gas"], sent.request_id)
    assert isinstance(fact_of(found.last_fact), AnswerOverdue)
    answered = step(found, RequestStep.ACCEPT, "gas", minutes=300)
    found = step(answered, RequestStep.NOTE_DELIVERY, "gas", minutes=301, day=date(2010, 1, 5), quantity=800.0)
    found = step(step(found, RequestStep.FINISH_DELIVERY, "gas"), RequestStep.CLOSE, "duty1")
    closed = fact_of(found.last_fact)
    assert isinstance(closed, RequestClosed)
    assert closed.on_time is False


def test_a_withdrawn_request_ends_and_grants_nothing(sent: facade.RequestView, step: Step) -> None:
    found = step(sent, RequestStep.WITHDRAW, "gas")
    assert (found.state, found.outcome, found.granted) == (RequestState.CLOSED, Outcome.WITHDRAWN, None)
    assert facade.tell_overdue(MORNING + timedelta(days=1)) == 0
    assert facade.granted(Line.GAS, MIDNIGHT, MIDNIGHT + timedelta(days=9), at=MORNING + timedelta(days=9)) == 0


def test_what_is_granted_counts_while_it_runs_and_only_once_it_was_known(sent: facade.RequestView, step: Step) -> None:
    step(sent, RequestStep.ACCEPT, "gas", minutes=30)
    tomorrow, known = MIDNIGHT + timedelta(days=1), MORNING + timedelta(hours=1)
    day = timedelta(days=1)
    assert facade.granted(Line.GAS, tomorrow, tomorrow + day, at=known) == 800.0
    assert facade.granted(Line.GAS, MIDNIGHT, tomorrow, at=known) == 400.0
    assert facade.granted(Line.GAS, tomorrow, tomorrow + day, at=MORNING) == 0.0
    assert facade.granted(Line.WATER, tomorrow, tomorrow + day, at=known) == 0.0


def test_a_grant_ends_with_its_delivery_and_noted_days_count_as_they_came(sent: facade.RequestView, step: Step) -> None:
    day, second = timedelta(days=1), 24 * 60
    found = step(sent, RequestStep.ACCEPT, "gas", minutes=30)
    for quantity in (500.0, 300.0):
        step(found, RequestStep.NOTE_DELIVERY, "gas", minutes=second, day=date(2010, 1, 5), quantity=quantity)

    def mean(days: int, at: timedelta) -> float:
        first = MIDNIGHT + days * day
        return facade.granted(Line.GAS, first, first + day, at=MORNING + at)

    assert mean(0, timedelta(hours=23)) == 400.0
    assert mean(0, day) == 300.0
    assert mean(1, day) == 800.0
    step(found, RequestStep.FINISH_DELIVERY, "gas", minutes=second + 120)
    assert mean(1, timedelta(hours=25)) == 800.0
    assert mean(1, timedelta(hours=26)) == 400.0
    assert mean(2, timedelta(hours=26)) == 0.0
    assert mean(0, timedelta(hours=26)) == 300.0


def test_lists_put_first_what_waits_for_an_answer(
    draft: Callable[..., facade.RequestView], sent: facade.RequestView, people: People
) -> None:
    plain = draft(now=MORNING + timedelta(hours=1))
    found = facade.requests_of(people["duty1"])
    assert [one.request_id for one in found] == [sent.request_id, plain.request_id]
    assert facade.requests_of(people["duty1"], states=(RequestState.DRAFT,)) == [plain]
    assert facade.requests_of(people["duty1"], text=sent.number) == [found[0]]
    assert facade.requests_of(people["duty1"], line=Line.WATER) == []
    assert facade.requests_of(people["citizen"]) == []


def test_a_term_is_versioned_and_what_was_sent_keeps_its_own(
    draft: Callable[..., facade.RequestView], step: Step, people: People, sent: facade.RequestView
) -> None:
    change = {"hours": 1.0, "basis": Text("预案", "plan"), "confirmed": True, "note": "市里确认", "now": MORNING}
    made = facade.change_term(Level.ORANGE, person=people["operator"], expected_version=0, **change)
    assert (made.version, made.hours, made.confirmed) == (1, 1.0, True)
    found = step(step(draft(), RequestStep.APPROVE, "leader"), RequestStep.SEND, "gas")
    assert (found.term_hours, found.term_version) == (1.0, 1)
    assert (sent.term_hours, sent.term_version) == (2.0, 0)
    assert [one.term.version for one in facade.term_versions(Level.ORANGE)] == [1]
    assert [term.hours for term in facade.terms()] == [2.0, 1.0, 6.0, 12.0, 24.0]
    with pytest.raises(TermChangedError):
        facade.change_term(Level.ORANGE, person=people["operator"], expected_version=0, **change)
    with pytest.raises(NotAllowedError):
        facade.change_term(Level.ORANGE, person=people["leader"], expected_version=1, **change)
    with pytest.raises(TermUnfitError):
        facade.change_term(None, person=people["operator"], expected_version=0, **(change | {"hours": 0.0}))
    with pytest.raises(rules.ReasonNeededError):
        facade.change_term(None, person=people["operator"], expected_version=0, **(change | {"note": " "}))


def test_every_step_is_in_the_audit(sent: facade.RequestView) -> None:
    written = [one.what for one in registry.audit_entries(outcome="changed", limit=9)]
    assert [what for what in written if sent.number in what] == [
        f"request {sent.number}: send", f"request {sent.number}: approve", f"request {sent.number} drafted",
    ]  # fmt: skip


def test_steps_cannot_be_rewritten(sent: facade.RequestView) -> None:
    assert sent
    for order in ("UPDATE lifelines_requeststep SET note = 'x'", "DELETE FROM lifelines_requeststep"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(order)


def test_an_unknown_request_is_not_found(people: People, step: Step) -> None:
    with pytest.raises(NotFoundError):
        facade.request_for(people["leader"], 4711)
    with pytest.raises(NotFoundError):
        facade.take_request_step(4711, RequestStep.SEND, changes(), person=people["gas"], version=1, now=MORNING)
    assert step
