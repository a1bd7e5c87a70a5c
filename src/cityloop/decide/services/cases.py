"""What cases mean for alarms."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from cityloop.decide.models import Alarm
from cityloop.decide.services import life
from cityloop.journal.facade import facts_with_ids, post
from cityloop.kernel.facts import Fact, Ref, RefKind
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.kernel.facts.responded import CaseClosed, CaseOpened, SignalReceived

CAUSES_DEPTH_MAX = 4
"""How far the causes of a case are followed to an alarm: case, signal, alarm, and one to spare."""


def note_case(fact: SignalReceived | CaseOpened | CaseClosed) -> None:
    """Link a case to the alarms that opened or joined it; when it is closed, close those alarms that are over.

    Idempotent: what is noted already stays as it is.
    """
    with transaction.atomic():
        known = list(Alarm.objects.select_for_update().filter(case_id=fact.case_id).order_by("pk"))
        for alarm in [*known, *_alarms_behind(fact)]:
            _note(alarm, fact)


def _note(alarm: Alarm, fact: SignalReceived | CaseOpened | CaseClosed) -> None:
    if alarm.case_id is None:
        alarm.case_id, alarm.case_number = fact.case_id, fact.case_number
    facts: list[Fact] = []
    if isinstance(fact, CaseClosed) and alarm.case_closed_at is None and alarm.case_id == fact.case_id:
        alarm.case_closed_at = fact.closed_at
        facts = life.closed_if_done(alarm, actor=fact.actor, now=fact.happened_at, causes=(Ref.fact(fact.fact_id),))
    alarm.save()
    post(*facts)


def _alarms_behind(fact: Fact) -> list[Alarm]:
    raised = _raised_behind(fact.causes)
    rows = Alarm.objects.select_for_update().filter(pk__in=[one.alarm_id for one in raised], case_id=None)
    return list(rows.order_by("pk"))


def _raised_behind(causes: Iterable[Ref]) -> list[AlarmRaised]:
    for _ in range(CAUSES_DEPTH_MAX):
        ids = [UUID(ref.key) for ref in causes if ref.kind is RefKind.FACT]
        if not ids:
            return []
        facts = [entry.fact for entry in facts_with_ids(ids)]
        found = [fact for fact in facts if isinstance(fact, AlarmRaised)]
        if found:
            return found
        causes = [cause for fact in facts for cause in fact.causes]
    return []
