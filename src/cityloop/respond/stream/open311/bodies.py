"""Bodies on their way: how long one may take, and how much of them a process holds."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cityloop.respond.stream.open311.errors import BodyTooLargeError, ComeAgainSoonError, FieldError

BODY_S_MAX = 60.0
"""How long a report may take to come in, seconds: a photo over a slow line."""

BODIES_BYTES_MAX = 128 * 2**20
"""Most that comes in at one time in a process, bytes: twelve of the largest photos, each held twice for a moment."""

SENDER_BYTES_MAX = BODIES_BYTES_MAX // 4
"""How many of them may be of one address without a key, bytes: nobody keeps all others out."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Bodies:
    """Reads bodies within their bounds.

    Args:
        bytes_max: of all together.
        sender_bytes_max: of one address without a key.
    """

    def __init__(self, *, bytes_max: int = BODIES_BYTES_MAX, sender_bytes_max: int = SENDER_BYTES_MAX) -> None:
        """Nothing is on its way yet."""
        self._bytes_max, self._sender_bytes_max = bytes_max, sender_bytes_max
        self._held: Counter[str] = Counter()

    async def read(self, receive: Receive, length: bytes, *, sender: str, is_keyed: bool, bytes_max: int) -> bytes:
        """Return a body.

        Args:
            receive: gives its parts.
            length: as announced.
            sender: the address it comes from.
            is_keyed: whether a key is known to stand behind it.
            bytes_max: how long it may be.

        Raises:
            BodyTooLargeError: if it is longer.
            ComeAgainSoonError: if too much is on its way already.
            FieldError: if the connection ended.
            TimeoutError: if it took longer than `BODY_S_MAX`.
        """
        if not length.isdigit() or int(length) > bytes_max:
            raise BodyTooLargeError(bytes_max=bytes_max)
        parts, size = list[bytes](), 0
        try:
            async with asyncio.timeout(BODY_S_MAX):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise FieldError(name="body", reason="the connection ended")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    self._held[sender] += len(parts[-1])
                    if size > bytes_max:
                        raise BodyTooLargeError(bytes_max=bytes_max)
                    self._check(sender, is_keyed=is_keyed)
                    if not message.get("more_body"):
                        return b"".join(parts)
        finally:
            self._held[sender] -= size
            if not self._held[sender]:
                del self._held[sender]

    def _check(self, sender: str, *, is_keyed: bool) -> None:
        if self._held.total() > self._bytes_max or (not is_keyed and self._held[sender] > self._sender_bytes_max):
            raise ComeAgainSoonError
