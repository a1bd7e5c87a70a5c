"""When somebody who tries passwords is locked out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOut:
    """How many failures are borne in a window of time.

    Attributes:
        window_s: how long a failure counts, seconds.
        pair_max: failures of one account from one address.
        address_max: failures of one address on any account.
        account_max: failures of one account from any address; high, or a stranger could lock out a duty officer.
        basis: where the numbers come from.
        confirmed: whether the authority has confirmed them.
    """

    window_s: float
    pair_max: int
    address_max: int
    account_max: int
    basis: Text
    confirmed: bool = False


LOCK_OUT = LockOut(
    window_s=900.0,
    pair_max=5,
    address_max=30,
    account_max=50,
    basis=Text("产品默认值，待主管部门确认", "Default of the product, to be confirmed by the authority"),
)
"""The lock-out in force."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt."""

    account: str
    address: str
    at: datetime


def locked_until(
    failures: Sequence[Failure], *, account: str, address: str, now: datetime, policy: LockOut = LOCK_OUT
) -> datetime | None:
    """Return when an account may be tried again from an address, None where it may be tried now.

    Args:
        failures: failures of the account or of the address, any order; older ones than the window do not count.
        account: the account that is tried.
        address: the network address it is tried from.
        now: aware.
        policy: the numbers.
    """
    window = timedelta(seconds=policy.window_s)
    recent = [failure for failure in failures if failure.at > now - window]
    counted = (
        (policy.pair_max, [f.at for f in recent if f.account == account and f.address == address]),
        (policy.address_max, [f.at for f in recent if f.address == address]),
        (policy.account_max, [f.at for f in recent if f.account == account]),
    )
    ends = [sorted(times)[-limit] + window for limit, times in counted if len(times) >= limit]
    return max(ends, default=None)
