"""Writes of how long an answer may take, and the alarm where it takes longer."""

from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime

from cityloop.command import facade as command
from cityloop.journal.facade import post
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.facts import Ref, new_fact_id
from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.models import AnswerTerm, UpstreamRequest
from cityloop.projects.lifelines.rules.coordinated import AnswerOverdue
from cityloop.projects.lifelines.rules.days import Line
from cityloop.projects.lifelines.rules.hands import LINE_TITLES
from cityloop.projects.lifelines.rules.requests import ReasonNeededError, RequestState
from cityloop.projects.lifelines.rules.terms import Term, check_hours
from cityloop.projects.lifelines.selectors.terms import term_of
from cityloop.projects.lifelines.services.locking import lock
from cityloop.registry.facade import PersonView, Right, note_change, require

MACHINE = "system:loop"
"""Who tells that an answer is late."""


class TermChangedError(CityloopError):
    """Somebody else changed the term while a person edited."""

    key = "Somebody else has changed this meanwhile: look again and try once more."
    status = 409


@transaction.atomic
def change_term(  # noqa: PLR0913  each says one thing
    level: Level | None,
    *,
    person: PersonView,
    hours: float,
    basis: Text,
    confirmed: bool,
    note: str,
    expected_version: int,
    now: datetime,
) -> Term:
    """Make a new version of how long an answer may take; requests that were sent keep theirs.

    Args:
        level: of which level, None for a line that is in order.
        person: who changes it; needs the right to edit watches.
        hours: natural hours from sending to answer.
        basis: where it comes from.
        confirmed: whether the authority has confirmed it.
        note: why it is changed.
        expected_version: the version the person has seen, 0 for the house's default.
        now: when it comes into force.

    Raises:
        AccessDeniedError: if the person may not.
        TermUnfitError: if the span makes no sense.
        ReasonNeededError: without a reason.
        TermChangedError: if another version is in force.
    """
    require(person, Right.EDIT_WATCHES, what=f"answer term {level or 0}")
    check_hours(hours)
    if not note.strip():
        raise ReasonNeededError(field="note")
    lock(f"answer term {level or 0}")
    if term_of(level).version != expected_version:
        raise TermChangedError
    AnswerTerm.objects.create(
        level=level or 0, version=expected_version + 1, hours=hours, basis_zh=basis.zh, basis_en=basis.en,
        confirmed=confirmed, changed_by=person.actor, change_note=note.strip(), valid_from=now,
    )  # fmt: skip
    note_change(person, Right.EDIT_WATCHES, what=f"answer term {level or 0} version {expected_version + 1}")
    return term_of(level)


@transaction.atomic
def tell_overdue(now: datetime) -> int:
    """Tell the duty room, once for each request, that nobody upstream has answered in time.

    Args:
        now: the wall clock, aware.

    Returns:
        How many requests it was told of.
    """
    late = UpstreamRequest.objects.select_for_update(skip_locked=True).filter(
        state=RequestState.SENT.value, due_at__lt=now, overdue_told_at=None
    )
    return sum(_told(row, now) for row in late.order_by("due_at").defer("picture"))


def _told(row: UpstreamRequest, now: datetime) -> bool:
    line, due = LINE_TITLES[Line(row.line)], f"{localtime(row.due_at):%m-%d %H:%M}"
    title = Text(
        f"{row.number} {line.zh}：{row.party_name} 未在 {due} 前答复",
        f"{row.number} {line.en}: no answer from {row.party_name} by {due}",
    )
    fact = AnswerOverdue(
        fact_id=new_fact_id(), happened_at=now, actor=MACHINE, area=CITY, causes=(Ref.fact(row.last_fact),),
        request_id=row.pk, number=row.number, organisation=row.organisation, line=row.line, title=title,
        due_at=row.due_at,
    )  # fmt: skip
    command.write_log(CITY, person=command.PLATFORM, kind="note", words=f"{title.zh}\n{title.en}")
    row.overdue_told_at, row.last_fact = now, fact.fact_id
    row.save(update_fields=["overdue_told_at", "last_fact"])
    post(fact)
    return True
