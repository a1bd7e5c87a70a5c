"""DL/T 645: power meters behind a bridge from TCP to their two wires, editions of 1997 and 2007."""

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.dlt645.session import open_session
from cityloop.sense.stream.protocols.port import Carrier, Protocol

PROTOCOL = Protocol(
    code="dlt645",
    title=Text("多功能电能表 DL/T 645", "Power meters, DL/T 645"),
    source=Text("DL/T 645-1997、2007", "DL/T 645-1997 and 2007"),
    carrier=Carrier.POLLED_TCP,
    port=0,
    silent_s_max=900.0,
    open_session=open_session,
)
