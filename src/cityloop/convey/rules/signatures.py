"""How a delivery proves where it comes from: HMAC-SHA256 over its time and its body."""

import hashlib
import hmac

HEADER = "Cityloop-Signature"
"""Header of a delivery: `t=<Unix seconds>,v1=<hexadecimal HMAC>`."""


def subscription_key(city_secret: str, *, subscription_id: int, version: int) -> str:
    """Return the key of a subscription, derived so that no table and no backup of one holds it.

    Args:
        city_secret: known to the city alone.
        subscription_id: the subscription.
        version: counts how often the key was changed.
    """
    about = f"cityloop webhook {subscription_id} {version}".encode()
    return hmac.new(city_secret.encode(), about, hashlib.sha256).hexdigest()


def signature(key: str, body: bytes, *, at_s: int) -> str:
    """Return the value of the header for a body sent at an instant.

    Args:
        key: of the subscription.
        body: exactly as sent.
        at_s: Unix seconds; the receiver refuses what is old, so that a captured delivery cannot be sent again.
    """
    digest = hmac.new(key.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def is_signed(header: str, key: str, body: bytes, *, now_s: int, age_s_max: int = 300) -> bool:
    """Return whether a header belongs to a body and is not old; what a receiver does.

    Args:
        header: as received.
        key: of the subscription.
        body: as received.
        now_s: Unix seconds.
        age_s_max: oldest delivery that is believed, seconds.
    """
    at, _, _digest = header.removeprefix("t=").partition(",")
    if not (at.isascii() and at.isdecimal()) or abs(now_s - int(at)) > age_s_max:
        return False
    return hmac.compare_digest(signature(key, body, at_s=int(at)), header)
