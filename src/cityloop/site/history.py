"""The history process: keeps the second store of closed days, where CITYLOOP_HISTORY_DSN names one.

    python -m cityloop.site.history

A process of its own, for one process alone may open an embedded store. While it is away nothing is lost: what lies in
PostgreSQL is read and written as ever, and what is killed half way is begun anew.
"""

import logging
import signal
import threading

import psycopg

from cityloop.sense.stream.archive.keeping import Keeper, KeeperElsewhereError
from cityloop.site.configuration import Configuration, ConfigurationError, load
from cityloop.site.logs import set_up_logs
from cityloop.site.metrics import beat
from cityloop.site.secrets import postgres_dsn

log = logging.getLogger(__name__)

TURN_S = 0.5
"""Longest rest between two turns, seconds: so long the end may have to wait."""

RETRY_S = 0.5
"""Rest after the database went away, or while another process keeps the store, seconds."""


def run(configuration: Configuration, stop: threading.Event) -> None:
    """Keep the store until asked to end; when the database goes away, wait for it.

    Raises:
        ConfigurationError: if no store is named.
    """
    if not configuration.history_dsn:
        raise ConfigurationError(name="history_dsn", reason="it names no store")
    while not stop.is_set():
        beat("history")
        try:
            keeper = Keeper.of(postgres_dsn(configuration), configuration.history_dsn)
        except (psycopg.OperationalError, KeeperElsewhereError) as error:
            log.warning("The second store is not kept from here yet: %s", error)
            stop.wait(RETRY_S)
            continue
        try:
            _keep(keeper, stop)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("the database is away: %s", error)
            stop.wait(RETRY_S)
        finally:
            keeper.close()


def _keep(keeper: Keeper, stop: threading.Event) -> None:
    while not stop.is_set():
        beat("history")
        if not keeper.turn():
            keeper.rest(TURN_S)


def main() -> None:
    """Keep the store until asked to stop."""
    set_up_logs("history", level=logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(load(), stop)


if __name__ == "__main__":
    main()
