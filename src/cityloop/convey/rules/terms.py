"""Limits of sharing: the defaults of the platform, until the authority sets others."""

from dataclasses import dataclass

from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TermView:
    """A limit of sharing that is in force.

    Attributes:
        code: what it limits.
        amount: how much, in `unit`.
        unit: unit symbol.
        basis: where it comes from.
        confirmed: whether the authority has confirmed it.
    """

    code: str
    amount: float
    unit: str
    basis: Text
    confirmed: bool


TERMS = {
    one.code: one
    for one in (
        TermView(
            code="access_log_days",
            amount=184,
            unit="d",
            basis=Text(
                "网络日志留存不少于六个月（《网络安全法》第二十一条）；184 天为默认值，待主管部门确认",
                "Network logs are kept for six months at least (Cybersecurity Law, article 21); 184 days is a default, "
                "to be confirmed by the authority",
            ),
            confirmed=False,
        ),
        TermView(
            code="contract_days_max",
            amount=366,
            unit="d",
            basis=Text(
                "协议一次最长一年，到期重新申请；默认值，待主管部门确认",
                "A contract holds for a year at most and is then asked for again; a default, to be confirmed by the "
                "authority",
            ),
            confirmed=False,
        ),
    )
}
"""The defaults by code."""
