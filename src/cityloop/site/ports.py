"""Ports: whether they are free, and the listening socket that all web processes share."""

import errno
import socket

from cityloop.kernel.errors import CityloopError

BACKLOG = 2048
"""Connections that wait while a web process is started again."""


class PortTakenError(CityloopError):
    """A port the city needs is in use."""

    key = (
        "Port %(port)s, needed for %(what)s, is taken by another program. Stop that program, or give another port: "
        "%(setting)s=%(free)s cityloop up"
    )
    status = 409


class PortForbiddenError(CityloopError):
    """The system does not let us listen there."""

    key = "Cityloop may not listen on %(host)s port %(port)s: %(reason)s. Give another with %(setting)s."
    status = 409


def listening_socket(host: str, port: int, *, what: str, setting: str) -> socket.socket:
    """Return a socket that listens.

    Raises:
        PortTakenError: if the port is in use.
        PortForbiddenError: if the address or port may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(port=port, what=what, setting=setting, free=free_port()) from error
        raise PortForbiddenError(host=host, port=port, reason=error.strerror, setting=setting) from error
    return listener


def require_free(port: int, *, what: str, setting: str) -> None:
    """Do nothing if a loopback port is free.

    Raises:
        PortTakenError: if it is not.
        PortForbiddenError: if it may not be used.
    """
    listening_socket("127.0.0.1", port, what=what, setting=setting).close()


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
