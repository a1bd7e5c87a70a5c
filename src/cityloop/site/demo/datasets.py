"""The data sets of the demo city: what the lines' organisations offer, labelled by where the readings come from."""

from collections.abc import Sequence
from dataclasses import dataclass

from cityloop.convey.facade import sharing
from cityloop.kernel.areas import CITY
from cityloop.kernel.declarations import Origin
from cityloop.kernel.text import Text
from cityloop.registry.facade import organisation_name
from cityloop.sense import facade as sense
from cityloop.site.demo.plays import PROJECT

_BY_CONTRACT = Text(
    "凭数据使用协议使用，不得转交第三方；演示条款，待主管部门确认",
    "By data contract, not to be handed on; terms of the demo, to be confirmed by the authority",
)
_OPEN = Text(
    "可自由使用，须注明来源；演示条款，待主管部门确认",
    "Free to use, naming the source; terms of the demo, to be confirmed by the authority",
)
_ORIGINS = {
    Origin.LIVE: Text("数据来源：现场设备", "Origin: devices in the field"),
    Origin.REPLAYED: Text("数据来源：真实数据回放（演示）", "Origin: real data, replayed for the demo"),
    Origin.SIMULATED: Text("数据来源：模拟数据（演示）", "Origin: simulated for the demo"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    """A data set of the demo: the owner's streams whose codes begin so."""

    code: str
    owner: str
    begins: str
    title: Text
    about: Text
    theme: sharing.Theme
    frequency: sharing.Frequency
    keywords: tuple[Text, ...]
    openness: sharing.Openness = sharing.Openness.CONTRACT


_SETS = (
    _Set(
        code="water-inflow",
        owner="water-group",
        begins="water.zone-",
        title=Text("供水分区流量", "Inflow of the water zones"),
        about=Text("各独立计量区入口流量", "Flow at the inlets of the district metered areas"),
        theme=sharing.Theme.WATER,
        frequency=sharing.Frequency.HOURLY,
        keywords=(Text("供水", "water supply"), Text("流量", "flow")),
    ),
    _Set(
        code="water-pressure",
        owner="water-group",
        begins="water.point-",
        title=Text("供水管网压力", "Pressure of the water network"),
        about=Text("各区供水管网压力监测点", "Pressure points of the water network in every district"),
        theme=sharing.Theme.WATER,
        frequency=sharing.Frequency.CONTINUOUS,
        keywords=(Text("供水", "water supply"), Text("压力", "pressure")),
    ),
    _Set(
        code="heat-substations",
        owner="heat-group",
        begins="heat.",
        title=Text("热力站运行", "Heat substations"),
        about=Text("热力站供回水温度与供热功率", "Supply and return temperature and heat delivered of substations"),
        theme=sharing.Theme.ENERGY,
        frequency=sharing.Frequency.CONTINUOUS,
        keywords=(Text("供热", "district heating"), Text("温度", "temperature")),
    ),
    _Set(
        code="grid-load",
        owner="power-company",
        begins="power.",
        title=Text("电网负荷", "Load of the power grid"),
        about=Text("全市电网统调负荷", "Load of the city's grid as dispatched"),
        theme=sharing.Theme.ENERGY,
        frequency=sharing.Frequency.CONTINUOUS,
        keywords=(Text("供电", "power supply"), Text("负荷", "load")),
    ),
    _Set(
        code="air-quality",
        owner="environment-bureau",
        begins="air.",
        title=Text("空气质量与气象", "Air quality and weather"),
        about=Text("监测站细颗粒物与气温", "Fine particles and air temperature of the stations"),
        theme=sharing.Theme.ENVIRONMENT,
        frequency=sharing.Frequency.HOURLY,
        keywords=(Text("空气质量", "air quality"), Text("气温", "air temperature")),
        openness=sharing.Openness.OPEN,
    ),
)


def declare_datasets() -> int:
    """Enter the demo's data sets where they do not stand yet; return how many were made."""
    streams = sense.streams_of_project(PROJECT)
    specs = []
    for one in _SETS:
        mine = [stream for stream in streams if stream.code.partition("/")[2].startswith(one.begins)]
        if mine:
            specs.append(_spec(one, mine))
    return sharing.declare_datasets(specs)


def _spec(one: _Set, streams: Sequence[sense.StreamView]) -> sharing.DatasetSpec:
    told = [_ORIGINS[origin] for origin in dict.fromkeys(stream.origin for stream in streams)]
    told += [source for source in dict.fromkeys(stream.source for stream in streams) if source is not None]
    about = Text(
        "。".join([one.about.zh, *(text.zh for text in told)]), ". ".join([one.about.en, *(text.en for text in told)])
    )
    is_open = one.openness is sharing.Openness.OPEN
    return sharing.DatasetSpec(
        code=one.code,
        owner=one.owner,
        about=sharing.Description(
            title=one.title,
            description=about,
            theme=one.theme,
            keywords_zh=tuple(word.zh for word in one.keywords),
            keywords_en=tuple(word.en for word in one.keywords),
            area=CITY,
            frequency=one.frequency,
            licence=_OPEN if is_open else _BY_CONTRACT,
            openness=one.openness,
            contact_name=organisation_name(one.owner).zh,
            contact_email=f"data@{one.owner}.example",
        ),
        selection=sharing.Selection(project=PROJECT, datastream_ids=tuple(one.datastream_id for one in streams)),
    )
