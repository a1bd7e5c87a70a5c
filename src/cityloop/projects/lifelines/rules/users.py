"""Who uses a line: kinds of users, which of them are protected, and in which order others may be reduced."""

from dataclasses import dataclass
from enum import StrEnum

from cityloop.kernel.text import Text


class UserKind(StrEnum):
    """What a user of a line is."""

    INTERRUPTIBLE = "interruptible"
    PEAKING_PLANT = "peaking_plant"
    INDUSTRY = "industry"
    BUSINESS = "business"
    TRANSPORT = "transport"
    PUBLIC = "public"
    HEAT_AND_POWER = "heat_and_power"
    HOSPITAL = "hospital"
    SCHOOL = "school"
    HOME_HEATING = "home_heating"


PROTECTED = frozenset({UserKind.HOSPITAL, UserKind.SCHOOL, UserKind.HOME_HEATING})
"""Users that are never reduced (domain reference, section 4.3, rule 7)."""

USER_TITLES: dict[UserKind, Text] = {
    UserKind.INTERRUPTIBLE: Text("可中断用户", "interruptible user"),
    UserKind.PEAKING_PLANT: Text("调峰电厂（不供热）", "power plant that gives no heat"),
    UserKind.INDUSTRY: Text("工业用户", "industry"),
    UserKind.BUSINESS: Text("商业用户", "business"),
    UserKind.TRANSPORT: Text("公共交通", "public transport"),
    UserKind.PUBLIC: Text("公共机构", "public body"),
    UserKind.HEAT_AND_POWER: Text("热电联产（以热定电）", "heat-and-power plant (electricity follows heat)"),
    UserKind.HOSPITAL: Text("医院（受保护）", "hospital (protected)"),
    UserKind.SCHOOL: Text("学校（受保护）", "school (protected)"),
    UserKind.HOME_HEATING: Text("居民采暖（受保护）", "heating of homes (protected)"),
}

_TIERS: dict[UserKind, int] = {
    UserKind.INTERRUPTIBLE: 0,
    UserKind.PEAKING_PLANT: 1,
    UserKind.INDUSTRY: 2,
    UserKind.BUSINESS: 2,
    UserKind.TRANSPORT: 2,
    UserKind.PUBLIC: 2,
    UserKind.HEAT_AND_POWER: 3,
}
"""Interruptible first; then plants that give no heat; plants that give heat last: heat first, electricity follows heat
(以热定电; domain reference, section 4.3, rule 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUser:
    """A user of a line as the demand-side plan knows it.

    Attributes:
        position: its place in the list, from 1; within a tier the lower goes first.
        name: what it is called.
        kind: what it is.
        use: what it uses a day, in the line's unit.
        quantity: how much of that may be taken away, 0 for protected users.
        heat_bound: how much of its use its heat output needs: that part is never taken.
        notice_hours: how long before it must be told, hours.
        basis: where this comes from: contract, plan, decision.
    """

    position: int
    name: str
    kind: UserKind
    use: float
    quantity: float
    heat_bound: float
    notice_hours: float
    basis: str

    @property
    def is_protected(self) -> bool:
        """Return whether it is never reduced."""
        return self.kind in PROTECTED

    @property
    def order(self) -> tuple[int, int]:
        """Return by what the list of users that may be reduced is ordered."""
        return (_TIERS[self.kind], self.position)


def fault_of(user: LineUser) -> Text | None:
    """Return what is wrong with a user's figures, None where they fit together."""
    if user.is_protected and user.quantity > 0:
        return Text("受保护用户的可减量必须为 0", "a protected user can give up nothing: its quantity is 0")
    if not user.is_protected and user.quantity <= 0:
        return Text("可减量必须大于 0", "the quantity that may be reduced must be above 0")
    if user.quantity > user.use - user.heat_bound:
        return Text(
            "可减量不得超过用量减去以热定电部分",
            "the quantity is above the use without the part that heat needs",
        )
    return None
