"""Facts of the transport network: data is shared by contract, and no longer."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.kernel.facts.base import Fact
from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractApproved(Fact):
    """An owner lets another organisation read data sets.

    Attributes:
        contract_id: the contract.
        asker: code of the organisation that may read.
        owner: code of the organisation whose data it is.
        datasets: codes of the data sets, apart by commas.
        valid_from: from when.
        valid_until: until when.
    """

    contract_id: int
    asker: str
    owner: str
    datasets: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractEnded(Fact):
    """A contract gives no right any more; `reason` is `expired`, `withdrawn` or `terminated`."""

    contract_id: int
    asker: str
    owner: str
    datasets: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStateChanged(Fact):
    """A device went from one state of its life to another.

    Attributes:
        device: its code in the ledger.
        title: its name.
        project: its application project, empty where none.
        state_before: where it was.
        state: where it is.
        reason: why.
    """

    device: str
    title: Text
    project: str
    state_before: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatesChanged(Fact):
    """More devices fell silent or came back at once than deserve a fact each: a cable, a node, a power cut.

    Attributes:
        went_offline: how many fell silent.
        came_online: how many came back.
        devices: codes of the first of them, apart by commas.
    """

    went_offline: int
    came_online: int
    devices: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskGiven(Fact):
    """A device was asked to do something.

    Attributes:
        task_id: the task.
        capability: what the device can be asked, in its words.
        sited_at: name of the device or site.
        asked: the parameters, as JSON.
        due_at: until when the device must have reported.
    """

    task_id: int
    capability: str
    sited_at: str
    asked: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnded(Fact):
    """A task is over; `status` is `done`, `failed` or `timed_out`, `reason` what the device says of it."""

    task_id: int
    status: str
    reason: str
