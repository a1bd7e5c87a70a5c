"""Reads of how long an answer may take."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.kernel.levels import Level
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.models import AnswerTerm
from cityloop.projects.lifelines.rules.terms import DEFAULT_TERMS, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class TermVersion:
    """A version of a term: who changed it, why, from when on."""

    term: Term
    changed_by: str
    change_note: str
    valid_from: datetime


def _term(row: AnswerTerm) -> Term:
    return Term(
        level=Level(row.level) if row.level else None,
        hours=row.hours,
        basis=Text(row.basis_zh, row.basis_en),
        confirmed=row.confirmed,
        version=row.version,
    )


def term_of(level: Level | None) -> Term:
    """Return the term in force for a level, the house's default where nobody has set one."""
    newest = AnswerTerm.objects.filter(level=level or 0).order_by("-version").first()
    return DEFAULT_TERMS[level] if newest is None else _term(newest)


def terms() -> list[Term]:
    """Return the terms in force, the gravest level first."""
    return [term_of(level) for level in DEFAULT_TERMS]


def term_versions(level: Level | None) -> list[TermVersion]:
    """Return the versions of a term, newest first; the house's default is none of them."""
    return [
        TermVersion(term=_term(row), changed_by=row.changed_by, change_note=row.change_note, valid_from=row.valid_from)
        for row in AnswerTerm.objects.filter(level=level or 0).order_by("-version")
    ]
