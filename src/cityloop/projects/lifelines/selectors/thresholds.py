"""Reads of the thresholds by which lines are judged."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.models import Threshold
from cityloop.projects.lifelines.rules.thresholds import SPECS, ThresholdSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdView:
    """A version of a threshold.

    Attributes:
        spec: what it is, with the product's default.
        version: from 1; 0 for the default.
        value: in its unit.
        basis: where it comes from.
        confirmed: whether the authority has confirmed it.
        changed_by: who made the version, empty for the default.
        change_note: why.
        valid_from, valid_until: when it was in force; None where that is not limited.
    """

    spec: ThresholdSpec
    version: int
    value: float
    basis: Text
    confirmed: bool
    changed_by: str
    change_note: str
    valid_from: datetime | None
    valid_until: datetime | None


def _default(spec: ThresholdSpec) -> ThresholdView:
    return ThresholdView(
        spec=spec, version=0, value=spec.value, basis=spec.basis, confirmed=False, changed_by="", change_note="",
        valid_from=None, valid_until=None,
    )  # fmt: skip


def _view(spec: ThresholdSpec, row: Threshold) -> ThresholdView:
    return ThresholdView(
        spec=spec, version=row.version, value=row.value, basis=Text(row.basis_zh, row.basis_en),
        confirmed=row.confirmed, changed_by=row.changed_by, change_note=row.change_note, valid_from=row.valid_from,
        valid_until=row.valid_until,
    )  # fmt: skip


def thresholds(at: datetime | None = None) -> list[ThresholdView]:
    """Return every threshold as it is in force, or was at an instant; the default where nobody had made a version."""
    in_force = Q(valid_until=None)
    if at is not None:
        in_force = Q(valid_from__lte=at) & (Q(valid_until=None) | Q(valid_until__gt=at))
    rows = {row.code: row for row in Threshold.objects.filter(in_force)}
    return [_view(spec, rows[spec.code]) if spec.code in rows else _default(spec) for spec in SPECS]


def threshold(code: str) -> ThresholdView:
    """Return a threshold as it is in force.

    Raises:
        NotFoundError: if there is no such threshold.
    """
    found = next((one for one in thresholds() if one.spec.code == code), None)
    if found is None:
        raise NotFoundError(what=code)
    return found


def threshold_versions(code: str) -> list[ThresholdView]:
    """Return all versions of a threshold, newest first, the product's default last."""
    spec = threshold(code).spec
    rows = Threshold.objects.filter(code=code).order_by("-version")
    return [*(_view(spec, row) for row in rows), _default(spec)]


__all__ = ["ThresholdView", "threshold", "threshold_versions", "thresholds"]
