"""Tables of convey: positions of streams; devices; shared data; nodes."""

from cityloop.convey.models.devices import (
    Arrival,
    Channel,
    Device,
    DeviceChange,
    DeviceImport,
    DeviceTerm,
    LedgerVersion,
)
from cityloop.convey.models.nodes import Incarnation, Node, NodeStream, Outbox, OutboxLane
from cityloop.convey.models.positions import StreamPosition
from cityloop.convey.models.sharing import (
    Access,
    Contract,
    ContractSet,
    ContractStep,
    Dataset,
    DeadLetter,
    ExternalSet,
    SharingTerm,
    Subscription,
)

__all__ = [
    "Access",
    "Arrival",
    "Channel",
    "Contract",
    "ContractSet",
    "ContractStep",
    "Dataset",
    "DeadLetter",
    "Device",
    "DeviceChange",
    "DeviceImport",
    "DeviceTerm",
    "ExternalSet",
    "Incarnation",
    "LedgerVersion",
    "Node",
    "NodeStream",
    "Outbox",
    "OutboxLane",
    "SharingTerm",
    "StreamPosition",
    "Subscription",
]
