"""Engines for tests and benches: on free ports, in a folder of their own, gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cityloop.site.bonds import die_with
from cityloop.site.configuration import Configuration
from cityloop.site.engines import nats, postgres
from cityloop.site.engines.account import Account, engine_account, engine_folder
from cityloop.site.ports import free_port
from cityloop.site.secrets import postgres_dsn

UP_S_MAX = 60.0
"""An engine that does not answer in this time does not work, seconds."""

_UNSAFE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "autovacuum_naptime=10min")


@contextmanager
def throwaway_home() -> Iterator[Path]:
    """Yield a data folder that the engines' account can enter; it is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="cityloop-test-", dir="/tmp"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def throwaway_postgres(home: Path, *, durable: bool = False) -> Iterator[str]:
    """Yield the address of a PostgreSQL server of its own.

    Args:
        home: a data folder.
        durable: whether commits reach the disk; off makes tests fast.
    """
    configuration = Configuration(home=home, postgres_port=free_port())
    account = engine_account(create=False)
    folder = engine_folder(home, account)
    program = postgres.program_for(configuration, account)
    postgres.make_cluster(configuration, account, folder=folder, program=program)
    postgres.write_configuration(configuration, account, folder=folder)
    options = [] if durable else [item for option in _UNSAFE for item in ("-c", option)]
    command = (*postgres.command(program, folder=folder), *options)
    dsn = postgres.server_dsn(configuration)
    with _running(command, account=account, log=home / "postgres.log", ready=lambda: postgres.answers(dsn)):
        postgres.make_database(configuration)
        yield postgres_dsn(configuration)


@contextmanager
def throwaway_nats(home: Path) -> Iterator[Configuration]:
    """Yield a configuration whose NATS server runs; `secrets.nats_url` gives its address."""
    configuration = Configuration(home=home, nats_port=free_port(), mqtt_port=free_port())
    with running_nats(configuration):
        yield configuration


@contextmanager
def running_nats(configuration: Configuration) -> Iterator[subprocess.Popen[bytes]]:
    """Run the NATS server of a configuration; a second call on the same folder finds what the first stored."""
    account = engine_account(create=False)
    folder = engine_folder(configuration.home, account)
    program = nats.program_for(configuration, account)
    nats.write_configuration(configuration, account, folder=folder)
    command = nats.command(program, folder=folder)
    log = Path(configuration.home) / "nats.log"
    with _running(command, account=account, log=log, ready=lambda: nats.answers(configuration)) as server:
        yield server


@contextmanager
def _running(
    command: tuple[str, ...], *, account: Account, log: Path, ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    parent = os.getpid()
    with log.open("ab") as output:
        server = subprocess.Popen(  # noqa: S603  our own commands
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            preexec_fn=lambda: die_with(parent, signal.SIGINT),  # noqa: PLW1509  no locks are taken in it
            **account.popen_arguments(),
        )
    try:
        _await_ready(server, ready, log)
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        server.wait()


def _await_ready(server: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    ends_at = time.monotonic() + UP_S_MAX
    while not ready():
        if server.poll() is not None or time.monotonic() > ends_at:
            raise RuntimeError(log.read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.05)
