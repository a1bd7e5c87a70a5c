"""`cityloop up`: the start of a city, step by step, and its life."""

import contextlib
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from gettext import gettext as _
from pathlib import Path

from rich.console import Console

from cityloop.kernel.errors import CityloopError
from cityloop.site import processes
from cityloop.site.accounts import demo_password
from cityloop.site.configuration import Configuration
from cityloop.site.engines import nats, postgres
from cityloop.site.engines.account import Account, FolderUnreachableError, engine_account, engine_folder
from cityloop.site.language import spoken
from cityloop.site.metrics.instruments import folder_of
from cityloop.site.ports import listening_socket, require_free
from cityloop.site.supervisor import ChildSpec, Supervisor
from cityloop.site.supervisor.lock import Lock
from cityloop.site.supervisor.state import STATE_NAME

ENGINE_UP_S_MAX = 90.0
"""How long an engine may take to come up, recovery after a crash included, seconds."""

ORPHAN_S_MAX = 30.0
"""How long an orphaned database of a killed run may take to stop, seconds."""


class DatabaseUnreachableError(CityloopError):
    """The database of the operator's own does not answer."""

    key = "The database at CITYLOOP_POSTGRES_DSN does not answer. Start it, or correct the address."
    status = 503


class PreparationFailedError(CityloopError):
    """Tables, static files or the demo city could not be brought up to date."""

    key = "The city could not be prepared; the reason stands above. Nothing was lost: mend it and start again."
    status = 500


class DiskFullError(CityloopError):
    """There is no room."""

    key = "Only %(free)s MB are free in %(folder)s and %(needed)s MB are needed. Make room, or set CITYLOOP_HOME."
    status = 507


class City:
    """A city that is being run.

    Args:
        configuration: its settings.
        console: where the person reads.
    """

    def __init__(self, configuration: Configuration, *, console: Console | None = None) -> None:
        """Take the settings; nothing is started yet."""
        self._configuration = configuration
        self._console = console or Console(highlight=False)
        self._home = processes.home_folder(configuration)

    def run(self) -> int:
        """Start the city, keep it alive, stop it in order.

        Returns:
            The exit status.

        Raises:
            CityloopError: whatever hinders the start, told in one sentence.
        """
        with self._lock(), contextlib.ExitStack() as undo:
            listener = listening_socket(
                self._configuration.host, self._configuration.port, what=_("web pages"), setting="CITYLOOP_PORT"
            )
            undo.callback(listener.close)
            supervisor = Supervisor(state_file=self._home / STATE_NAME, say=self._say, about={"address": self.address})
            supervisor.heed_signals()
            undo.callback(self._stop, supervisor)
            if self._start_engines(supervisor) and self._start_city(supervisor, listener):
                supervisor.run()
        return 0

    @contextlib.contextmanager
    def engines(self) -> Iterator[None]:
        """Run the engines alone, for a restore; they are stopped in order afterwards.

        Raises:
            CityloopError: whatever hinders their start, told in one sentence.
        """
        with self._lock(), contextlib.ExitStack() as undo:
            supervisor = Supervisor(state_file=self._home / STATE_NAME, say=self._say)
            undo.callback(supervisor.stop_all)
            self._start_engines(supervisor)
            yield

    @property
    def address(self) -> str:
        """Return where the pages are."""
        host = self._configuration.host
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104  only shown
        return f"http://{shown}:{self._configuration.port}/"

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody reads any more; the city lives on
            self._console.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {text}", soft_wrap=True)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            (self._home / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = Lock(self._home)
        except OSError as error:
            raise FolderUnreachableError(folder=self._home, reason=error.strerror or error) from error
        if lock.stale_pid is not None:
            self._say(
                _("The last run (process %(pid)s) ended without stopping its city; its lock is taken over.")
                % {"pid": lock.stale_pid}
            )
        try:
            yield
        finally:
            lock.give_back()

    def _start_city(self, supervisor: Supervisor, listener: socket.socket) -> bool:
        """Prepare and start the city's own processes; False if we were asked to stop meanwhile."""
        figures = folder_of(self._home)
        shutil.rmtree(figures, ignore_errors=True)
        figures.mkdir(mode=0o700)
        code = supervisor.complete(processes.prepare_child(self._configuration))
        if supervisor.stopping:
            return False
        if code != 0:
            raise PreparationFailedError
        for spec in processes.city_children(self._configuration, listener_number=listener.fileno()):
            supervisor.start(spec)
        self._greet()
        return True

    def _start_engines(self, supervisor: Supervisor) -> bool:
        configuration = self._configuration
        if configuration.postgres_dsn and not postgres.answers(configuration.postgres_dsn):
            raise DatabaseUnreachableError
        if configuration.postgres_dsn and configuration.nats_url:
            return True
        if (free_mb := processes.free_mb(self._home)) < processes.FREE_MB_MIN:
            raise DiskFullError(free=free_mb, folder=self._home, needed=processes.FREE_MB_MIN)
        account = engine_account()
        folder = engine_folder(self._home, account)
        if not configuration.postgres_dsn and not self._start_postgres(supervisor, account, folder):
            return False
        return bool(configuration.nats_url) or self._start_nats(supervisor, account, folder)

    def _start_postgres(self, supervisor: Supervisor, account: Account, folder: Path) -> bool:
        configuration = self._configuration
        program = postgres.program_for(configuration, account)
        made = postgres.is_made(folder, program)
        self._end_orphan(folder)
        require_free(configuration.postgres_port, what="PostgreSQL", setting="CITYLOOP_POSTGRES_PORT")
        if not made:
            with self._console.status(_("Making the database …")):
                postgres.make_cluster(configuration, account, folder=folder, program=program)
        postgres.write_configuration(configuration, account, folder=folder)
        spec = processes.postgres_child(configuration, account, folder=folder, program=program)
        if not self._start_engine(supervisor, spec, f"PostgreSQL {program.version_text}"):
            return False
        postgres.make_database(configuration)
        return True

    def _start_nats(self, supervisor: Supervisor, account: Account, folder: Path) -> bool:
        configuration = self._configuration
        program = nats.program_for(configuration, account)
        require_free(configuration.nats_port, what="NATS", setting="CITYLOOP_NATS_PORT")
        require_free(configuration.mqtt_port, what="MQTT", setting="CITYLOOP_MQTT_PORT")
        nats.write_configuration(configuration, account, folder=folder)
        spec = processes.nats_child(configuration, account, folder=folder, program=program)
        return self._start_engine(supervisor, spec, f"NATS {program.version_text}")

    def _start_engine(self, supervisor: Supervisor, spec: ChildSpec, title: str) -> bool:
        with self._console.status(_("Starting %(what)s …") % {"what": title}):
            ready = supervisor.wait_ready(supervisor.start(spec), deadline_s=ENGINE_UP_S_MAX)
        if ready:
            self._say(_("%(what)s runs.") % {"what": title})
        return ready

    def _end_orphan(self, folder: Path) -> None:
        """Stop the database of a run that was killed, if it still runs."""
        pid = postgres.running_pid(folder)
        if pid is None:
            return
        self._say(_("A database of an earlier run (process %(pid)s) still runs and is stopped.") % {"pid": pid})
        ends_at = time.monotonic() + ORPHAN_S_MAX
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        while postgres.running_pid(folder) is not None and time.monotonic() < ends_at:
            time.sleep(0.1)

    def _greet(self) -> None:
        self._console.print()
        self._console.print(_("The city runs: [bold]%(address)s[/bold]") % {"address": self.address})
        if self._configuration.demo != "off":
            self._console.print(
                _("Demo accounts (password [bold]%(password)s[/bold]):")
                % {"password": demo_password(self._configuration)}
            )
            for one in json.loads((self._home / "demo-accounts.json").read_text(encoding="utf-8")):
                self._console.print(f"  {one['account']:16}{'  '.join(one[spoken()])}", markup=False)
        self._console.print(_("Logs: %(folder)s    Stop: Ctrl-C") % {"folder": self._home / "logs"})

    def _stop(self, supervisor: Supervisor) -> None:
        if supervisor.children:
            self._say(_("Stopping …"))
            supervisor.stop_all()
            self._say(_("The city has stopped."))
