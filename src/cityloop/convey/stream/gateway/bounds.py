"""Bounds of a gateway: nothing a device does may take without end."""

from dataclasses import dataclass

READ_BYTES_MAX = 16 * 1024
"""Most that is read of a connection before it is dealt with, bytes; twice as much may wait unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Bounds of one protocol.

    Attributes:
        connections_max: connections at once; more are closed at once and counted. About 20 KiB each.
        per_address_max: connections from one network address; the terminals of a carrier come from few addresses.
        identify_s_max: how long a connection may take to name a device that may speak, seconds.
        garbage_max: refused frames in a row after which a connection is closed.
        write_s_max: how long a device may take to read its answers, seconds.
        stop_s_max: how long a stopping gateway waits for what is being kept, seconds.
        datagrams_max: datagrams of one peer that wait; more are dropped and counted.
        known_max: devices remembered of one connection; a superior platform speaks for a whole fleet.
        poll_pause_s_max: longest pause before a polled endpoint that does not answer is tried again, seconds.
        polled_s: how often the ledger is asked for endpoints to poll, seconds.
    """

    connections_max: int = 20_000
    per_address_max: int = 5_000
    identify_s_max: float = 60.0
    garbage_max: int = 100
    write_s_max: float = 30.0
    stop_s_max: float = 5.0
    datagrams_max: int = 16
    known_max: int = 10_000
    poll_pause_s_max: float = 60.0
    polled_s: float = 2.0
