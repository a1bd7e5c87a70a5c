"""Enters devices into the ledger: what projects declare by itself, lists of people after they were judged."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from cityloop.convey.models.devices import Channel, Device, DeviceChange, DeviceImport
from cityloop.convey.rules.devices import DeviceState, code_of_thing
from cityloop.convey.rules.provisioning import ChannelOrder, DeviceOrder, Judged, Refusal
from cityloop.convey.services.devices import By, tell_data_plane
from cityloop.convey.stream.devices import secret_digest_of
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import DeviceKeyOrder
from cityloop.sense import facade as sense
from cityloop.sense.facade import DeclaredThing, StreamOrder, ThingOrder

DEVICES_AT_ONCE = 250
"""Devices of one transaction: write transactions stay under a second."""

IMPORTS_KEPT = 100
"""How many reports of lists are kept."""

SETUP_ACTOR = "system:prepare"
"""Who enters what projects declare."""

OUTSIDE = Text(
    "坐标不在本市任何区内；坐标系或经纬度是否有误？",
    "in no district of the city; is the datum wrong, or are the numbers exchanged?",
)

MEANWHILE = Text(
    "编码或地址刚被他人登记，请重新导入", "code or address was entered by somebody else meanwhile; send the list again"
)

Progress = Callable[[int, int], None]
"""Told how many devices are done, of how many."""


@dataclass(frozen=True, slots=True)
class Made:
    """A device that was made, with its key, which is shown this once."""

    code: str
    key: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a list.

    Attributes:
        import_id: its report.
        made: devices that were made, with their keys.
        refusals: rows that were not taken in, and why.
    """

    import_id: int
    made: tuple[Made, ...]
    refusals: tuple[Refusal, ...]


@transaction.atomic
def enter_declared(project: str, *, now: datetime) -> int:
    """Enter the things a project has declared that the ledger lacks; return how many.

    They come as tested, for whoever declared them vouches for them. What stands keeps its state and takes the declared
    words.
    """
    things = sense.things_of_project(project)
    standing = {row.thing_id: row for row in Device.objects.filter(thing_id__in=[one.thing_id for one in things])}
    new = [thing for thing in things if thing.thing_id not in standing]
    for thing in things:
        if row := standing.get(thing.thing_id):
            _refresh(row, thing)
    rows = Device.objects.bulk_create(_declared(thing, now) for thing in new)
    DeviceChange.objects.bulk_create(
        DeviceChange(device=row, at=now, actor=SETUP_ACTOR, state_from=DeviceState.REGISTERED, state_to=row.state)
        for row in rows
    )
    ids = {row.thing_id: row.pk for row in (*rows, *standing.values())}
    known = set(Channel.objects.filter(device_id__in=ids.values()).values_list("datastream_id", flat=True))
    channels = [
        Channel(device_id=ids[thing.thing_id], name=stream.code[:80], datastream_id=stream.datastream_id)
        for thing in things
        for stream in thing.streams
        if stream.datastream_id not in known
    ]
    Channel.objects.bulk_create(channels)
    if rows or channels:
        tell_data_plane()
    return len(rows)


def _declared(thing: DeclaredThing, now: datetime) -> Device:
    return Device(
        code=code_of_thing(thing.project, thing.code),
        title_zh=thing.title.zh,
        title_en=thing.title.en,
        thing_id=thing.thing_id,
        project=thing.project,
        organisation=thing.owner,
        area=thing.area,
        longitude=thing.longitude,
        latitude=thing.latitude,
        origin=thing.origin,
        state=DeviceState.TESTED,
        state_since=now,
        period_s=_period_of(thing),
    )


def _refresh(row: Device, thing: DeclaredThing) -> None:
    words = {
        "title_zh": thing.title.zh,
        "title_en": thing.title.en,
        "origin": thing.origin,
        "organisation": thing.owner,
        "area": thing.area,
        "period_s": _period_of(thing),
    }
    if any(getattr(row, name) != value for name, value in words.items()):
        Device.objects.filter(pk=row.pk).update(**words)


def _period_of(thing: DeclaredThing) -> float | None:
    return min((stream.period_s for stream in thing.streams if stream.period_s), default=None)


def make_devices(judged: Judged, *, file: str, by: By, progress: Progress) -> Imported:
    """Make the devices of a judged list, some at a time, and keep a report of every row.

    Args:
        judged: what can be made, and what was refused already.
        file: name of the list.
        by: who sent it, and when.
        progress: told how far it is.
    """
    placed, refusals = _placed(judged)
    made: list[Made] = []
    for number in range(0, len(placed), DEVICES_AT_ONCE):
        part = placed[number : number + DEVICES_AT_ONCE]
        try:
            made += _make(part, by=by)
        except IntegrityError:
            refusals += [Refusal(line, order.code, "code", MEANWHILE) for order, _area in part for line in order.lines]
        progress(min(number + DEVICES_AT_ONCE, len(placed)), len(placed))
    report = DeviceImport.objects.create(
        at=by.now,
        actor=by.actor,
        file=file[:200],
        made=len(made),
        refused=len(refusals),
        rows=sorted(_report(made, refusals), key=lambda row: int(str(row["line"]))),
    )
    keep = DeviceImport.objects.order_by("-pk").values_list("pk", flat=True)[:IMPORTS_KEPT]
    DeviceImport.objects.exclude(pk__in=list(keep)).delete()
    return Imported(report.pk, tuple(made), tuple(refusals))


Placed = tuple[DeviceOrder, AreaCode]


def _placed(judged: Judged) -> tuple[list[Placed], list[Refusal]]:
    placed: list[Placed] = []
    refusals = list(judged.refusals)
    for order in judged.orders:
        area = registry.district_at(order.longitude, order.latitude)
        if area is None:
            refusals += [Refusal(line, order.code, "longitude", OUTSIDE) for line in order.lines]
        else:
            placed.append((order, area))
    return placed, sorted(refusals, key=lambda refusal: refusal.line)


def _report(made: Sequence[Made], refusals: Iterable[Refusal]) -> Iterator[dict[str, object]]:
    for device in made:
        for line in device.lines:
            yield {"line": line, "code": device.code, "made": True, "column": "", "reason": None}
    for refusal in refusals:
        reason = [refusal.reason.zh, refusal.reason.en]
        yield {"line": refusal.line, "code": refusal.code, "made": False, "column": refusal.column, "reason": reason}


@transaction.atomic
def _make(placed: Sequence[Placed], *, by: By) -> list[Made]:
    things = sense.make_things([_thing(order, area) for order, area in placed])
    rows = Device.objects.bulk_create(
        _row(order, area, thing.thing_id, by) for (order, area), thing in zip(placed, things, strict=True)
    )
    Channel.objects.bulk_create(
        _channel(row, channel, stream)
        for row, (order, _area), thing in zip(rows, placed, things, strict=True)
        for channel, stream in zip(order.channels, thing.datastream_ids, strict=True)
    )
    keys = registry.issue_device_keys([DeviceKeyOrder(row.code, row.thing_id, row.organisation) for row in rows])
    tell_data_plane()
    return [Made(order.code, key, order.lines) for (order, _area), key in zip(placed, keys, strict=True)]


def _thing(order: DeviceOrder, area: AreaCode) -> ThingOrder:
    kind = " ".join(part for part in (order.vendor, order.model) if part)
    return ThingOrder(
        code=f"device/{order.code}",
        title=order.title,
        description=Text(kind or order.title.zh, kind or order.title.en),
        owner=order.organisation,
        project=order.project,
        longitude=order.longitude,
        latitude=order.latitude,
        area=area,
        sensor=kind,
        streams=tuple(
            StreamOrder(
                name=channel.name,
                property_code=channel.property_code,
                unit_symbol=channel.unit.symbol,
                unit_name=channel.unit.name,
                unit_definition=channel.unit.definition,
                period_s=channel.period_s,
            )
            for channel in order.channels
        ),
    )


def _row(order: DeviceOrder, area: AreaCode, thing_id: int, by: By) -> Device:
    return Device(
        code=order.code,
        title_zh=order.title.zh,
        title_en=order.title.en,
        thing_id=thing_id,
        project=order.project,
        vendor=order.vendor,
        model=order.model,
        serial_number=order.serial_number,
        protocol=order.protocol,
        address=order.address,
        endpoint=order.endpoint,
        secret_digest=secret_digest_of(order.protocol, order.address, order.secret) if order.secret else "",
        organisation=order.organisation,
        area=area,
        longitude=order.longitude,
        latitude=order.latitude,
        installed_on=order.installed_on,
        calibrated_on=order.calibrated_on,
        calibration_due_on=order.calibration_due_on,
        state_since=by.now,
        entered_at=by.now,
        period_s=min((one.period_s for one in order.channels if one.period_s), default=None),
    )


def _channel(row: Device, channel: ChannelOrder, datastream_id: int) -> Channel:
    return Channel(
        device=row,
        name=channel.name,
        datastream_id=datastream_id,
        scale=channel.scale,
        offset=channel.offset,
        valid_min=channel.valid_min,
        valid_max=channel.valid_max,
    )
