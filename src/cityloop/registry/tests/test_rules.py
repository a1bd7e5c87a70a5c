"""Who may do what where; who may hold what together; when a guesser is locked out."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.areas import CITY, AreaCode, lies_within, parent_of
from cityloop.registry.rules.access import (
    DutiesMustStaySeparateError,
    Post,
    allows,
    must_not_mix_duties,
    rights_of,
    widest_area,
)
from cityloop.registry.rules.bodies import CITY_BODIES, OrganisationKind
from cityloop.registry.rules.guessing import LOCK_OUT, Failure, locked_until
from cityloop.registry.rules.outcomes import Outcome, outcome_in_words, right_in_words
from cityloop.registry.rules.roles import ROLES, SEPARATE_DUTIES, Right, Role

DISTRICT = st.integers(101, 119).map(lambda number: AreaCode(f"110{number}"))
AREA = st.one_of(
    st.just(CITY),
    DISTRICT,
    st.tuples(DISTRICT, st.text("0123456789", min_size=3, max_size=3)).map(lambda p: AreaCode(p[0] + p[1])),
    st.tuples(DISTRICT, st.text("0123456789", min_size=9, max_size=9)).map(lambda p: AreaCode(p[0] + p[1])),
)
DAY = st.dates(date(2020, 1, 1), date(2030, 1, 1))
POST = st.builds(
    Post, role=st.sampled_from(Role), area=AREA, organisation=st.sampled_from(["", "water-group", "heat-group"])
)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(AREA)
def test_an_area_lies_within_itself_its_parents_and_the_city(area: AreaCode) -> None:
    up: AreaCode | None = area
    while up is not None:
        assert lies_within(area, up)
        up = parent_of(up)
    assert lies_within(area, CITY)


@given(AREA, AREA, AREA)
def test_lying_within_is_passed_on(inner: AreaCode, middle: AreaCode, outer: AreaCode) -> None:
    if lies_within(inner, middle) and lies_within(middle, outer):
        assert lies_within(inner, outer)


@given(DISTRICT, DISTRICT)
def test_one_district_does_not_lie_within_another(one: AreaCode, other: AreaCode) -> None:
    assert lies_within(one, other) == (one == other)


@given(st.lists(POST, max_size=3), st.sampled_from(Right), AREA)
def test_a_right_at_a_place_is_a_right_somewhere(posts: list[Post], right: Right, area: AreaCode) -> None:
    if allows(posts, right, area=area, organisation="water-group"):
        assert allows(posts, right, area=area)
        assert allows(posts, right)
        assert right in rights_of(posts)


@given(st.lists(POST, max_size=3), st.sampled_from(Right))
def test_a_right_is_held_somewhere_exactly_when_a_role_gives_it(posts: list[Post], right: Right) -> None:
    assert allows(posts, right) == (right in rights_of(posts))


@given(st.lists(POST, max_size=3), POST, st.sampled_from(Right), AREA)
def test_one_more_post_never_takes_a_right_away(posts: list[Post], more: Post, right: Right, area: AreaCode) -> None:
    if allows(posts, right, area=area):
        assert allows([*posts, more], right, area=area)


@given(POST, st.sampled_from(Right), AREA)
def test_a_post_reaches_no_further_than_its_area(post: Post, right: Right, area: AreaCode) -> None:
    assert not allows([post], right, area=area) or lies_within(area, post.area)


def test_a_handler_sees_the_own_organisation_only() -> None:
    water = Post(role=Role.LIFELINE_DISPATCHER, area=CITY, organisation="water-group")
    assert allows([water], Right.HANDLE_CASES, area=AreaCode("110105"), organisation="water-group")
    assert not allows([water], Right.HANDLE_CASES, area=AreaCode("110105"), organisation="heat-group")
    officer = Post(role=Role.DUTY_OFFICER, area=CITY, organisation="emergency-office")
    assert allows([officer], Right.SEE_CASES, organisation="heat-group")


def test_nobody_holds_a_right_without_a_post() -> None:
    assert not any(allows([], right) for right in Right)


def test_every_role_and_right_is_named_in_both_languages() -> None:
    assert set(ROLES) == set(Role)
    assert all(right.words.zh != right.words.en for right in Right)
    assert all(kind.words.zh for kind in OrganisationKind)
    assert {right_in_words("login").en, right_in_words(Right.READ_AUDIT).en} == {"signing in", "read the audit"}
    assert all(outcome_in_words(outcome).zh for outcome in (*Outcome, "another"))


def test_every_right_is_given_by_some_role() -> None:
    assert {right for spec in ROLES.values() for right in spec.rights} == set(Right)


@pytest.mark.parametrize("role", Role)
def test_no_role_mixes_supervising_dispatching_and_handling(role: Role) -> None:
    assert sum(bool(duty & ROLES[role].rights) for duty in SEPARATE_DUTIES) <= 1


def test_the_auditor_reads_the_audit_and_nothing_else() -> None:
    assert ROLES[Role.AUDITOR].rights == {Right.READ_AUDIT}


@pytest.mark.parametrize(
    ("held", "added"),
    [
        (Role.COMMAND_OPERATOR, Role.SUPERVISION_OPERATOR),
        (Role.DEPARTMENT_HANDLER, Role.GRID_SUPERVISOR),
        (Role.PLATFORM_OPERATOR, Role.AUDITOR),
    ],
)
def test_separate_duties_do_not_come_into_one_hand(held: Role, added: Role) -> None:
    with pytest.raises(DutiesMustStaySeparateError, match="One person may not hold both"):
        must_not_mix_duties([Post(role=held, area=CITY)], Post(role=added, area=AreaCode("110101")))


def test_a_duty_may_follow_another_once_that_has_ended() -> None:
    ended = Post(role=Role.COMMAND_OPERATOR, area=CITY, valid_until=date(2026, 6, 1))
    must_not_mix_duties([ended], Post(role=Role.SUPERVISION_OPERATOR, area=CITY, valid_from=date(2026, 6, 1)))


@given(DAY, st.none() | DAY, DAY, st.none() | DAY)
def test_posts_overlap_exactly_when_a_day_holds_both(
    first: date, until: date | None, other: date, other_until: date | None
) -> None:
    one = Post(role=Role.CITIZEN, area=CITY, valid_from=first, valid_until=until)
    two = Post(role=Role.CITIZEN, area=CITY, valid_from=other, valid_until=other_until)
    latest_start = max(first, other)
    assert one.overlaps(two) == two.overlaps(one)
    if one.holds_on(latest_start) and two.holds_on(latest_start):
        assert one.overlaps(two)


def test_the_widest_area_of_some_posts_is_the_highest() -> None:
    posts = [Post(role=Role.CITIZEN, area=AreaCode(code)) for code in ("110105001", "110105", "110000")]
    assert widest_area(posts, default=CITY) == CITY
    assert widest_area(posts[:2], default=CITY) == "110105"
    assert widest_area([], default=CITY) == CITY


def test_organisation_codes_are_unique() -> None:
    assert len({body.code for body in CITY_BODIES}) == len(CITY_BODIES)


def _failures(count: int, *, account: str = "duty1", address: str = "10.0.0.1") -> list[Failure]:
    return [Failure(account, address, NOW - timedelta(seconds=60 * number)) for number in range(count)]


def test_a_few_failures_are_borne() -> None:
    assert locked_until(_failures(LOCK_OUT.pair_max - 1), account="duty1", address="10.0.0.1", now=NOW) is None


def test_one_failure_too_many_locks_the_pair_but_not_the_owner_elsewhere() -> None:
    failures = _failures(LOCK_OUT.pair_max)
    until = locked_until(failures, account="duty1", address="10.0.0.1", now=NOW)
    assert until == NOW - timedelta(minutes=LOCK_OUT.pair_max - 1) + timedelta(seconds=LOCK_OUT.window_s)
    assert locked_until(failures, account="duty1", address="10.0.0.2", now=NOW) is None


def test_an_address_that_tries_many_accounts_is_locked_for_all() -> None:
    failures = [Failure(f"account{number}", "10.0.0.1", NOW) for number in range(LOCK_OUT.address_max)]
    assert locked_until(failures, account="duty1", address="10.0.0.1", now=NOW)
    assert locked_until(failures, account="duty1", address="10.0.0.2", now=NOW) is None


def test_an_account_tried_from_many_addresses_is_locked_for_all() -> None:
    failures = [Failure("duty1", f"10.0.0.{number}", NOW) for number in range(LOCK_OUT.account_max)]
    assert locked_until(failures, account="duty1", address="10.9.9.9", now=NOW)
    assert locked_until(failures, account="duty2", address="10.9.9.9", now=NOW) is None


@given(st.integers(0, 60), st.integers(0, 3600))
def test_every_lock_ends_within_the_window(count: int, age_s: int) -> None:
    at = NOW - timedelta(seconds=age_s)
    until = locked_until([Failure("a", "b", at)] * count, account="a", address="b", now=NOW)
    assert until is None or NOW < until <= NOW + timedelta(seconds=LOCK_OUT.window_s)
