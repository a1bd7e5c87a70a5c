"""Puts devices and a watch into a running city through the public doors, as another process of that city.

python -m tests.journeys.field declare
python -m tests.journeys.field show CODE
python -m tests.journeys.field revoke CODE
"""

import json
import sys
from datetime import UTC, datetime

from cityloop.site.django_ready import set_up

DEVICES = (
    ("field-water", "hj212", "010000A8900016F000169DC0", "123456", "w01018-Rtd", "field_cod", "mg/L"),
    ("field-truck", "jt808", "13912344329", "SIM0001", "speed_kmh", "field_speed", "km/h"),
    ("field-fleet", "jt809", "11020001", "password", "link", "field_speed", "km/h"),
    ("field-bus", "jt809", "京A00001", "", "speed_kmh", "field_speed", "km/h"),
)
"""Code, protocol, address, secret, channel, observed property, unit."""

COLUMNS = "code,title_zh,title_en,organisation,longitude,latitude,project,protocol,address,secret,channel,property,unit"
PROJECT, KIND = "field", "field-exceeded"


def declare() -> None:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first
    from cityloop.decide import facade as decide  # noqa: PLC0415
    from cityloop.kernel import declarations as say  # noqa: PLC0415
    from cityloop.kernel.clocks import Clock, Limit  # noqa: PLC0415
    from cityloop.kernel.levels import Level  # noqa: PLC0415
    from cityloop.kernel.text import Text  # noqa: PLC0415
    from cityloop.respond import facade as respond  # noqa: PLC0415
    from cityloop.sense import facade as sense  # noqa: PLC0415

    basis = Text("测试用限值", "limits of this test")
    place = {"longitude": 116.366, "latitude": 39.915}
    yard = say.ThingSpec(code="yard", title=Text("场地", "Yard"), description=Text("场地", "Yard"), **place)
    streams = tuple(
        say.StreamSpec(
            code=code,
            thing="yard",
            title=Text(zh, en),
            property_code=code,
            property_title=Text(zh, en),
            property_definition=f"http://example.org/{code}",
            unit_symbol=unit,
            unit_name=unit,
            unit_definition=f"http://example.org/{unit}",
            period_s=60.0,
        )
        for code, zh, en, unit in (
            ("cod", "化学需氧量", "Chemical oxygen demand", "mg/L"),
            ("speed", "车速", "Vehicle speed", "km/h"),
        )
    )
    watch = say.WatchSpec(
        code="field-limit",
        title=Text("现场超限", "Field limit exceeded"),
        kind=say.WatchKind.HIGH,
        streams=("*",),
        limits={Level.YELLOW: 100.0},
        unit="",
        basis=basis,
        case_kind=KIND,
    )
    kind = say.CaseKindSpec(
        code=KIND, title=Text("现场超限", "Field limit exceeded"), limit=Limit(4, Clock.NATURAL), basis=basis
    )
    project = say.Project(
        code=PROJECT,
        number=None,
        title=Text("现场设备", "Field devices"),
        summary=Text("现场设备", "Field devices"),
        lead="water-group",
        plan_source=basis,
        things=(yard,),
        streams=streams,
        watches=(watch,),
        case_kinds=(kind,),
    )
    sense.declare(project)
    respond.declare(project)
    devices.enter_declared(PROJECT, now=datetime.now(UTC))
    rows = [
        f"{code},{code},{code},water-group,116.366,39.915,{PROJECT},{protocol},{address},{secret},{channel},"
        f"{PROJECT}/{quantity.removeprefix('field_')},{unit}"
        for code, protocol, address, secret, channel, quantity, unit in DEVICES
    ]
    done = devices.import_devices(
        "\n".join([COLUMNS, *rows]).encode(),
        file="field.csv",
        now=datetime.now(UTC),
    )
    decide.declare(project)
    say_out(made=[one.code for one in done.made], refused=[f"{one.code}: {one.reason.en}" for one in done.refusals])


def show(code: str) -> None:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first

    found = devices.device(code)
    say_out(state=found.state, heard=found.last_heard_at.isoformat() if found.last_heard_at else "")


def revoke(code: str) -> None:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first
    from cityloop.registry import facade as registry  # noqa: PLC0415

    manager = next(person for person in registry.people() if person.username == "operator")
    say_out(revoked=devices.revoke_credentials(code, person=manager))


def say_out(**what: object) -> None:
    sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    set_up()
    {"declare": declare, "show": show, "revoke": revoke}[sys.argv[1]](*sys.argv[2:])
