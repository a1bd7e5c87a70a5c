"""JT/T 808: satellite positioning terminals of vehicles, 2013 and 2019."""

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.jt808.session import HEARTBEAT_S, Jt808Session
from cityloop.sense.stream.protocols.port import Carrier, Protocol

PROTOCOL = Protocol(
    code="jt808",
    title=Text("道路运输车辆卫星定位 JT/T 808", "Vehicle positioning terminals, JT/T 808"),
    source=Text(
        "JT/T 808-2013、JT/T 808-2019《道路运输车辆卫星定位系统 终端通讯协议及数据格式》",
        "JT/T 808-2013 and 2019, terminal protocol of the satellite positioning system for road vehicles",
    ),
    carrier=Carrier.TCP,
    port=8808,
    silent_s_max=3.0 * HEARTBEAT_S + 10.0,
    open_session=Jt808Session,
)
