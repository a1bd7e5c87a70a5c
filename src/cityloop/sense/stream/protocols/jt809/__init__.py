"""JT/T 809: platforms of vehicles report to ours, 2011."""

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.jt809.session import Jt809Session
from cityloop.sense.stream.protocols.port import Carrier, Protocol

SILENT_S_MAX = 190.0
"""Three link tests of a minute, and a little, seconds."""

PROTOCOL = Protocol(
    code="jt809",
    title=Text("道路运输车辆卫星定位平台 JT/T 809", "Vehicle positioning platforms, JT/T 809"),
    source=Text(
        "JT/T 809-2011《道路运输车辆卫星定位系统 平台数据交换》",
        "JT/T 809-2011, data exchange between platforms of the satellite positioning system for road vehicles",
    ),
    carrier=Carrier.TCP,
    port=8809,
    silent_s_max=SILENT_S_MAX,
    open_session=Jt809Session,
)
