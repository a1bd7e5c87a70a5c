"""Puts meters and a watch into a running city through the public doors, as another process of that city.

python -m tests.journeys.metered declare '[[code, protocol, address, endpoint, channel, scale, offset], ...]'
python -m tests.journeys.metered heard CODE
"""

import json
import sys
from datetime import UTC, datetime

from cityloop.site.django_ready import set_up

COLUMNS = (
    "code,title_zh,title_en,organisation,longitude,latitude,project,protocol,address,endpoint,channel,scale,offset,"
    "property,unit"
)
PROJECT, KIND = "metered", "metered-low"


def declare(meters: str) -> None:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first
    from cityloop.decide import facade as decide  # noqa: PLC0415
    from cityloop.respond import facade as respond  # noqa: PLC0415
    from cityloop.sense import facade as sense  # noqa: PLC0415

    project = _project()
    sense.declare(project)
    respond.declare(project)
    devices.enter_declared(PROJECT, now=datetime.now(UTC))
    rows = [
        f"{code},{code},{code},water-group,116.366,39.915,{PROJECT},{protocol},{address},{endpoint},{channel},"
        f"{scale},{offset},{PROJECT}/pressure,MPa"
        for code, protocol, address, endpoint, channel, scale, offset in json.loads(meters)
    ]
    sheet = "\n".join([COLUMNS, *rows]).encode()
    done = devices.import_devices(sheet, file="metered.csv", now=datetime.now(UTC))
    decide.declare(project)
    say_out(
        keys={one.code: one.key for one in done.made},
        refused=[f"{one.code}, {one.column}: {one.reason.en}" for one in done.refusals],
    )


def _project() -> object:
    from cityloop.kernel import declarations as say  # noqa: PLC0415  Django is set up first
    from cityloop.kernel.clocks import Clock, Limit  # noqa: PLC0415
    from cityloop.kernel.levels import Level  # noqa: PLC0415
    from cityloop.kernel.text import Text  # noqa: PLC0415

    basis, title = Text("测试用限值", "limits of this test"), Text("表计", "Meters")
    yard = say.ThingSpec(code="yard", title=title, description=title, longitude=116.366, latitude=39.915)
    pressure = say.StreamSpec(
        code="pressure",
        thing="yard",
        title=Text("压力", "Pressure"),
        property_code="pressure",
        property_title=Text("压力", "Pressure"),
        property_definition="http://example.org/pressure",
        unit_symbol="MPa",
        unit_name="megapascal",
        unit_definition="http://example.org/MPa",
        period_s=60.0,
    )
    low = Text("表计读数过低", "Meter reads too low")
    watch = say.WatchSpec(
        code="metered-low",
        title=low,
        kind=say.WatchKind.LOW,
        streams=("*",),
        limits={Level.YELLOW: 0.1},
        unit="MPa",
        basis=basis,
        case_kind=KIND,
    )
    return say.Project(
        code=PROJECT,
        number=None,
        title=title,
        summary=title,
        lead="water-group",
        plan_source=basis,
        things=(yard,),
        streams=(pressure,),
        watches=(watch,),
        case_kinds=(say.CaseKindSpec(code=KIND, title=low, limit=Limit(4, Clock.NATURAL), basis=basis),),
    )


def heard(code: str) -> None:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first

    found = devices.device(code)
    say_out(heard=found.last_heard_at is not None, streams=[one.datastream_id for one in devices.channels_of(found)])


def say_out(**what: object) -> None:
    sys.stdout.write(json.dumps(what, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    set_up()
    {"declare": declare, "heard": heard}[sys.argv[1]](*sys.argv[2:])
