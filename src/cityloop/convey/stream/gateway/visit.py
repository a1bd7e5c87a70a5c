"""Who is at the other end of a connection: the devices it has shown to be."""

from collections.abc import Sequence

from cityloop.convey.stream.book import DeviceBook, DeviceRecord
from cityloop.convey.stream.gateway.guesses import Guesses


class Visit:
    """Remembers the devices of one connection, so that a frame costs no look-up, and asks again whether they may speak.

    Args:
        protocol: code of the protocol.
        book: the ledger.
        peer: network address at the other end.
        guesses: counts wrong secrets.
        known_max: how many devices are remembered.
        called: where we have called, the devices behind the endpoint; on another endpoint the same address may be
            another device, so nobody else is looked up.
    """

    def __init__(  # noqa: PLR0913  what a visit needs
        self,
        protocol: str,
        book: DeviceBook,
        *,
        peer: str,
        guesses: Guesses,
        known_max: int,
        called: Sequence[DeviceRecord] = (),
    ) -> None:
        """Know nobody yet but whom we have called."""
        self._called = {device.address: device for device in called}
        self._protocol, self._book, self._known_max = protocol, book, known_max
        self._peer, self._guesses = peer, guesses
        self._admitted: dict[str, tuple[str, DeviceRecord]] = {}
        self._known: dict[str, DeviceRecord] = {}

    @property
    def identified(self) -> bool:
        """Return whether a device that may speak has been named."""
        return bool(self._called or self._admitted or self._known)

    def admit(self, address: str, secret: str) -> bool:
        """Return whether a device may speak here (`port.Admit`); the answer holds until `revoked` asks again."""
        if self._called:
            return address in self._called
        before = self._admitted.get(address)
        if before is not None and before[0] == secret:
            return True
        if not self._guesses.may_try(self._protocol, address, self._peer):
            return False
        device = self._book.admitted(self._protocol, address, secret)
        if device is None:
            self._guesses.wrong(self._protocol, address, self._peer)
            return False
        if len(self._admitted) >= self._known_max:
            self._admitted.clear()
        self._admitted[address] = (secret, device)
        return True

    def device(self, address: str) -> DeviceRecord | None:
        """Return the device of an address, None where it may not speak."""
        if self._called:
            return self._called.get(address)
        admitted = self._admitted.get(address)
        if admitted is not None:
            return admitted[1]
        device = self._known.get(address)
        if device is None and (device := self._book.admitted(self._protocol, address)) is not None:
            if len(self._known) >= self._known_max:
                self._known.clear()
            self._known[address] = device
        return device

    def revoked(self) -> str:
        """Return the address of an admitted device that may no longer speak, empty where there is none.

        Devices behind another one, of which it has spoken, are looked up anew.
        """
        self._known.clear()
        for address, (secret, _) in self._admitted.items():
            device = self._book.admitted(self._protocol, address, secret)
            if device is None:
                return address
            self._admitted[address] = (secret, device)
        return ""
