"""CJ/T 188: meters for water, gas, heat and cold behind a bridge from TCP to their two wires."""

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.cjt188.session import open_session
from cityloop.sense.stream.protocols.port import Carrier, Protocol

PROTOCOL = Protocol(
    code="cjt188",
    title=Text("户用计量仪表 CJ/T 188", "Utility meters, CJ/T 188"),
    source=Text("CJ/T 188-2004、2018", "CJ/T 188-2004 and 2018"),
    carrier=Carrier.POLLED_TCP,
    port=0,
    silent_s_max=900.0,
    open_session=open_session,
)
