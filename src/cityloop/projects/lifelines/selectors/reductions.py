"""Reads of the demand side: the list of users, the cuts, and what they take away."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Sum

from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.levels import Level
from cityloop.projects.lifelines.models import LineUserRow, Reduction, ReductionCut, ReductionStepRow, UserList
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.effects import Portion, Share, mean_over, running_at
from cityloop.projects.lifelines.rules.pictures import Picture, thawed
from cityloop.projects.lifelines.rules.reductions import Cut, ReductionState, ReductionStep
from cityloop.projects.lifelines.rules.users import LineUser, UserKind
from cityloop.projects.lifelines.selectors.hands import Matter

REDUCTIONS_SHOWN_MAX = 200
"""Reductions a list returns at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserListView:
    """The list of a line's users; `version` is 0 and nobody is in it where none was brought in yet."""

    line: Line
    version: int
    unit: str
    note: str
    made_by: str
    made_at: datetime | None
    users: tuple[LineUser, ...]

    @property
    def reducible(self) -> float:
        """Return what all users together may give up, in the unit of the list."""
        return sum(one.quantity for one in self.users)


def _user(row: LineUserRow) -> LineUser:
    return LineUser(
        position=row.position, name=row.name, kind=UserKind(row.kind), use=row.use, quantity=row.quantity,
        heat_bound=row.heat_bound, notice_hours=row.notice_hours, basis=row.basis,
    )  # fmt: skip


def newest_list(line: Line) -> UserList | None:
    """Return the row of the list in force, None where none was brought in yet."""
    return UserList.objects.filter(line=line.value).order_by("-version").first()


def user_list(line: Line) -> UserListView:
    """Return the list of a line's users that is in force, protected users too, in the order of the list."""
    row = newest_list(line)
    if row is None:
        return UserListView(line=line, version=0, unit="", note="", made_by="", made_at=None, users=())
    return UserListView(
        line=line, version=row.version, unit=row.unit, note=row.note, made_by=row.made_by, made_at=row.made_at,
        users=tuple(_user(one) for one in row.users.order_by("position")),
    )  # fmt: skip


def rows_of_users(newest: UserList) -> dict[str, LineUserRow]:
    """Return the rows of a list by name."""
    return {row.name: row for row in newest.users.all()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReductionView:
    """A cut on the demand side.

    Attributes:
        reduction_id: the cut.
        number: its number.
        line: the line.
        organisation: who answers for the line.
        level: how grave it stood, in its picture or when it was proposed, None where it was in order.
        list_version: the version of the users' list it was made of.
        gap: the gap it answers, in the unit a day.
        total: sum of the cuts.
        unit: unit symbol of both.
        begins_at, ends_at: from when to when.
        reason: why.
        as_of, position, seal: of the frozen picture.
        state: where it stands.
        proposed_by, proposed_at, in_force_at, lifted_at: by whom and when.
        version: rises with every step.
        last_fact: newest fact about it.
    """

    reduction_id: int
    number: str
    line: Line
    organisation: str
    level: Level | None
    list_version: int
    gap: float
    total: float
    unit: str
    begins_at: datetime
    ends_at: datetime
    reason: str
    as_of: datetime
    position: int
    seal: str
    state: ReductionState
    proposed_by: str
    proposed_at: datetime
    in_force_at: datetime | None
    lifted_at: datetime | None
    version: int
    last_fact: UUID

    @property
    def left(self) -> float:
        """Return what of the gap the cut leaves open, in the unit a day."""
        return max(0.0, self.gap - self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReductionStepView:
    """A step of a reduction; `role` is empty where none is known."""

    step: ReductionStep
    state: ReductionState
    actor: str
    role: str
    at: datetime
    note: str
    fact_id: UUID


_PLAIN = (
    "number", "organisation", "gap", "total", "unit", "begins_at", "ends_at", "reason", "as_of", "position", "seal",
    "proposed_by", "proposed_at", "in_force_at", "lifted_at", "version", "last_fact",
)  # fmt: skip


def reduction_view(row: Reduction) -> ReductionView:
    """Return a row as others see it."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    return ReductionView(
        reduction_id=row.pk,
        line=Line(row.line),
        level=Level(row.level) if row.level else None,
        list_version=row.list.version,
        state=ReductionState(row.state),
        **values,
    )


def reduction_with_id(reduction_id: int) -> ReductionView:
    """Return a cut.

    Raises:
        NotFoundError: if there is none.
    """
    row = Reduction.objects.select_related("list").defer("picture").filter(pk=reduction_id).first()
    if row is None:
        raise NotFoundError(what=f"reduction {reduction_id}")
    return reduction_view(row)


def matter_of_reduction(row: Reduction | ReductionView, step: ReductionStep | None = None) -> Matter:
    """Return whose a cut is, and how grave."""
    return Matter(
        organisation=row.organisation,
        level=Level(row.level) if row.level else None,
        what=f"reduction {row.number}" + (f": {step.value}" if step else ""),
    )


def picture_of_reduction(reduction_id: int) -> Picture:
    """Return the picture a cut rests on, as it was frozen."""
    return thawed(Reduction.objects.values_list("picture", flat=True).get(pk=reduction_id))


def reductions(*, bodies: Iterable[str] | None, line: Line | None = None) -> list[ReductionView]:
    """Return cuts, the newest first.

    Args:
        bodies: only those of these organisations; None for all.
        line: only of this line.
    """
    found = Reduction.objects.select_related("list").defer("picture")
    if bodies is not None:
        found = found.filter(organisation__in=list(bodies))
    if line is not None:
        found = found.filter(line=line.value)
    return [reduction_view(row) for row in found.order_by("-proposed_at", "-pk")[:REDUCTIONS_SHOWN_MAX]]


def cuts_of(reduction_id: int) -> list[Cut]:
    """Return who is reduced by how much, in order."""
    rows = ReductionCut.objects.filter(reduction=reduction_id).select_related("user").order_by("position")
    return [Cut(_user(row.user), row.quantity) for row in rows]


def taken_over(line: Line, begins_at: datetime, ends_at: datetime) -> dict[str, float]:
    """Return what cuts that are not lifted take from a line's users at some time of a span, by name.

    Cuts that follow one another within the span are added up, too: less may be free than is said, never more.
    """
    rows = ReductionCut.objects.filter(
        reduction__line=line.value, reduction__begins_at__lt=ends_at, reduction__ends_at__gt=begins_at
    ).exclude(reduction__state=ReductionState.LIFTED.value)
    return dict(rows.values_list("user__name").annotate(Sum("quantity")).order_by("user__name"))


def reduction_steps(reduction_id: int) -> list[ReductionStepView]:
    """Return the steps of a cut, oldest first."""
    return [
        ReductionStepView(
            step=ReductionStep(row.step), state=ReductionState(row.state), actor=row.actor, role=row.role, at=row.at,
            note=row.note, fact_id=row.fact_id,
        )
        for row in ReductionStepRow.objects.filter(reduction=reduction_id).order_by("position")
    ]  # fmt: skip


def approved_at(reduction_id: int) -> datetime | None:
    """Return when a cut was approved, None where it was not yet."""
    rows = ReductionStepRow.objects.filter(reduction=reduction_id, step=ReductionStep.APPROVE.value)
    return rows.values_list("at", flat=True).first()


def reduced_portions(line: Line, *, at: datetime) -> list[tuple[Reduction, Portion]]:
    """Return what cuts take from a line's demand, as far as it was known at an instant."""
    rows = Reduction.objects.filter(line=line.value, in_force_at__lte=at)
    found = []
    for row in rows.only("number", "begins_at", "ends_at", "in_force_at", "lifted_at", "total").order_by("pk"):
        lifted = row.lifted_at if row.lifted_at is not None and row.lifted_at <= at else None
        begins_at, ends_at = max(row.begins_at, row.in_force_at), min(row.ends_at, lifted or row.ends_at)
        if begins_at < ends_at:
            found.append((row, Portion(begins_at=begins_at, ends_at=ends_at, quantity=row.total)))
    return found


def reduced(line: Line, at: datetime) -> float:
    """Return what cuts in force take from a line's demand at an instant, in the unit of the line's day."""
    return running_at((portion for _, portion in reduced_portions(line, at=at)), at)


def cuts_ahead(line: Line, begins_at: datetime, ends_at: datetime, *, at: datetime) -> tuple[Share, ...]:
    """Return what each cut takes from a line's demand in the rest of a time, as far as it was known at an instant.

    Only what lies ahead counts: what a cut has taken so far shows in what was used.

    Args:
        line: the line.
        begins_at: start of the time, aware; the quantities are means over the whole of it.
        ends_at: its end.
        at: the instant.
    """
    shares = (
        Share(
            row.number,
            f"/projects/lifelines/reductions/{row.pk}/",
            mean_over([replace(portion, begins_at=max(portion.begins_at, at))], begins_at=begins_at, ends_at=ends_at),
        )
        for row, portion in reduced_portions(line, at=at)
    )
    return tuple(one for one in shares if one.quantity > 0)


def reduced_over(line: Line, begins_at: datetime, ends_at: datetime, *, at: datetime) -> float:
    """Return what cuts take from a line's demand over a time, on the mean, as far as it was known at an instant."""
    portions = (portion for _, portion in reduced_portions(line, at=at))
    return mean_over(portions, begins_at=begins_at, ends_at=ends_at)
