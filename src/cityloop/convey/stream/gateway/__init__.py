"""The gateway of device protocols: it does the input and output, and keeps what the protocols' sessions read."""

from cityloop.convey.stream.gateway.bounds import Bounds
from cityloop.convey.stream.gateway.counts import Counts
from cityloop.convey.stream.gateway.gateway import Gateway, Opening
from cityloop.convey.stream.gateway.intake import Intake
from cityloop.convey.stream.gateway.refusals import Refusals

__all__ = ["Bounds", "Counts", "Gateway", "Intake", "Opening", "Refusals"]
