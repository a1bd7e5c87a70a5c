"""One child process: how it is started, how it dies with us, how long it rests before it is started again."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from cityloop.kernel.errors import CityloopError
from cityloop.site.bonds import die_with
from cityloop.site.engines.account import Account

REST_S_MIN, REST_S_MAX = 0.2, 5.0
"""Bounds of the rest before a restart, seconds; it doubles with each death in a row."""

STEADY_S = 30.0
"""A child that lived this long has recovered: its next death counts as the first, seconds."""

LOG_TAIL_BYTES = 2000
"""How much of a log is shown when a child does not come up, bytes."""


class Stage(IntEnum):
    """Order of starting; stopping goes the other way round, stage by stage."""

    DATABASE = 0
    TRANSPORT = 1
    CITY = 2


class ChildNotReadyError(CityloopError):
    """A child ended, or did not answer in time, while the city was starting."""

    key = "%(name)s did not come up. Its log %(log)s ends with:\n%(tail)s"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What a child is.

    Attributes:
        name: unique; also the name of its log.
        command: program and arguments.
        log: file its output is appended to.
        stage: when it is started and stopped.
        environment: its whole environment.
        folder: its working folder.
        account: whom it runs as.
        ready: answers whether it serves; None where being alive is enough.
        stop_signal: asks it to end in good order, also when we die ourselves.
        stop_s: how long it may take for that, seconds.
        stop_hard: what it gets then.
        keep_files: numbers of open files it inherits.
        sticks_when_full: whether it stays closed after its disk was full, so that it must be started again.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    stage: Stage
    environment: Mapping[str, str]
    folder: Path
    account: Account | None = None
    ready: Callable[[], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10.0
    stop_hard: signal.Signals = signal.SIGKILL
    keep_files: tuple[int, ...] = ()
    sticks_when_full: bool = False


@dataclass(slots=True)
class Child:
    """A child as it stands.

    Attributes:
        spec: what it is.
        process: the running process, None while it rests.
        started_at: when it was started, monotonic seconds.
        deaths: how many in a row.
        restarts: how many since the city was started.
        due_at: when it is started again, monotonic seconds.
    """

    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    restarts: int = 0
    due_at: float = field(default=0.0)

    @property
    def pid(self) -> int | None:
        """Return its process number, None while it does not run."""
        return self.process.pid if self.process else None

    def start(self, now: float, *, at_terminal: bool = False) -> None:
        """Start it; its end is tied to ours by the kernel, so that no orphan stays when we are killed.

        Args:
            now: monotonic seconds.
            at_terminal: whether its output goes to the person instead of its log.
        """
        account, parent = self.spec.account, os.getpid()
        with self.spec.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own commands
                self.spec.command,
                cwd=self.spec.folder,
                env=dict(self.spec.environment),
                stdin=subprocess.DEVNULL,
                stdout=None if at_terminal else log,
                stderr=None if at_terminal else subprocess.STDOUT,
                close_fds=True,
                pass_fds=self.spec.keep_files,
                start_new_session=True,
                preexec_fn=lambda: die_with(parent, self.spec.stop_signal),  # noqa: PLW1509  one thread only
                **(account.popen_arguments() if account else {}),
            )
        self.started_at = now

    def note_death(self, now: float) -> int | None:
        """Notice that it ended and plan its return.

        Returns:
            Its exit code, negative for a signal; None while it lives or rests.
        """
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        self._rest(now)
        return code

    def note_failed_start(self, now: float) -> None:
        """Plan another try: that it could not be started counts as a death."""
        self.process = None
        self._rest(now)

    def _rest(self, now: float) -> None:
        self.deaths = 1 if now - self.started_at >= STEADY_S else self.deaths + 1
        self.due_at = now + rest_s(self.deaths)

    def log_tail(self) -> str:
        """Return the end of its log."""
        try:
            with self.spec.log.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - LOG_TAIL_BYTES))
                return log.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""


def rest_s(deaths: int) -> float:
    """Return how long a child rests before it is started again, seconds: doubling with each death in a row."""
    return min(REST_S_MAX, REST_S_MIN * 2.0 ** min(max(deaths, 1) - 1, 10))
