"""Answers: each reporter of a case is told what is news; here stands what is due to whom."""

from cityloop.kernel.facts.responded import CaseStepped
from cityloop.respond.models import AnswerDue, Signal
from cityloop.respond.rules.matters import ANSWERED_SOURCES, Source
from cityloop.respond.rules.publicity import NEWS, public_note
from cityloop.respond.rules.states import Step


def has_public_signal(case_id: int) -> bool:
    """Return whether a signal of a case came in by a public door, so that the public reads what becomes of it."""
    return Signal.objects.filter(case=case_id, is_public=True).exists()


def tell_reporters(fact: CaseStepped) -> None:
    """Note that every reporter of a case is to be told of a step, where it is news to them.

    Args:
        fact: the step; in its transaction.
    """
    step = Step(fact.step)
    if step not in NEWS:
        return
    told = Signal.objects.filter(case=fact.case_id, source__in=ANSWERED_SOURCES).values_list("pk", flat=True)
    note = public_note(step, fact.note)
    AnswerDue.objects.bulk_create(
        AnswerDue(signal_id=signal, fact_id=fact.fact_id, news=NEWS[step], note=note, due_at=fact.happened_at)
        for signal in told
    )


def tell_reporter(signal_id: int, source: Source, fact: CaseStepped, *, news: str) -> None:
    """Note that one reporter is to be told something, where a person has reported.

    Args:
        signal_id: the reporter's signal.
        source: where it came from.
        fact: what happened; in its transaction.
        news: what it is to the reporter.
    """
    if source in ANSWERED_SOURCES:
        AnswerDue.objects.create(signal_id=signal_id, fact_id=fact.fact_id, news=news, due_at=fact.happened_at)
