"""Thresholds by which lines are judged: a change makes a new version."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.models import Threshold
from cityloop.projects.lifelines.rules.thresholds import out_of_order
from cityloop.projects.lifelines.selectors.thresholds import ThresholdView, threshold, thresholds
from cityloop.projects.lifelines.services.locking import lock
from cityloop.registry.facade import PersonView, Right, note_change, require


class ThresholdUnfitError(CityloopError):
    """A threshold was to be set to a value that makes no sense."""

    key = "The value must lie between %(least)s and %(most)s."
    status = 422


class ThresholdOrderError(CityloopError):
    """A graver level would be reached before a lighter one."""

    key = "A graver level must lie further out than the level before it."
    status = 422


class ThresholdChangedMeanwhileError(CityloopError):
    """Somebody else changed the threshold while a person edited."""

    key = "Somebody else has changed this meanwhile: look again and try once more."
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdEdit:
    """What a person makes of a threshold.

    Attributes:
        value: in its unit.
        basis: where it comes from.
        confirmed: whether the authority has confirmed it.
        note: why it is changed.
    """

    value: float
    basis: Text
    confirmed: bool
    note: str


@transaction.atomic
def change_threshold(
    code: str, *, person: PersonView, edit: ThresholdEdit, expected_version: int, now: datetime
) -> ThresholdView:
    """Make a new version of a threshold.

    Args:
        code: the threshold.
        person: who changes it; needs the right to edit watches.
        edit: what it shall be.
        expected_version: the version the person has seen, 0 for the product's default.
        now: when the version comes into force.

    Raises:
        NotFoundError: if there is no such threshold.
        AccessDeniedError: if the person may not.
        ThresholdUnfitError: if the value makes no sense.
        ThresholdOrderError: if the levels would no longer be in order.
        ThresholdChangedMeanwhileError: if another version is in force.
    """
    require(person, Right.EDIT_WATCHES, what=f"lifelines threshold {code}")
    lock("thresholds")
    seen = threshold(code)
    spec = seen.spec
    if not spec.least <= edit.value <= spec.most:
        raise ThresholdUnfitError(field="value", least=f"{spec.least:g}", most=f"{spec.most:g}")
    if out_of_order({one.spec.code: one.value for one in thresholds()} | {code: edit.value}) is not None:
        raise ThresholdOrderError(field="value")
    if seen.version != expected_version:
        raise ThresholdChangedMeanwhileError
    Threshold.objects.filter(code=code, valid_until=None).update(valid_until=now)
    Threshold.objects.create(
        code=code, version=expected_version + 1, value=edit.value, basis_zh=edit.basis.zh, basis_en=edit.basis.en,
        confirmed=edit.confirmed, changed_by=person.actor, change_note=edit.note, valid_from=now,
    )  # fmt: skip
    note_change(person, Right.EDIT_WATCHES, what=f"lifelines threshold {code} version {expected_version + 1}")
    return threshold(code)


__all__ = [
    "ThresholdChangedMeanwhileError",
    "ThresholdEdit",
    "ThresholdOrderError",
    "ThresholdUnfitError",
    "change_threshold",
]
