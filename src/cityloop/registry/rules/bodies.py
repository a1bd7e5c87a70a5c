"""The organisations every city of the product starts with: data, shipped, kept in the table and open to more."""

from dataclasses import dataclass
from enum import StrEnum

from cityloop.kernel.areas import CITY, AreaCode, AreaLevel, district_of, level_of
from cityloop.kernel.text import Text


class OrganisationKind(StrEnum):
    """What sort of body an organisation is."""

    GOVERNMENT = "government"
    EMERGENCY = "emergency"
    COMMISSION = "commission"
    LIFELINE = "lifeline"
    SUPERVISION_CENTRE = "supervision_centre"
    COMMAND_CENTRE = "command_centre"
    CITY_MANAGEMENT = "city_management"
    OTHER = "other"

    @property
    def words(self) -> Text:
        """Return the kind in words."""
        return _KIND_TITLES[self]


_KIND_TITLES = {
    OrganisationKind.GOVERNMENT: Text("政府", "government"),
    OrganisationKind.EMERGENCY: Text("应急办", "emergency office"),
    OrganisationKind.COMMISSION: Text("委办局", "commission"),
    OrganisationKind.LIFELINE: Text("生命线企业", "lifeline group"),
    OrganisationKind.SUPERVISION_CENTRE: Text("监督中心", "supervision centre"),
    OrganisationKind.COMMAND_CENTRE: Text("指挥中心", "command centre"),
    OrganisationKind.CITY_MANAGEMENT: Text("城市管理部门", "city management body"),
    OrganisationKind.OTHER: Text("其他", "other"),
}


@dataclass(frozen=True, slots=True)
class Body:
    """An organisation as declared."""

    code: str
    name: Text
    kind: OrganisationKind
    area: AreaCode = CITY
    parent: str = ""


_KIND = OrganisationKind

CITY_BODIES: tuple[Body, ...] = (
    Body("city-government", Text("北京市人民政府", "Beijing Municipal Government"), _KIND.GOVERNMENT),
    Body("emergency-office", Text("北京市应急办", "Beijing Emergency Office"), _KIND.EMERGENCY),
    Body("supervision-centre", Text("市城市管理监督中心", "City Supervision Centre"), _KIND.SUPERVISION_CENTRE),
    Body("command-centre", Text("市城市管理指挥中心", "City Command Centre"), _KIND.COMMAND_CENTRE),
    Body(
        "municipal-administration",
        Text("北京市城市管理委员会", "Beijing City Management Commission"),
        _KIND.CITY_MANAGEMENT,
    ),
    Body(
        "economy-commission",
        Text("北京市经济和信息化局", "Beijing Bureau of Economy and Information Technology"),
        _KIND.COMMISSION,
    ),
    Body(
        "development-commission",
        Text("北京市发展和改革委员会", "Beijing Development and Reform Commission"),
        _KIND.COMMISSION,
    ),
    Body("transport-commission", Text("北京市交通委员会", "Beijing Transport Commission"), _KIND.COMMISSION),
    Body(
        "housing-commission",
        Text("北京市住房和城乡建设委员会", "Beijing Housing and Construction Commission"),
        _KIND.COMMISSION,
    ),
    Body("health-commission", Text("北京市卫生健康委员会", "Beijing Health Commission"), _KIND.COMMISSION),
    Body("public-security-bureau", Text("北京市公安局", "Beijing Public Security Bureau"), _KIND.COMMISSION),
    Body("emergency-bureau", Text("北京市应急管理局", "Beijing Emergency Management Bureau"), _KIND.COMMISSION),
    Body("water-authority", Text("北京市水务局", "Beijing Water Authority"), _KIND.COMMISSION),
    Body("environment-bureau", Text("北京市生态环境局", "Beijing Ecology and Environment Bureau"), _KIND.COMMISSION),
    Body("market-bureau", Text("北京市市场监督管理局", "Beijing Market Supervision Bureau"), _KIND.COMMISSION),
    Body("forestry-bureau", Text("北京市园林绿化局", "Beijing Gardening and Greening Bureau"), _KIND.COMMISSION),
    Body("meteorological-bureau", Text("北京市气象局", "Beijing Meteorological Bureau"), _KIND.COMMISSION),
    Body(
        "government-service-bureau",
        Text("北京市政务服务和数据管理局", "Beijing Government Service and Data Bureau"),
        _KIND.COMMISSION,
    ),
    Body("water-group", Text("北京市自来水集团", "Beijing Waterworks Group"), _KIND.LIFELINE),
    Body("drainage-group", Text("北京城市排水集团", "Beijing Drainage Group"), _KIND.LIFELINE),
    Body("gas-group", Text("北京市燃气集团", "Beijing Gas Group"), _KIND.LIFELINE),
    Body("heat-group", Text("北京市热力集团", "Beijing District Heating Group"), _KIND.LIFELINE),
    Body("power-company", Text("北京市电力公司", "Beijing Electric Power Company"), _KIND.LIFELINE),
)
"""Bodies of the city; names as in public use, default, to be confirmed by the authority."""

_DISTRICT_BODIES = (
    ("government", "人民政府", "Government", _KIND.GOVERNMENT),
    ("emergency-office", "应急办", "Emergency Office", _KIND.EMERGENCY),
    ("supervision-centre", "城市管理监督中心", "Supervision Centre", _KIND.SUPERVISION_CENTRE),
    ("command-centre", "城市管理指挥中心", "Command Centre", _KIND.COMMAND_CENTRE),
    ("city-management", "城市管理委员会", "City Management Commission", _KIND.CITY_MANAGEMENT),
)


def bodies_of_district(code: AreaCode, name: Text) -> tuple[Body, ...]:
    """Return the bodies a district starts with; their codes are `<district>-<body>`.

    Args:
        code: the district.
        name: its name, such as `东城区`, `Dongcheng`.
    """
    return tuple(
        Body(f"{code}-{suffix}", Text(name.zh + zh, f"{name.en} {en}"), kind, code, _parent(code, suffix))
        for suffix, zh, en, kind in _DISTRICT_BODIES
    )


def _parent(code: AreaCode, suffix: str) -> str:
    return "" if suffix == "government" else f"{code}-government"


def responsible_body(area: AreaCode, organisation: str) -> str:
    """Return the code of the body that handles a matter.

    Where the item library names nobody the territory catches (属地兜底): the district's city management body, or the
    city's for a matter of the whole city.

    Args:
        area: where the matter lies.
        organisation: whom the item library names, empty where nobody.
    """
    if organisation:
        return organisation
    if level_of(area) is AreaLevel.CITY:
        return "municipal-administration"
    return f"{district_of(area)}-city-management"
