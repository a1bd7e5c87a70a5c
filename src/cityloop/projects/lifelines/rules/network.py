"""The dependencies of the city's lifelines as the product brings them: data, each with its basis.

Source:
    Which line hangs on which: domain reference, section 4.3, rule 8 (D). The hours are from general knowledge of such
    works (K); every one is a default to be confirmed by the authority.
"""

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.dependencies import Edge, Effect, Node, NodeKind

_DEFAULT = Text(
    "依赖关系见领域资料第4.3节规则8；小时数为平台默认值，依据同类设施一般经验，待主管部门确认",
    "The dependency follows domain reference 4.3, rule 8; the hours are a default of the platform after what is usual "
    "for such works, to be confirmed by the authority",
)
_NONE = Text("无备用", "no reserve")
_BATTERY = Text("蓄电池", "battery")
_GENERATOR = Text("自备发电机", "own generator")
_TANK = Text("清水池蓄水", "clear-well storage")
_ROOF_TANK = Text("院内水箱", "tank of the house")
_LINEPACK = Text("管存", "line-pack")
_FUEL = Text("厂内燃料", "fuel in the works")
_INERTIA = Text("管网与建筑蓄热", "heat held by network and buildings")
_MAKE_UP = Text("补水箱", "make-up tank")
_SUMP = Text("集水池容积（雨天）", "room in the sump, in rain")

NODES: tuple[Node, ...] = (
    Node(code="power", title=Text("供电", "Power"), kind=NodeKind.LINE, things=("power.grid",)),
    Node(code="gas", title=Text("燃气", "Gas"), kind=NodeKind.LINE, things=("gas.city",)),
    Node(code="coal", title=Text("煤炭", "Coal"), kind=NodeKind.LINE),
    Node(code="water", title=Text("供水", "Water"), kind=NodeKind.LINE),
    Node(code="heat", title=Text("供热", "Heat"), kind=NodeKind.LINE),
    Node(code="drainage", title=Text("排水", "Drainage"), kind=NodeKind.LINE),
    Node(code="gas-plants", title=Text("燃气热电厂", "Gas-fired heat and power"), kind=NodeKind.WORKS),
    Node(
        code="coal-plants", title=Text("燃煤热源厂", "Coal-fired heat plants"), kind=NodeKind.WORKS,
        things=("coal.plants",),
    ),
    Node(code="waterworks", title=Text("自来水厂", "Waterworks"), kind=NodeKind.WORKS),
    Node(
        code="sewage-works", title=Text("污水处理厂", "Sewage works"), kind=NodeKind.WORKS,
        things=("drainage.plants",),
    ),
    Node(
        code="gas-stations", title=Text("燃气调压站", "Gas pressure stations"), kind=NodeKind.STATION,
        things=("gas.gate-*", "gas.point-*"),
    ),
    Node(
        code="pump-stations", title=Text("供水加压泵站", "Water pump stations"), kind=NodeKind.STATION,
        things=("water.zone-*",),
    ),
    Node(
        code="heat-stations", title=Text("热力站", "Heat stations"), kind=NodeKind.STATION,
        things=("heat.l4", "heat.l8", "heat.l12"),
    ),
    Node(
        code="drainage-pumps", title=Text("排水泵站", "Drainage pump stations"), kind=NodeKind.STATION,
        things=("drainage.sump-*",),
    ),
    Node(code="hospitals", title=Text("医院", "Hospitals"), kind=NodeKind.SERVED, things=("water.zone-1",)),
    Node(code="homes-water", title=Text("居民用水", "Water at home"), kind=NodeKind.SERVED),
    Node(code="homes-heat", title=Text("居民采暖（18°C）", "Rooms at 18 °C"), kind=NodeKind.SERVED),
    Node(code="homes-gas", title=Text("居民用气", "Gas at home"), kind=NodeKind.SERVED),
    Node(code="underpasses", title=Text("下凹式立交桥", "Underpasses"), kind=NodeKind.SERVED),
    Node(code="signals", title=Text("交通信号灯", "Traffic lights"), kind=NodeKind.SERVED),
)  # fmt: skip


def _edge(source: str, target: str, hours: float, reserve: Text, *, effect: Effect = Effect.FAILS) -> Edge:
    return Edge(source=source, target=target, reserve_hours=hours, reserve=reserve, effect=effect, basis=_DEFAULT)


EDGES: tuple[Edge, ...] = (
    _edge("gas", "gas-plants", 2.0, _LINEPACK),
    _edge("gas", "gas-stations", 12.0, _LINEPACK),
    _edge("gas-stations", "homes-gas", 1.0, _LINEPACK),
    _edge("gas-plants", "power", 0.0, _NONE, effect=Effect.WEAKENS),
    _edge("gas-plants", "heat", 4.0, _INERTIA),
    _edge("coal", "coal-plants", 72.0, _FUEL),
    _edge("coal-plants", "heat", 4.0, _INERTIA, effect=Effect.WEAKENS),
    _edge("coal-plants", "power", 0.0, _NONE, effect=Effect.WEAKENS),
    _edge("power", "waterworks", 2.0, _GENERATOR),
    _edge("power", "pump-stations", 0.0, _NONE),
    _edge("power", "heat-stations", 0.5, _BATTERY),
    _edge("power", "gas-stations", 8.0, _BATTERY, effect=Effect.WEAKENS),
    _edge("power", "gas-plants", 0.0, _NONE),
    _edge("power", "coal-plants", 0.0, _NONE),
    _edge("power", "drainage-pumps", 2.0, _GENERATOR),
    _edge("power", "sewage-works", 1.0, _GENERATOR),
    _edge("power", "hospitals", 8.0, _GENERATOR),
    _edge("power", "signals", 1.0, _BATTERY),
    _edge("waterworks", "water", 6.0, _TANK),
    _edge("water", "heat-stations", 24.0, _MAKE_UP),
    _edge("water", "hospitals", 12.0, _ROOF_TANK),
    _edge("water", "homes-water", 0.5, _ROOF_TANK),
    _edge("water", "gas-plants", 24.0, _TANK),
    _edge("pump-stations", "homes-water", 2.0, _ROOF_TANK),
    _edge("heat", "heat-stations", 2.0, _INERTIA),
    _edge("heat-stations", "homes-heat", 8.0, _INERTIA),
    _edge("heat-stations", "hospitals", 8.0, _INERTIA, effect=Effect.WEAKENS),
    _edge("sewage-works", "drainage", 4.0, _SUMP),
    _edge("drainage", "drainage-pumps", 1.0, _SUMP, effect=Effect.WEAKENS),
    _edge("drainage-pumps", "underpasses", 0.5, _SUMP),
)

__all__ = ["EDGES", "NODES"]
