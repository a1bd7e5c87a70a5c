"""Facts of the transport network: data is shared by contract, and no longer."""

from dataclasses import dataclass
from datetime import datetime

from cityloop.kernel.facts.base import Fact


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
