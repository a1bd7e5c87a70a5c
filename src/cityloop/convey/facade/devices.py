"""The device ledger as pages, commands and the clock reach it; people's acts are checked and audited here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.conf import settings

from cityloop.convey.rules.datum import Datum
from cityloop.convey.rules.devices import (
    IN_SERVICE,
    SILENCED,
    Act,
    DeviceState,
    StepNotPossibleError,
    acts_from,
)
from cityloop.convey.rules.provisioning import Known, PropertyKnown, Refusal, judged
from cityloop.convey.rules.sheet import COLUMNS, NEEDED, lines_of, written_sheet
from cityloop.convey.rules.units import UNITS
from cityloop.convey.selectors import devices as selectors
from cityloop.convey.selectors import devices_lists as lists
from cityloop.convey.selectors.devices import (
    ChangeView,
    ChannelView,
    DeviceView,
    ImportView,
    RowReport,
    TermView,
    import_of,
    imports,
    terms,
)
from cityloop.convey.selectors.devices_lists import Boundary, DeviceFilter, Need, Tally
from cityloop.convey.services import devices as services
from cityloop.convey.services.devices import By, ReasonMissingError
from cityloop.convey.services.devices_arrivals import count_arrivals
from cityloop.convey.services.devices_entering import Imported, Made, Progress, enter_declared, make_devices
from cityloop.convey.services.devices_scan import scan_devices
from cityloop.convey.stream.mappings import PROTOCOL_PREFIX, Mappings
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, TokenView
from cityloop.sense import facade as sense
from cityloop.sense.stream.protocols.found import protocols

ARRIVALS_HOURS = 24
"""Span over which arrival rates are shown, hours."""

OPERATOR = "system:cli"
"""Who acts through the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """What the page of the ledger shows.

    Attributes:
        number: how many devices fit.
        devices: those of this page.
        counts: devices in each state, whatever is asked for.
        silent: offline ones, longest first.
        points: those that have a place.
        vendors: of all devices within the boundaries.
    """

    number: int
    devices: Sequence[DeviceView]
    counts: dict[DeviceState, int]
    silent: Sequence[DeviceView]
    points: Sequence[DeviceView]
    vendors: Sequence[str]


def boundaries_of(person: PersonView, right: Right = Right.SEE_DEVICES) -> list[Boundary]:
    """Return whose devices a person may reach."""
    return [
        Boundary(post.area, post.organisation if registry.ROLES[post.role].own_organisation_only else None)
        for post in person.posts
        if right in registry.ROLES[post.role].rights
    ]


def device(code: str, *, person: PersonView | None = None) -> DeviceView:
    """Return a device; a person sees those within the boundaries only.

    Raises:
        NotFoundError: if there is none of this code.
        AccessDeniedError: if the person may not see it.
    """
    found = selectors.device(code)
    if person is not None:
        _require(person, Right.SEE_DEVICES, found)
    return found


def may_manage(person: PersonView, found: DeviceView) -> bool:
    """Return whether a person may act on a device."""
    return registry.may(person, Right.MANAGE_DEVICES, area=found.area, organisation=found.organisation)


def ledger_page(  # noqa: PLR0913  what a page asks for
    person: PersonView, asked: DeviceFilter, *, now: datetime, after: int, limit: int, silent: int
) -> LedgerPage:
    """Return what the page of the ledger shows to a person.

    Args:
        person: who asks.
        asked: what for.
        now: the present.
        after: devices of earlier pages.
        limit: devices of a page.
        silent: offline devices of the top list.
    """
    bounds, need = boundaries_of(person), need_at(now)
    return LedgerPage(
        number=lists.device_number(bounds, asked, need),
        devices=lists.devices_found(bounds, asked, need, after=after, limit=limit),
        counts=lists.state_counts(bounds),
        silent=lists.silent_longest(bounds, replace(asked, state=""), need, limit=silent),
        points=lists.device_points(bounds, asked, need),
        vendors=lists.vendors(bounds),
    )


def tallies(person: PersonView, *, by: str, now: datetime) -> list[Tally]:
    """Return online and arrival rates by `project`, `area` or `vendor`, within the person's boundaries."""
    return lists.tallies(boundaries_of(person), by=by, since=now - timedelta(hours=ARRIVALS_HOURS))


def need_at(now: datetime) -> Need:
    """Return by which limits something is needed of somebody."""
    known = terms()
    return Need(now=now, clock_skew_s=known["clock_skew_s"].amount, impossible=known["impossible_readings"].amount)


def channels_of(found: DeviceView) -> list[ChannelView]:
    """Return the channels of a device, by name."""
    return selectors.channels_of(found.device_id)


def changes_of(found: DeviceView) -> list[ChangeView]:
    """Return how a device's state has changed, newest first."""
    return selectors.changes_of(found.device_id)


def credentials_of(found: DeviceView) -> list[TokenView]:
    """Return the keys a device has had, newest first."""
    return registry.tokens_of_thing(found.thing_id)


def rejected_of(found: DeviceView, *, limit: int) -> list[sense.RejectedView]:
    """Return the newest messages of a device that were refused."""
    topics = [
        f"v1.1/Datastreams({channel.datastream_id})/Observations" for channel in selectors.channels_of(found.device_id)
    ]
    own = [f"{found.protocol}/{found.address}", found.address] if found.address else []
    return sense.rejected_of([*topics, *own, found.code, f"devices/{found.code}/up"], limit=limit)


def act_on_device(code: str, act: Act, *, reason: str, person: PersonView, now: datetime) -> DeviceView:
    """Bring a device from one state of its life to another; return it.

    Raises:
        NotFoundError: if there is none of this code.
        AccessDeniedError: if the person may not manage it.
        StepNotPossibleError: if the act does not start from its state.
        ReasonMissingError: if the act needs a reason and there is none.
    """
    found = _managed(code, person)
    after = services.act_on_device(code, act, reason=reason, by=By(person.actor, now))
    _note(person, found, f"device {code}: {act}")
    return after


def issue_credential(code: str, *, person: PersonView, now: datetime) -> str:
    """Make a key for a device and return it, shown this once; keys it had stay valid for a time of grace.

    Raises:
        NotFoundError: if there is none of this code.
        AccessDeniedError: if the person may not manage it.
        DeviceSilencedError: if it may not speak.
    """
    found = _managed(code, person)
    key = services.issue_credential(code, by=By(person.actor, now))
    _note(person, found, f"device {code}: key issued")
    return key


def revoke_credentials(code: str, *, person: PersonView) -> int:
    """End all keys of a device and the secret of its protocol, at once; return how many keys were in force.

    Raises:
        NotFoundError: if there is none of this code.
        AccessDeniedError: if the person may not manage it.
    """
    found = _managed(code, person)
    ended = services.revoke_credentials(code)
    _note(person, found, f"device {code}: keys revoked")
    return ended


def issue_key_as_operator(code: str, *, now: datetime) -> str:
    """Make a key for a device from the command line and return it; audited like a person's act.

    Raises:
        NotFoundError: if there is none of this code.
        DeviceSilencedError: if it may not speak.
    """
    key = services.issue_credential(code, by=By(OPERATOR, now))
    registry.note_operation(Right.MANAGE_DEVICES, what=f"device {code}: key issued")
    return key


def revoke_keys_as_operator(code: str) -> int:
    """End all keys of a device from the command line; return how many were in force.

    Raises:
        NotFoundError: if there is none of this code.
    """
    ended = services.revoke_credentials(code)
    registry.note_operation(Right.MANAGE_DEVICES, what=f"device {code}: keys revoked")
    return ended


def set_protocol_secret(code: str, secret: str, *, person: PersonView) -> None:
    """Set the secret a device must present in its protocol; an empty one lets its address suffice.

    Raises:
        NotFoundError: if there is none of this code.
        AccessDeniedError: if the person may not manage it.
        NoProtocolError: if it has no protocol of its own.
    """
    found = _managed(code, person)
    services.set_protocol_secret(code, secret)
    _note(person, found, f"device {code}: secret of its protocol set")


def note_calibration(code: str, *, calibrated_on: date, due_on: date, person: PersonView) -> None:
    """Note that a device was calibrated, and when it must be again.

    Raises:
        NotFoundError: if there is none of this code.
        AccessDeniedError: if the person may not manage it.
        DatesInDisorderError: if it is due before it was done.
    """
    found = _managed(code, person)
    services.note_calibration(code, calibrated_on=calibrated_on, due_on=due_on)
    _note(person, found, f"device {code}: calibration noted")


def import_devices(  # noqa: PLR0913  what a list comes with
    data: bytes,
    *,
    file: str,
    now: datetime,
    person: PersonView | None = None,
    all_or_none: bool = False,
    progress: Progress = lambda _done, _of: None,
) -> Imported:
    """Take in a list of devices: what is right is made, with a key each; what is wrong is refused and says why.

    Args:
        data: the file, CSV.
        file: its name.
        now: the present.
        person: who sends it, None for the command line.
        all_or_none: whether nothing is made where anything is wrong.
        progress: told how far it is.

    Raises:
        SheetUnreadableError: if it is no table.
        SheetTooLargeError: if it is larger than one list may be.
        ColumnsMissingError: if a needed column is missing.
    """
    result = judged(lines_of(data), _known(person))
    if all_or_none and result.refusals:
        result.refusals += [
            Refusal(line, order.code, "", services.OTHERS_WRONG) for order in result.orders for line in order.lines
        ]
        result.orders.clear()
    actor = person.actor if person is not None else OPERATOR
    done = make_devices(result, file=file, by=By(actor, now), progress=progress)
    what = f"list of devices {file}"[:200]
    if person is not None:
        registry.note_change(person, Right.MANAGE_DEVICES, what=what)
    else:
        registry.note_operation(Right.MANAGE_DEVICES, what=what)
    return done


def _known(person: PersonView | None) -> Known:
    every = frozenset(view.code for view in registry.organisations())
    mine = every if person is None else frozenset(code for code in every if _may_enter(person, code))
    return Known(
        codes=selectors.codes(),
        places=selectors.places(),
        organisations=mine,
        foreign_organisations=every - mine,
        projects=selectors.projects(),
        protocols=frozenset(protocols()) | _mapped(),
        properties={one.code: PropertyKnown(one.title, one.unit_symbols) for one in sense.observed_properties()},
    )


def _mapped() -> frozenset[str]:
    """Return the protocols of devices that publish their vendor's JSON."""
    return frozenset(f"{PROTOCOL_PREFIX}{code}" for code in Mappings(settings.CITYLOOP_MAPPINGS).all())


def _may_enter(person: PersonView, organisation: str) -> bool:
    return registry.may(person, Right.MANAGE_DEVICES, organisation=organisation)


def _managed(code: str, person: PersonView) -> DeviceView:
    found = selectors.device(code)
    _require(person, Right.MANAGE_DEVICES, found)
    return found


def _require(person: PersonView, right: Right, found: DeviceView) -> None:
    registry.require(person, right, area=found.area, organisation=found.organisation, what=f"device {found.code}")


def _note(person: PersonView, found: DeviceView, what: str) -> None:
    registry.note_change(person, Right.MANAGE_DEVICES, what=what, area=found.area)


__all__ = [
    "COLUMNS",
    "IN_SERVICE",
    "NEEDED",
    "SILENCED",
    "UNITS",
    "Act",
    "ChangeView",
    "ChannelView",
    "Datum",
    "DeviceFilter",
    "DeviceState",
    "DeviceView",
    "ImportView",
    "Imported",
    "LedgerPage",
    "Made",
    "ReasonMissingError",
    "RowReport",
    "StepNotPossibleError",
    "Tally",
    "TermView",
    "act_on_device",
    "acts_from",
    "boundaries_of",
    "changes_of",
    "channels_of",
    "count_arrivals",
    "credentials_of",
    "device",
    "enter_declared",
    "import_devices",
    "import_of",
    "imports",
    "issue_credential",
    "issue_key_as_operator",
    "ledger_page",
    "may_manage",
    "need_at",
    "note_calibration",
    "rejected_of",
    "revoke_credentials",
    "revoke_keys_as_operator",
    "scan_devices",
    "set_protocol_secret",
    "tallies",
    "terms",
    "written_sheet",
]
