"""Modbus TCP: pumps, plants and panels that are asked for their registers."""

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.modbus.session import open_session
from cityloop.sense.stream.protocols.port import Carrier, Protocol

PROTOCOL = Protocol(
    code="modbus",
    title=Text("Modbus TCP", "Modbus TCP"),
    source=Text("MODBUS 应用协议 V1.1b3、GB/T 19582", "MODBUS Application Protocol V1.1b3, GB/T 19582"),
    carrier=Carrier.POLLED_TCP,
    port=0,
    silent_s_max=900.0,
    open_session=open_session,
)
