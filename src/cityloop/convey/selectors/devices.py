"""Reads of the device ledger: one device, its channels, its history, its credentials, and the limits in force."""

from dataclasses import dataclass
from datetime import date, datetime

from cityloop.convey.models.devices import Channel, Device, DeviceChange, DeviceImport, DeviceTerm
from cityloop.convey.rules.devices import DeviceState
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.declarations import Origin
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text

CHANGES_SHOWN_MAX = 50
"""How many changes of a device's state its page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device of the ledger.

    Attributes:
        device_id: its row.
        code: its code.
        title: its name.
        thing_id: the thing it is.
        project: application project, empty where none.
        vendor, model, serial_number: what the plate says, empty where not known.
        protocol: code of its protocol, empty for MQTT and HTTP.
        address: in that protocol.
        endpoint: where it is polled, empty where it is not.
        has_secret: whether it must present a secret of its protocol.
        organisation: whose it is.
        area: where it is.
        longitude: WGS 84 degrees, None where not known.
        latitude: WGS 84 degrees, None where not known.
        origin: where its readings come from.
        installed_on, calibrated_on, calibration_due_on: None where not known.
        state: where it stands in its life.
        state_since: since when.
        state_reason: why, in the words of whoever did it.
        last_heard_at: when it last showed life as far as the ledger has noted, None for never.
        clock_skew_s: how far its clock is ahead, None where not known.
        period_s: span between two reports, None where none is promised.
        silent_after_s: after which silence it is offline where that was set for it alone.
        impossible_count: readings beyond its valid ranges since the state changed.
    """

    device_id: int
    code: str
    title: Text
    thing_id: int
    project: str
    vendor: str
    model: str
    serial_number: str
    protocol: str
    address: str
    endpoint: str
    has_secret: bool
    organisation: str
    area: AreaCode
    longitude: float | None
    latitude: float | None
    origin: Origin
    installed_on: date | None
    calibrated_on: date | None
    calibration_due_on: date | None
    state: DeviceState
    state_since: datetime
    state_reason: str
    last_heard_at: datetime | None
    clock_skew_s: float | None
    period_s: float | None
    silent_after_s: float | None
    impossible_count: int


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel: its name, the stream it feeds, how its numbers become the stream's, and which are possible."""

    name: str
    datastream_id: int
    scale: float
    offset: float
    valid_min: float | None
    valid_max: float | None


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change of a device's state: when, who, from which to which, and why."""

    at: datetime
    actor: str
    state_before: DeviceState
    state: DeviceState
    reason: str


@dataclass(frozen=True, slots=True)
class TermView:
    """A limit of the ledger that is in force, with its basis."""

    code: str
    version: int
    amount: float
    unit: str
    basis: Text
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReport:
    """What became of a row of a list: `made` or `refused`, and why."""

    line: int
    code: str
    made: bool
    column: str
    reason: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView:
    """A list of devices that was taken in."""

    import_id: int
    at: datetime
    actor: str
    file: str
    made: int
    refused: int
    rows: tuple[RowReport, ...]


def view_of(row: Device) -> DeviceView:
    """Return a row of the ledger as other storeys see it."""
    same = ("device_id", "title", "has_secret", "area", "origin", "state")
    plain = {name: getattr(row, name) for name in DeviceView.__dataclass_fields__ if name not in same}
    return DeviceView(
        **plain,
        device_id=row.pk,
        title=Text(row.title_zh, row.title_en),
        has_secret=bool(row.secret_digest),
        area=AreaCode(row.area),
        origin=Origin(row.origin),
        state=DeviceState(row.state),
    )


def device(code: str) -> DeviceView:
    """Return a device.

    Raises:
        NotFoundError: if the ledger has none of this code.
    """
    row = Device.objects.filter(code=code).first()
    if row is None:
        raise NotFoundError(what=Text(f"设备 {code}", f"device {code}"))
    return view_of(row)


def codes() -> frozenset[str]:
    """Return the codes of all devices."""
    return frozenset(Device.objects.values_list("code", flat=True))


def projects() -> frozenset[str]:
    """Return the application projects that have devices."""
    return frozenset(Device.objects.exclude(project="").values_list("project", flat=True).distinct())


def places() -> frozenset[tuple[str, str, str]]:
    """Return protocol, address and endpoint of the devices that have an address and are not retired."""
    rows = Device.objects.exclude(address="").exclude(state=DeviceState.RETIRED)
    return frozenset(rows.values_list("protocol", "address", "endpoint"))


def channels_of(device_id: int) -> list[ChannelView]:
    """Return the channels of a device, by name."""
    rows = Channel.objects.filter(device_id=device_id).order_by("name")
    return [ChannelView(r.name, r.datastream_id, r.scale, r.offset, r.valid_min, r.valid_max) for r in rows]


def changes_of(device_id: int, *, limit: int = CHANGES_SHOWN_MAX) -> list[ChangeView]:
    """Return how a device's state has changed, newest first."""
    rows = DeviceChange.objects.filter(device_id=device_id).order_by("-at", "-pk")[:limit]
    return [ChangeView(r.at, r.actor, DeviceState(r.state_from), DeviceState(r.state_to), r.reason) for r in rows]


def terms() -> dict[str, TermView]:
    """Return the limits in force by code."""
    rows = DeviceTerm.objects.order_by("code", "version")
    return {
        row.code: TermView(row.code, row.version, row.amount, row.unit, Text(row.basis_zh, row.basis_en), row.confirmed)
        for row in rows
    }


def imports(*, limit: int = 20) -> list[ImportView]:
    """Return the lists taken in, newest first, without their rows."""
    rows = DeviceImport.objects.defer("rows").order_by("-pk")[:limit]
    return [_import(row, ()) for row in rows]


def import_of(import_id: int) -> ImportView:
    """Return a list that was taken in, with what became of each row.

    Raises:
        NotFoundError: if it is not kept any more.
    """
    row = DeviceImport.objects.filter(pk=import_id).first()
    if row is None:
        raise NotFoundError(what=Text(f"导入报告 {import_id}", f"report of list {import_id}"))
    return _import(
        row,
        tuple(
            RowReport(
                line=told["line"],
                code=told["code"],
                made=told["made"],
                column=told["column"],
                reason=Text(*told["reason"]) if told["reason"] else None,
            )
            for told in row.rows
        ),
    )


def _import(row: DeviceImport, rows: tuple[RowReport, ...]) -> ImportView:
    return ImportView(
        import_id=row.pk, at=row.at, actor=row.actor, file=row.file, made=row.made, refused=row.refused, rows=rows
    )
