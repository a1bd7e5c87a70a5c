"""GB/T 26875.3: fire alarms of buildings, through their transmission devices (用户信息传输装置)."""

from cityloop.kernel.text import Text
from cityloop.sense.stream.protocols.gb26875.session import FireSession
from cityloop.sense.stream.protocols.port import Admit, Carrier, Polled, Protocol


def open_session(admit: Admit, _polled: tuple[Polled, ...]) -> FireSession:
    """Return a session for a device that has connected."""
    return FireSession(admit)


PROTOCOL = Protocol(
    code="gb26875",
    title=Text("消防远程监控 GB/T 26875.3", "Remote fire monitoring, GB/T 26875.3"),
    source=Text("GB/T 26875.3-2011", "GB/T 26875.3-2011"),
    carrier=Carrier.TCP,
    port=26875,
    silent_s_max=600.0,
    open_session=open_session,
)
