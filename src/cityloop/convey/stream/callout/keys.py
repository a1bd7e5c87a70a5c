"""Keys of the NATS world: Ed25519, written in base 32 with a checksum ("nkeys")."""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cityloop.kernel.errors import CityloopError

ACCOUNT = 0
"""Kind of an account's key; written, it begins with A. (Users begin with U, servers with N.)"""

KEY_BYTES = 32
"""Length of a key, bytes."""

_CRC_BYTES = 2
_PADDED = 8


class KeyUnreadableError(CityloopError):
    """A written key is none."""

    key = "A key of the transport cannot be read."


class SigningKey:
    """A secret key of an account.

    Args:
        seed: 32 random bytes.

    Source:
        NATS documentation, "NKeys"; RFC 8032.
    """

    def __init__(self, seed: bytes) -> None:
        """Take the seed."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = written(self._key.public_key().public_bytes_raw(), kind=ACCOUNT)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._key.sign(message)


def written(key: bytes, *, kind: int) -> str:
    """Return a public key as NATS writes it.

    Args:
        key: 32 bytes.
        kind: what it is the key of, 0-31: the place of the first letter in the base 32 alphabet.
    """
    body = bytes([kind << 3]) + key
    return base64.b32encode(body + _checksum(body)).decode().rstrip("=")


def read(text: str) -> bytes:
    """Return the 32 bytes of a public key as NATS writes it.

    Raises:
        KeyUnreadableError: if the text is none.
    """
    try:
        body = base64.b32decode(text + "=" * (-len(text) % _PADDED))
    except ValueError as error:
        raise KeyUnreadableError from error
    key, checksum = body[:-_CRC_BYTES], body[-_CRC_BYTES:]
    if len(key) != KEY_BYTES + 1 or _checksum(key) != checksum:
        raise KeyUnreadableError
    return key[1:]


def is_signed(text: str, message: bytes, signature: bytes) -> bool:
    """Return whether a message was signed by the owner of a written public key.

    Raises:
        KeyUnreadableError: if the key is none.
    """
    try:
        Ed25519PublicKey.from_public_bytes(read(text)).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _checksum(body: bytes) -> bytes:
    return binascii.crc_hqx(body, 0).to_bytes(_CRC_BYTES, "little")
