"""Where a request stands: its path below the service root, and the address by which the service was called."""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

NOWHERE = "\0"
"""The path of what does not lie below the service root."""

_HOST = re.compile(r"([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


class Doorstep:
    """Reads the address of a request.

    Args:
        base_path: where the service root stands.
        hosts: names by which the service may be called; `*` takes any, a name with a leading dot all below it.
    """

    def __init__(self, base_path: str, hosts: Sequence[str]) -> None:
        """Take both; where no host is named, only the server's own address is used."""
        self._base_path = base_path
        self._hosts = [host.strip().lower() for host in hosts if host.strip()]

    def path(self, scope: MutableMapping[str, Any]) -> str:
        """Return the path below the service root as it was sent."""
        raw = scope.get("raw_path")
        path = (raw.decode("ascii") if raw else scope["path"]).partition("?")[0]
        is_below = path == self._base_path or path.startswith(self._base_path + "/")
        return path.removeprefix(self._base_path).strip("/") if is_below else NOWHERE

    def base(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        """Return the address of the service root, by a name that is known."""
        return f"{scope.get('scheme', 'http')}://{self._host(scope, headers)}{self._base_path}"

    def _host(self, scope: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> str:
        told = headers.get(b"host", b"").decode("latin-1")
        found = _HOST.fullmatch(told)
        if found is not None and self._knows(found[1].lower()):
            return told
        name, port = scope.get("server") or ("localhost", None)
        known = [host for host in self._hosts if host != "*" and not host.startswith(".")]
        return f"{known[0] if known else name}:{port}" if port else str(known[0] if known else name)

    def _knows(self, name: str) -> bool:
        return any(
            host in ("*", name) or (host.startswith(".") and (name.endswith(host) or name == host[1:]))
            for host in self._hosts
        )
