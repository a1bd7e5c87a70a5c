"""Reads of the thresholds of alarm management."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.decide.models import Flood, Measure
from cityloop.decide.rules import MEASURES, MeasureSpec
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureView:
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

    spec: MeasureSpec
    version: int
    value: float
    basis: Text
    confirmed: bool
    changed_by: str
    change_note: str
    valid_from: datetime | None
    valid_until: datetime | None


def _default(spec: MeasureSpec) -> MeasureView:
    return MeasureView(
        spec=spec, version=0, value=spec.value, basis=spec.basis, confirmed=False, changed_by="", change_note="",
        valid_from=None, valid_until=None,
    )  # fmt: skip


def _view(spec: MeasureSpec, row: Measure) -> MeasureView:
    return MeasureView(
        spec=spec, version=row.version, value=row.value, basis=Text(row.basis_zh, row.basis_en),
        confirmed=row.confirmed, changed_by=row.changed_by, change_note=row.change_note, valid_from=row.valid_from,
        valid_until=row.valid_until,
    )  # fmt: skip


def measures() -> list[MeasureView]:
    """Return every threshold as it is in force, the product's default where nobody has made a version."""
    rows = {row.code: row for row in Measure.objects.filter(valid_until=None)}
    return [_view(spec, rows[spec.code]) if spec.code in rows else _default(spec) for spec in MEASURES]


def measure(code: str) -> MeasureView:
    """Return a threshold as it is in force.

    Raises:
        NotFoundError: if there is no such threshold.
    """
    found = next((one for one in measures() if one.spec.code == code), None)
    if found is None:
        raise NotFoundError(what=code)
    return found


def measure_versions(code: str) -> list[MeasureView]:
    """Return all versions of a threshold, newest first, the product's default last."""
    spec = measure(code).spec
    rows = Measure.objects.filter(code=code).order_by("-version")
    return [*(_view(spec, row) for row in rows), _default(spec)]


def flood_lasts() -> tuple[datetime, int] | None:
    """Return since when a flood of alarms lasts and its peak, None where none does."""
    row = Flood.objects.filter(ended_at=None).first()
    return (row.began_at, row.peak) if row is not None else None
