"""From case facts to values to shortfalls, through a real journal."""

from datetime import timedelta
from typing import Any

import pytest

from cityloop.assess import facade, services
from cityloop.assess.models import CaseScore, Indicator, Value
from cityloop.assess.tests.conftest import NOON, Teller
from cityloop.journal import facade as journal
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.facts import Fact, Ref, RefKind
from cityloop.kernel.facts.assessed import IndicatorValued, ShortfallFound
from cityloop.kernel.facts.responded import CaseClosed

pytestmark = pytest.mark.django_db(transaction=True)
CHAOYANG, DONGCHENG, CITY = AreaCode("110105"), AreaCode("110101"), AreaCode("110000")
SOON = NOON + timedelta(hours=1)


def said(kind: type[Fact]) -> list[Any]:
    return [entry.fact for entry in reversed(journal.newest_facts(kinds=[kind], limit=1000))]


def value(area: AreaCode = CHAOYANG, period: str = "2026-11") -> tuple[float, float, float | None]:
    found = facade.values("I17", period)[area]
    return found.numerator, found.denominator, found.value


def test_a_case_closed_late_lowers_the_district(teller: Teller) -> None:
    for _ in range(3):
        teller.closed_case()
    facade.compute_indicators(NOON)
    assert value() == (3, 3, 100.0)
    facade.score_case(teller.closed_case(on_time=False), now=SOON)
    assert value() == (3, 4, 75.0) == value(CITY)


def test_a_limit_that_passes_without_a_closing_lowers_the_district_too(teller: Teller) -> None:
    teller.closed_case()
    case = teller.opens()
    teller.steps(case, "file", "filed", due_at=NOON + timedelta(hours=2))
    facade.compute_indicators(NOON)
    assert value() == (1, 1, 100.0)
    facade.compute_indicators(NOON + timedelta(hours=3))
    assert value() == (1, 2, 50.0)


def test_computing_twice_changes_and_posts_nothing(teller: Teller) -> None:
    closed = teller.closed_case()
    facade.score_case(closed, now=NOON)
    facts = len(said(IndicatorValued))
    assert facts == 2
    assert facade.compute_indicators(NOON) == 0
    facade.score_case(closed, now=NOON)
    facade.score_case(closed, now=NOON)
    assert (len(said(IndicatorValued)), value()) == (facts, (1, 1, 100.0))


def test_a_value_names_the_closings_it_is_made_of(teller: Teller) -> None:
    closed = [teller.closed_case(), teller.closed_case("110101")]
    facade.compute_indicators(NOON)
    fact = next(fact for fact in said(IndicatorValued) if fact.area == CHAOYANG)
    (cause,) = fact.causes
    assert (cause.kind, cause.key, cause.parameters["kind"]) == (
        RefKind.AGGREGATE,
        "journal.facts",
        "responded.CaseClosed",
    )
    entries, count = journal.facts_of_aggregate(cause)
    assert ([entry.fact.fact_id for entry in entries], count) == ([closed[0].fact_id], 1)
    assert facade.values("I17", "2026-11")[CHAOYANG].fact_id == fact.fact_id


def test_a_later_closing_is_not_among_the_causes_of_an_earlier_value(teller: Teller) -> None:
    teller.closed_case()
    facade.compute_indicators(NOON)
    cause = said(IndicatorValued)[-1].causes[0]
    teller.closed_case()
    assert journal.facts_of_aggregate(cause)[1] == 1


def test_a_closing_after_the_month_is_still_within_its_causes(teller: Teller) -> None:
    due_at = NOON + timedelta(days=7)
    case = teller.opens()
    teller.steps(case, "file", "filed", due_at=due_at)
    closed = teller.closes(case, due_at=due_at, on_time=False, at=NOON + timedelta(days=20))
    facade.score_case(closed, now=NOON + timedelta(days=20))
    cause = next(fact for fact in said(IndicatorValued) if fact.area == CHAOYANG).causes[0]
    assert journal.facts_of_aggregate(cause)[1] == 1


def test_a_district_below_target_is_found_once_a_crossing(teller: Teller) -> None:
    for _ in range(4):
        teller.closed_case()
    facade.score_case(teller.closed_case(on_time=False), now=NOON)
    (shortfall,) = said(ShortfallFound)
    assert (shortfall.area, shortfall.value, shortfall.target) == (CHAOYANG, 80.0, 95.0)
    assert shortfall.causes == (Ref.fact(facade.values("I17", "2026-11")[CHAOYANG].fact_id),)
    facade.score_case(teller.closed_case(on_time=False), now=SOON)
    facade.compute_indicators(SOON)
    assert len(said(ShortfallFound)) == 1
    for _ in range(40):
        teller.closed_case()
    facade.compute_indicators(SOON)
    assert facade.values("I17", "2026-11")[CHAOYANG].is_short is False
    for _ in range(4):
        teller.closed_case(on_time=False)
    facade.compute_indicators(SOON)
    assert len(said(ShortfallFound)) == 2


def test_too_few_cases_find_no_shortfall_and_the_city_never_does(teller: Teller) -> None:
    for area in ("110101", "110102", "110105"):
        for _ in range(4):
            teller.closed_case(area, on_time=False)
    facade.compute_indicators(NOON)
    assert value(CITY) == (0, 12, 0.0)
    assert said(ShortfallFound) == []


def test_a_rejected_a_voided_and_a_suspended_case_do_not_count(teller: Teller) -> None:
    due_at = NOON - timedelta(hours=1)
    for step, state in (("void", "void"), ("suspend", "suspended"), ("reject", "rejected")):
        case = teller.opens()
        teller.steps(case, "file", "filed", due_at=due_at)
        teller.steps(case, step, state, due_at=due_at if state == "void" else None)
    facade.compute_indicators(NOON)
    assert facade.values("I17", "2026-11") == {}


def test_a_case_that_moves_to_another_month_leaves_the_first(teller: Teller) -> None:
    case = teller.opens()
    teller.steps(case, "file", "filed", due_at=NOON - timedelta(days=60))
    facade.compute_indicators(NOON)
    assert value(period="2026-09") == (0, 1, 0.0)
    teller.steps(case, "grant_delay", "handling", due_at=NOON - timedelta(days=1))
    facade.compute_indicators(NOON)
    assert value(period="2026-09") == (0, 0, None)
    assert value() == (0, 1, 0.0)


def test_a_reopened_case_is_no_longer_closed(teller: Teller) -> None:
    closed = teller.closed_case()
    facade.score_case(closed, now=NOON)
    teller.steps(closed.case_id, "reopen", "filed", due_at=NOON + timedelta(hours=4))
    facade.compute_indicators(NOON + timedelta(hours=5))
    assert value() == (0, 1, 0.0)


def test_closing_and_rework_stand_beside_the_rate(teller: Teller) -> None:
    closed = teller.closed_case()
    case = teller.opens()
    due_at = NOON + timedelta(hours=1)
    teller.steps(case, "file", "filed", due_at=due_at)
    teller.steps(case, "finish", "answered", due_at=due_at)
    teller.steps(case, "fail_check", "rework", due_at=due_at)
    facade.compute_indicators(NOON + timedelta(hours=2))
    found = facade.values("I17", "2026-11")[CHAOYANG]
    assert (found.value, found.closing_rate, found.rework_rate, found.status) == (50.0, 50.0, 50.0, "draft")
    behind = facade.scores(CHAOYANG, "2026-11", now=NOON + timedelta(hours=2))
    assert {score.case_id for score in behind} == {closed.case_id, case}
    assert [score.on_time for score in behind if score.case_id == case] == [None]


def test_the_numerators_of_the_districts_add_up_to_the_citys(teller: Teller) -> None:
    for number in range(12):
        teller.closed_case(("110101", "110102", "110105101001", "110000")[number % 4], on_time=number % 3 > 0)
    facade.compute_indicators(NOON)
    found = facade.values("I17", "2026-11")
    districts = [one for area, one in found.items() if area != CITY]
    assert len(districts) == 3
    city_wide = 3
    assert sum(one.denominator for one in districts) + city_wide == found[CITY].denominator == 12
    assert facade.history("I17", CITY)[-1] == found[CITY]
    assert facade.periods("I17") == ["2026-11"]


def test_facts_heard_in_any_number_of_readings_give_the_same_scores(teller: Teller) -> None:
    teller.closed_case()
    services.hear_cases()
    teller.closed_case(on_time=False)
    services.hear_cases()
    before = list(CaseScore.objects.order_by("case_id").values())
    assert services.hear_cases() == 0
    assert list(CaseScore.objects.order_by("case_id").values()) == before


def test_a_delivery_by_the_loop_is_heard_within_its_own_transaction(teller: Teller) -> None:
    teller.closed_case()
    handled = journal.deliver("assess.score_case", lambda fact: facade.score_case(fact, now=NOON), kinds=[CaseClosed])  # type: ignore[arg-type]
    assert (handled, value()) == (1, (1, 1, 100.0))


@pytest.mark.usefixtures("teller")
def test_a_new_target_is_a_new_version() -> None:
    facade.declare_indicators()
    assert Indicator.objects.count() == 1
    Indicator.objects.update(target=90.0)
    facade.declare_indicators()
    assert list(Indicator.objects.order_by("version").values_list("version", "is_current")) == [(1, False), (2, True)]
    assert facade.indicator("I17").target == 95.0
    with pytest.raises(NotFoundError):
        facade.indicator("I99")


def test_an_undeclared_city_declares_its_indicators_itself(teller: Teller) -> None:
    Indicator.objects.all().delete()
    teller.closed_case()
    facade.compute_indicators(NOON)
    assert Value.objects.exists()
    assert [spec.code for spec in facade.indicators()] == ["I17"]
