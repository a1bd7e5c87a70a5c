"""The demand side: versions of the list of users, and the steps of a cut, each one locked row and one fact."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from cityloop.journal.facade import post
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts import Ref, new_fact_id
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.models import LineUserRow, Reduction, ReductionCut, ReductionStepRow, UserList
from cityloop.projects.lifelines.rules.coordinated import ReductionStepped, UserListChanged
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.hands import LINE_ORGANISATIONS, LINE_TITLES, Hand
from cityloop.projects.lifelines.rules.pictures import Picture, frozen, seal_of
from cityloop.projects.lifelines.rules.reductions import (
    REDUCTION_STEP_TITLES,
    Cut,
    ReductionState,
    ReductionStep,
    check_reduction_step,
    unfit_cut,
)
from cityloop.projects.lifelines.rules.requests import ReasonNeededError
from cityloop.projects.lifelines.rules.users import LineUser, fault_of
from cityloop.projects.lifelines.selectors.coordination import level_of, proposal_for
from cityloop.projects.lifelines.selectors.hands import Matter, require_hand, right_of, role_in
from cityloop.projects.lifelines.selectors.pictures import causes_of
from cityloop.projects.lifelines.selectors.reductions import (
    approved_at,
    cuts_of,
    matter_of_reduction,
    newest_list,
    rows_of_users,
    user_list,
)
from cityloop.projects.lifelines.services.locking import lock
from cityloop.projects.lifelines.services.numbering import next_number
from cityloop.projects.lifelines.services.wording import cleaned
from cityloop.registry.facade import PersonView, note_change

_HOUR_S = 3600.0


class ReductionChangedError(CityloopError):
    """The cut has taken a step since the form was made."""

    key = "Somebody else has changed this reduction in the meantime; look at it again before you decide."
    status = 409


class NothingToReduceError(CityloopError):
    """A gap asks for a cut, and nobody can be reduced in time."""

    key = "Nobody on the list can be reduced in time for this gap."
    status = 409


class GapNeededError(CityloopError):
    """A cut was proposed without a gap."""

    key = "The gap must be a number above 0."


class ReductionWindowError(CityloopError):
    """A cut ends before it begins, or begins in the past."""

    key = "A cut begins now or later, and ends after it begins."


class UserListStaleError(CityloopError):
    """The list of users has a new version since the form was made."""

    key = "Somebody else has changed the list of users in the meantime; look at it again."
    status = 409


class UserFiguresError(CityloopError):
    """The figures of a user do not fit together."""

    key = "%(name)s: %(reason)s"
    status = 422


class CutUnfitError(CityloopError):
    """A user of a cut may not be reduced by the list in force, or not in time."""

    key = "%(name)s: %(reason)s"
    status = 409


@transaction.atomic
def change_user_list(  # noqa: PLR0913  each says one thing
    line: Line,
    users: Sequence[LineUser],
    *,
    unit: str,
    note: str,
    person: PersonView,
    expected_version: int,
    now: datetime,
) -> int:
    """Make a new version of a line's list of users; return its number.

    Args:
        line: the line.
        users: who is on it, protected users too.
        unit: unit of the quantities, a day.
        note: where it comes from and why it is changed.
        person: who changes it; needs the right for the organisation that answers for the line.
        expected_version: the version the person has seen, 0 where there was none.
        now: when.

    Raises:
        AccessDeniedError: if the line is not the person's.
        ReasonNeededError: without a note.
        UserFiguresError: if the figures of a user do not fit together.
        UserListStaleError: if there is a newer version.
    """
    matter = Matter(organisation=LINE_ORGANISATIONS[line], level=None, what=f"users of {line.value}")
    require_hand(person, Hand.ASKING, matter)
    said = _note(note)
    for user in users:
        if (fault := fault_of(user)) is not None:
            raise UserFiguresError(name=user.name, reason=fault)
    lock(_users_of(line))
    newest = newest_list(line)
    if (newest.version if newest else 0) != expected_version:
        raise UserListStaleError
    row = UserList.objects.create(
        line=line.value, version=expected_version + 1, unit=unit, note=said, made_by=person.actor, made_at=now
    )
    LineUserRow.objects.bulk_create(_user_row(row, user) for user in users)
    note_change(person, right_of(Hand.ASKING, None), what=f"users of {line.value} version {row.version}", area=CITY)
    title = LINE_TITLES[line]
    post(
        UserListChanged(
            fact_id=new_fact_id(), happened_at=now, actor=person.actor, area=CITY, organisation=matter.organisation,
            line=line.value, title=Text(f"{title.zh}可减用户清单", f"{title.en}: users that may be reduced"),
            version=row.version, users=len(users), note=said,
        )
    )  # fmt: skip
    return row.version


def _users_of(line: Line) -> str:
    """Return what is locked while a line's list of users, or what is taken from them, is looked at and changed."""
    return f"users of {line.value}"


def _user_row(row: UserList, user: LineUser) -> LineUserRow:
    return LineUserRow(
        list=row, position=user.position, name=user.name, kind=user.kind.value, protected=user.is_protected,
        use=user.use, quantity=user.quantity, heat_bound=user.heat_bound, notice_hours=user.notice_hours,
        basis=user.basis,
    )  # fmt: skip


def _note(note: str) -> str:
    if not (said := cleaned(note)):
        raise ReasonNeededError(field="note")
    return said


@transaction.atomic
def propose_reduction(  # noqa: PLR0913  what a proposal is made of, all by keyword
    line: Line,
    picture: Picture,
    *,
    gap: float,
    begins_at: datetime,
    ends_at: datetime,
    reason: str,
    person: PersonView,
    token: UUID,
    now: datetime,
) -> int:
    """Propose the least cut that closes a gap, of the list in force and of what other cuts leave; return its row.

    Idempotent: the same token again is the same proposal.

    Args:
        line: the line.
        picture: what was known of the line, frozen from now on; the graver of its level and the line's level now says
            who approves.
        gap: what is missing, in the unit of the line's day.
        begins_at: from when, aware.
        ends_at: until when.
        reason: why.
        person: who proposes; needs the right for the organisation that answers for the line.
        token: made with the form.
        now: when.

    Raises:
        AccessDeniedError: if the line is not the person's.
        GapNeededError: if there is no gap.
        ReductionWindowError: if the time makes no sense.
        ReasonNeededError: without a reason.
        NothingToReduceError: if nobody can be reduced in time.
    """
    level = level_of(picture, now)
    matter = Matter(organisation=LINE_ORGANISATIONS[line], level=level, what=f"reduction for {line.value}")
    require_hand(person, Hand.ASKING, matter)
    lock(_users_of(line))
    known = Reduction.objects.filter(token=token, proposed_by=person.actor).first()
    if known is not None:
        return known.pk
    if not 0 < gap < float("inf"):
        raise GapNeededError(field="gap")
    if not now <= begins_at < ends_at:
        raise ReductionWindowError(field="begins_at")
    newest = newest_list(line)
    proposal = proposal_for(line, gap=gap, now=now, begins_at=begins_at, ends_at=ends_at)
    if newest is None or not proposal.cuts:
        raise NothingToReduceError
    causes = causes_of(picture, person=person, alarm_id=None, case_id=None)
    kept = frozen(picture)
    row = Reduction.objects.create(
        number=next_number("DR", now), token=token, line=line.value, organisation=matter.organisation, area=CITY,
        level=level.value if level else None, list=newest, gap=gap, total=proposal.total, unit=newest.unit,
        begins_at=begins_at, ends_at=ends_at, reason=_note(reason), picture=kept, seal=seal_of(kept),
        as_of=picture.day.at, position=picture.position, state=ReductionState.PROPOSED.value,
        proposed_by=person.actor, proposed_at=now, moved_at=now, last_fact=new_fact_id(),
    )  # fmt: skip
    _write_cuts(row, proposal.cuts, rows_of_users(newest))
    fact = _fact_of(row, ReductionStep.PROPOSE, person.actor, now, before="", note=row.reason, causes=causes)
    _record(row, fact, token=token, role=role_in(person, Hand.ASKING, matter))
    note_change(person, right_of(Hand.ASKING, level), what=f"reduction {row.number} proposed", area=CITY)
    post(fact)
    return row.pk


def _write_cuts(row: Reduction, cuts: Sequence[Cut], rows: dict[str, LineUserRow]) -> None:
    ReductionCut.objects.bulk_create(
        ReductionCut(reduction=row, position=position, user=rows[cut.user.name], quantity=cut.quantity)
        for position, cut in enumerate(cuts, start=1)
    )


@transaction.atomic
def take_reduction_step(  # noqa: PLR0913  what a step brings along
    reduction_id: int,
    step: ReductionStep,
    *,
    person: PersonView,
    token: UUID,
    version: int,
    note: str,
    now: datetime,
) -> None:
    """Let a cut take a step, if it still stands as the one who decides has seen it.

    Idempotent: the same token of the same person again changes nothing.

    Raises:
        NotFoundError: if there is no such cut.
        AccessDeniedError: if the step is not in the person's hands; audited.
        ReductionChangedError: if the cut has moved on.
        CutUnfitError: if it is to be approved or put in force, and a user may not be reduced by the list in force, or
            has too little notice.
        CityloopError: whatever the machine refuses; then nothing is written.
    """
    row = Reduction.objects.select_for_update().filter(pk=reduction_id).first()
    if row is None:
        raise NotFoundError(what=f"reduction {reduction_id}")
    if row.steps.filter(token=token, actor=person.actor, step=step.value).exists():
        return
    said = cleaned(note)
    state = ReductionState(row.state)
    move = check_reduction_step(state, step, actor=person.actor, proposed_by=row.proposed_by, note=said)
    matter = matter_of_reduction(row, step)
    require_hand(person, move.hand, matter)
    if row.version != version:
        raise ReductionChangedError
    at = max(now, row.moved_at)
    if move.state in {ReductionState.APPROVED, ReductionState.IN_FORCE}:
        _check_users(row, at)
    row.state, row.version = move.state.value, version + 1
    if move.state is ReductionState.IN_FORCE:
        row.in_force_at = at
    if move.state is ReductionState.LIFTED:
        row.lifted_at = at
    fact = _fact_of(row, step, person.actor, at, before=state.value, note=said, causes=(Ref.fact(row.last_fact),))
    _record(row, fact, token=token, role=role_in(person, move.hand, matter))
    note_change(person, right_of(move.hand, matter.level), what=f"reduction {row.number}: {step.value}", area=CITY)
    post(fact)


def _check_users(row: Reduction, at: datetime) -> None:
    """Hold a cut against the list in force; notice runs from the approval, to when the cut takes effect."""
    line, told_at = Line(row.line), approved_at(row.pk)
    lock(_users_of(line))
    begins_at = row.begins_at if told_at is None else max(row.begins_at, at)
    hours_ahead = (begins_at - (told_at or at)).total_seconds() / _HOUR_S
    if (unfit := unfit_cut(cuts_of(row.pk), user_list(line).users, hours_ahead=hours_ahead)) is not None:
        raise CutUnfitError(name=unfit.user.name, reason=unfit.reason)


def _record(row: Reduction, fact: ReductionStepped, *, token: UUID, role: str) -> None:
    ReductionStepRow.objects.create(
        reduction=row, position=ReductionStepRow.objects.filter(reduction=row).count() + 1, token=token,
        step=fact.step, state_before=fact.state_before, state=fact.state, actor=fact.actor, role=role,
        at=fact.happened_at, note=fact.note, fact_id=fact.fact_id,
    )  # fmt: skip
    row.last_fact, row.moved_at = fact.fact_id, fact.happened_at
    row.save()


def _fact_of(  # noqa: PLR0913  what a fact says, all by name
    row: Reduction,
    step: ReductionStep,
    actor: str,
    at: datetime,
    *,
    before: str,
    note: str,
    causes: tuple[Ref, ...],
) -> ReductionStepped:
    line, done, amount = LINE_TITLES[Line(row.line)], REDUCTION_STEP_TITLES[step], f"{row.total:g} {row.unit}"
    return ReductionStepped(
        fact_id=new_fact_id(), happened_at=at, actor=actor, area=CITY, causes=causes, reduction_id=row.pk,
        number=row.number, organisation=row.organisation, line=row.line,
        title=Text(f"{row.number} {line.zh} {amount}：{done.zh}", f"{row.number} {line.en} {amount}: {done.en}"),
        step=step.value, state_before=before, state=row.state, note=note, quantity=row.total,
        users=row.cuts.count(), unit=row.unit,
    )  # fmt: skip
