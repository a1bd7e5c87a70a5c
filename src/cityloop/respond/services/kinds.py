"""The item library: kinds of case as versions."""

from collections.abc import Iterable

from django.db import transaction

from cityloop.kernel.declarations import CaseKindSpec
from cityloop.respond.models import Kind
from cityloop.respond.rules.matters import BUILT_IN_KINDS, GENERAL


def declare_kinds(specs: Iterable[CaseKindSpec], *, project: str) -> None:
    """Bring the item library to what a project declares; what is unchanged stays, what differs is a new version.

    Args:
        specs: its kinds.
        project: its code, empty for the kinds that stand without a project.
    """
    with transaction.atomic():
        for spec in specs:
            _declare(spec, project)


def _declare(spec: CaseKindSpec, project: str) -> None:
    values = {
        "project": project,
        "title_zh": spec.title.zh,
        "title_en": spec.title.en,
        "limit_amount": spec.limit.amount,
        "limit_clock": spec.limit.clock.value,
        "organisation": spec.organisation,
        "basis_zh": spec.basis.zh,
        "basis_en": spec.basis.en,
        "confirmed": spec.confirmed,
    }
    current = Kind.objects.select_for_update().filter(code=spec.code, is_current=True).first()
    if current is not None and all(getattr(current, name) == value for name, value in values.items()):
        return
    if current is not None:
        Kind.objects.filter(pk=current.pk).update(is_current=False)
    Kind.objects.create(code=spec.code, version=current.version + 1 if current else 1, **values)


def kind_in_force(code: str) -> Kind:
    """Return the kind in force of a code, the general one where the library does not know it: no signal is lost."""
    found = Kind.objects.filter(code=code, is_current=True).first()
    if found is not None:
        return found
    declare_kinds(BUILT_IN_KINDS, project="")
    built_in = code if code in {spec.code for spec in BUILT_IN_KINDS} else GENERAL
    return Kind.objects.get(code=built_in, is_current=True)
