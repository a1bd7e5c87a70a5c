"""Thresholds of alarm management, and floods of alarms as they happen."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from cityloop.decide.models import Activation, Flood, Measure
from cityloop.decide.rules import WINDOW_US
from cityloop.decide.selectors.measures import MeasureView, measure, measures
from cityloop.decide.services.life import MACHINE_ACTOR
from cityloop.journal.facade import post
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.facts import new_fact_id
from cityloop.kernel.facts.decided import AlarmFloodBegan, AlarmFloodEnded, MeasureChanged
from cityloop.kernel.text import Text
from cityloop.registry.facade import PersonView, Right, note_change, require

WINDOW = timedelta(microseconds=WINDOW_US)


class MeasureUnfitError(CityloopError):
    """A threshold was to be set to a value that makes no sense."""

    key = "The value must lie between %(least)s and %(most)s."
    status = 422


class FloodBoundsError(CityloopError):
    """A flood was to end where it begins, or above."""

    key = "A flood must end below where it begins."
    status = 422


class MeasureChangedMeanwhileError(CityloopError):
    """Somebody else changed the threshold while a person edited."""

    key = "Somebody else has changed this meanwhile: look again and try once more."
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureEdit:
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
def change_measure(
    code: str, *, person: PersonView, edit: MeasureEdit, expected_version: int, now: datetime
) -> MeasureView:
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
        MeasureUnfitError: if the value makes no sense.
        FloodBoundsError: if a flood would end where it begins, or above.
        MeasureChangedMeanwhileError: if another version is in force.
    """
    require(person, Right.EDIT_WATCHES, what=f"measure {code}")
    current = measure(code)
    spec = current.spec
    if not spec.least <= edit.value <= spec.most:
        raise MeasureUnfitError(field="value", least=f"{spec.least:g}", most=f"{spec.most:g}")
    values = {one.spec.code: one.value for one in measures()} | {code: edit.value}
    if values["flood-ends"] >= values["flood-begins"]:
        raise FloodBoundsError(field="value")
    in_force = Measure.objects.select_for_update().filter(code=code, valid_until=None).first()
    if (in_force.version if in_force is not None else 0) != expected_version:
        raise MeasureChangedMeanwhileError
    Measure.objects.filter(code=code, valid_until=None).update(valid_until=now)
    Measure.objects.create(
        code=code, version=expected_version + 1, value=edit.value, basis_zh=edit.basis.zh, basis_en=edit.basis.en,
        confirmed=edit.confirmed, changed_by=person.actor, change_note=edit.note, valid_from=now,
    )  # fmt: skip
    note_change(person, Right.EDIT_WATCHES, what=f"measure {code} version {expected_version + 1}")
    post(
        MeasureChanged(
            fact_id=new_fact_id(), happened_at=now, actor=person.actor, area=CITY, measure=code, value=edit.value,
            note=edit.note,
        )
    )  # fmt: skip
    return measure(code)


@transaction.atomic
def scan_flood(now: datetime) -> bool:
    """Notice that a flood of alarms begins or ends.

    Args:
        now: the wall clock, aware.

    Returns:
        Whether one lasts.
    """
    values = {one.spec.code: one.value for one in measures()}
    count = Activation.objects.filter(told=True, told_at__gt=now - WINDOW, told_at__lte=now).count()
    flood = Flood.objects.select_for_update().filter(ended_at=None).first()
    if flood is None and count >= values["flood-begins"] * values["operators"]:
        Flood.objects.create(began_at=now, peak=count)
        post(
            AlarmFloodBegan(
                fact_id=new_fact_id(), happened_at=now, actor=MACHINE_ACTOR, area=CITY, alarms=count,
                operators=round(values["operators"]),
            )
        )  # fmt: skip
        return True
    if flood is None:
        return False
    if count < values["flood-ends"] * values["operators"]:
        Flood.objects.filter(pk=flood.pk).update(ended_at=now)
        post(
            AlarmFloodEnded(
                fact_id=new_fact_id(), happened_at=now, actor=MACHINE_ACTOR, area=CITY, alarms=count, peak=flood.peak,
                lasted_s=(now - flood.began_at).total_seconds(),
            )
        )  # fmt: skip
        return False
    if count > flood.peak:
        Flood.objects.filter(pk=flood.pk).update(peak=count)
    return True
