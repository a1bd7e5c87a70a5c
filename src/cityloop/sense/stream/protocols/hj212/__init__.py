"""HJ 212: environment monitoring stations, 2005 and 2017."""

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.hj212.session import Hj212Session
from cityloop.sense.stream.protocols.port import Carrier, Protocol

SILENT_S_MAX = 3_900.0
"""A station that sends hourly data only is heard once an hour, seconds."""

PROTOCOL = Protocol(
    code="hj212",
    title=Text("环境监测数据传输 HJ 212", "Environment monitoring, HJ 212"),
    source=Text(
        "HJ 212-2017《污染物在线监控（监测）系统数据传输标准》；HJ/T 212-2005",
        "HJ 212-2017, data transmission of online monitoring systems for pollutants; HJ/T 212-2005",
    ),
    carrier=Carrier.TCP,
    port=9212,
    silent_s_max=SILENT_S_MAX,
    open_session=Hj212Session,
)
