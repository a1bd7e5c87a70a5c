"""Wrong secrets are few in a minute: a password of six digits must not be found by trying."""

import time
from collections import OrderedDict
from collections.abc import Callable

SPAN_S = 60.0
"""Span in which wrong secrets are counted, seconds."""

PEER_MAX = 10
"""Wrong secrets for one device from one network address in that span; further tries are not even looked at."""

DEVICE_MAX = 100
"""The same from everywhere: a password of six digits then holds a week on average, one of eight letters for ages."""

REMEMBERED_MAX = 50_000
"""Devices and addresses remembered; the oldest give way."""


class Guesses:
    """Counts wrong secrets by device and by who presents them.

    Args:
        elapsed_s: a clock.
    """

    def __init__(self, *, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        """Remember nothing."""
        self._elapsed_s = elapsed_s
        self._wrong: OrderedDict[tuple[str, str, str], tuple[float, int]] = OrderedDict()

    def may_try(self, protocol: str, address: str, peer: str) -> bool:
        """Return whether a secret is looked at; the one who is let in already is not asked again."""
        return self._count((protocol, address, peer)) < PEER_MAX and self._count((protocol, address, "")) < DEVICE_MAX

    def wrong(self, protocol: str, address: str, peer: str) -> None:
        """Note a wrong secret, or a device that may not speak."""
        for key in ((protocol, address, peer), (protocol, address, "")):
            count = self._count(key)
            began = self._wrong[key][0] if count else self._elapsed_s()
            self._wrong[key] = began, count + 1
            self._wrong.move_to_end(key)
        while len(self._wrong) > REMEMBERED_MAX:
            self._wrong.popitem(last=False)

    def _count(self, key: tuple[str, str, str]) -> int:
        began, count = self._wrong.get(key, (0.0, 0))
        return count if count and self._elapsed_s() - began < SPAN_S else 0
