"""Writes of the device ledger: one device at a time, each with its change, its fact and word to the data plane."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from cityloop.convey.models.devices import Device, DeviceChange, LedgerVersion
from cityloop.convey.rules.devices import Act, DeviceState, state_after
from cityloop.convey.selectors.devices import DeviceView, terms, view_of
from cityloop.convey.stream.devices import REVOKED, secret_digest_of
from cityloop.convey.stream.ledger import DEVICES_CHANNEL
from cityloop.journal import facade as journal
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.facts import new_fact_id
from cityloop.kernel.facts.conveyed import DeviceStateChanged
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import DeviceKeyOrder

REASON_CHARACTERS_MAX = 300
"""Longest reason, characters."""

_REASONED = frozenset({Act.MAINTAIN, Act.QUARANTINE, Act.RELEASE, Act.RETIRE})
"""Acts nobody does without a reason."""


OTHERS_WRONG = Text("列表中有其他错误，未导入任何设备", "something else in the list is wrong; nothing was taken in")
"""Why a good row of a list is refused where all or none were asked for."""


class ReasonMissingError(CityloopError):
    """An act on a device needs a reason."""

    key = "Say why, in at most 300 characters."


class DeviceSilencedError(CityloopError):
    """A device that may not speak gets no credential."""

    key = "A device that is %(state)s gets no credential."
    status = 409


class NoProtocolError(CityloopError):
    """A device has no protocol of its own, so no secret of it."""

    key = "This device speaks MQTT or HTTP; its credential is its key."
    status = 409


class DatesInDisorderError(CityloopError):
    """A calibration is due before it was done."""

    key = "A calibration is due after it was done."


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and when."""

    actor: str
    now: datetime


def locked_device(code: str) -> Device:
    """Return a device's row, locked.

    Raises:
        NotFoundError: if the ledger has none of this code.
    """
    row = Device.objects.select_for_update().filter(code=code).first()
    if row is None:
        raise NotFoundError(what=Text(f"设备 {code}", f"device {code}"))
    return row


def tell_data_plane() -> None:
    """Move the ledger's version, in the caller's transaction: gateways and pipelines read it again at its commit."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE convey_ledgerversion SET version = version + 1")
        if not cursor.rowcount:
            LedgerVersion.objects.create(version=1)
        cursor.execute(f"NOTIFY {DEVICES_CHANNEL}")


@transaction.atomic
def act_on_device(code: str, act: Act, *, reason: str, by: By) -> DeviceView:
    """Bring a device from one state of its life to another; return it.

    A device that is quarantined or retired may not speak from that moment on, on no path: its keys are suspended or
    ended in the same transaction.

    Raises:
        NotFoundError: if there is none of this code.
        StepNotPossibleError: if the act does not start from its state.
        ReasonMissingError: if the act needs a reason and there is none.
    """
    reason = reason.strip()
    if (act in _REASONED and not reason) or len(reason) > REASON_CHARACTERS_MAX:
        raise ReasonMissingError(field="reason")
    row = locked_device(code)
    before = DeviceState(row.state)
    after = state_after(before, act)
    row.state, row.state_since, row.state_reason, row.impossible_count = after, by.now, reason, 0
    row.save(update_fields=["state", "state_since", "state_reason", "impossible_count"])
    DeviceChange.objects.create(device=row, at=by.now, actor=by.actor, state_from=before, state_to=after, reason=reason)
    _follow_with_keys(row, act, by)
    journal.post(_fact(row, before, after, reason, by))
    tell_data_plane()
    return view_of(row)


def _follow_with_keys(row: Device, act: Act, by: By) -> None:
    if act is Act.QUARANTINE:
        registry.suspend_device_keys(row.thing_id, now=by.now)
    elif act is Act.RELEASE:
        registry.resume_device_keys(row.thing_id)
    elif act is Act.RETIRE:
        registry.revoke_tokens_of_thing(row.thing_id)


def _fact(row: Device, before: DeviceState, after: DeviceState, reason: str, by: By) -> DeviceStateChanged:
    return DeviceStateChanged(
        fact_id=new_fact_id(),
        happened_at=by.now,
        actor=by.actor,
        area=AreaCode(row.area),
        device=row.code,
        title=Text(row.title_zh, row.title_en),
        project=row.project,
        state_before=before,
        state=after,
        reason=reason,
    )


@transaction.atomic
def issue_credential(code: str, *, by: By) -> str:
    """Make a key for a device and return it, shown this once; keys it had stay valid for a time of grace.

    Raises:
        NotFoundError: if there is none of this code.
        DeviceSilencedError: if it may not speak.
    """
    row = locked_device(code)
    state = DeviceState(row.state)
    if state in {DeviceState.QUARANTINED, DeviceState.RETIRED}:
        raise DeviceSilencedError(state=state.words)
    grace = timedelta(seconds=terms()["credential_grace_s"].amount)
    order = DeviceKeyOrder(name=row.code, thing_id=row.thing_id, organisation=row.organisation)
    return registry.replace_device_key(order, old_until=by.now + grace)


@transaction.atomic
def revoke_credentials(code: str) -> int:
    """End all keys of a device and the secret of its protocol, at once; return how many keys were in force.

    Raises:
        NotFoundError: if there is none of this code.
    """
    row = locked_device(code)
    if row.protocol:
        row.secret_digest = REVOKED
        row.save(update_fields=["secret_digest"])
        tell_data_plane()
    return registry.revoke_tokens_of_thing(row.thing_id)


@transaction.atomic
def set_protocol_secret(code: str, secret: str) -> None:
    """Set the secret a device must present in its protocol; an empty one lets its address suffice.

    Raises:
        NotFoundError: if there is none of this code.
        NoProtocolError: if it has no protocol of its own.
    """
    row = locked_device(code)
    if not row.protocol:
        raise NoProtocolError
    row.secret_digest = secret_digest_of(row.protocol, row.address, secret) if secret else ""
    row.save(update_fields=["secret_digest"])
    tell_data_plane()


@transaction.atomic
def note_calibration(code: str, *, calibrated_on: date, due_on: date) -> None:
    """Note that a device was calibrated, and when it must be again.

    Raises:
        NotFoundError: if there is none of this code.
        DatesInDisorderError: if it is due before it was done.
    """
    if due_on <= calibrated_on:
        raise DatesInDisorderError(field="calibration_due_on")
    row = locked_device(code)
    row.calibrated_on, row.calibration_due_on = calibrated_on, due_on
    row.save(update_fields=["calibrated_on", "calibration_due_on"])
    tell_data_plane()
