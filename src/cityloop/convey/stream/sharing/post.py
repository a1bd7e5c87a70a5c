"""Posting to an address a stranger named: nowhere inside, over TLS, bounded in time and size, no redirect followed.

The name is resolved once, every address it has is checked, and the connection goes to the address that was checked: a
name that answers differently the second time gains nothing.
"""

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from cityloop.kernel.errors import CityloopError

POST_S_MAX = 10.0
"""How long a delivery may take from the look-up of the name to the answer's status, seconds."""

STATUS_LINE_BYTES_MAX = 1024
"""Longest status line that is read, bytes; the rest of the answer is not."""

URL_MAX = 500
HTTPS_PORT, HTTP_PORT = 443, 80
_PORT_MAX = 65_535


class AddressRefusedError(CityloopError):
    """An address cannot be posted to."""

    key = "This address cannot be used: an https address on the public network is needed."

    def __init__(self) -> None:
        """Blame the field."""
        super().__init__(field="url")


class PostFailedError(CityloopError):
    """A delivery did not arrive."""

    key = "It did not arrive: %(reason)s"


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart.

    Attributes:
        host: name or number, without brackets.
        port: TCP port.
        path: path and query.
        secure: whether over TLS.
    """

    host: str
    port: int
    path: str
    secure: bool

    @property
    def authority(self) -> str:
        """Return what the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = HTTPS_PORT if self.secure else HTTP_PORT
        return host if self.port == standard else f"{host}:{self.port}"


def target_of(url: str, *, private: bool = False) -> Target:
    """Return an address taken apart, if it may be posted to as far as its text tells.

    Args:
        url: `https://...`; without account, password and fragment.
        private: whether plain http and addresses of this machine and its network are allowed: for tests.

    Raises:
        AddressRefusedError: if it may not.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefusedError from error
    if not _is_plain(url, parts) or parts.scheme not in ({"http", "https"} if private else {"https"}):
        raise AddressRefusedError
    host, secure = parts.hostname or "", parts.scheme == "https"
    if not private and _is_number(host) and not _is_public(host):
        raise AddressRefusedError
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port or (HTTPS_PORT if secure else HTTP_PORT), path, secure)


def _is_plain(url: str, parts: SplitResult) -> bool:
    printable = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_MAX
    return bool(printable and parts.hostname and "@" not in parts.netloc and not parts.fragment and parts.port != 0)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    """Return whether an address belongs to the public network: not to this machine, nor to a net behind it."""
    number = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else None)
        if inner is not None and not inner.is_global:
            return False
        if number in _NAT64 and not ipaddress.IPv4Address(int(number) & 0xFFFFFFFF).is_global:
            return False
    return number.is_global and not number.is_multicast and not number.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def addresses_of(target: Target, *, private: bool = False) -> list[str]:
    """Return the addresses of a target, if it may be posted to.

    Raises:
        PostFailedError: if the name is not known.
        AddressRefusedError: if any of its addresses lies inside.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PostFailedError(reason="the name is not known") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not private and not all(map(_is_public, addresses)):
        raise AddressRefusedError
    return addresses


async def post(
    target: Target,
    body: bytes,
    headers: dict[str, str],
    *,
    private: bool = False,
    context: ssl.SSLContext | None = None,
) -> int:
    """Post a body and return the status of the answer; nothing else of it is read.

    Args:
        target: where to.
        body: what is sent.
        headers: beside Host and Content-Length.
        private: whether addresses of this machine and its network are allowed: for tests.
        context: of TLS, in place of one that trusts what this machine trusts.

    Raises:
        PostFailedError: if no answer came.
        AddressRefusedError: if the target lies inside.
    """
    try:
        async with asyncio.timeout(POST_S_MAX):
            address = (await addresses_of(target, private=private))[0]
            return await _exchange(target, address, _request(target, body, headers), context)
    except TimeoutError as error:
        raise PostFailedError(reason="no answer in time") from error
    except ssl.SSLError as error:
        raise PostFailedError(reason="the certificate is not trusted") from error
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise PostFailedError(reason="the connection failed") from error


def _request(target: Target, body: bytes, headers: dict[str, str]) -> bytes:
    named = {"Host": target.authority, **headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


async def _exchange(target: Target, address: str, request: bytes, context: ssl.SSLContext | None) -> int:
    tls = (context or ssl.create_default_context()) if target.secure else None
    reader, writer = await asyncio.open_connection(
        address,
        target.port,
        ssl=tls,
        server_hostname=target.host if tls else None,
        limit=STATUS_LINE_BYTES_MAX,
    )
    try:
        writer.write(request)
        await writer.drain()
        line = await reader.readuntil(b"\n")
    finally:
        writer.close()
    version, _, rest = line.partition(b" ")
    status = rest[:3]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise PostFailedError(reason="the answer is no HTTP")
    return int(status)
