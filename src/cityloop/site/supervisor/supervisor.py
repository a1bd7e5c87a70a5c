"""The supervisor: one thread, woken by signals, that keeps a list of children alive."""

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Callable
from gettext import gettext as _
from pathlib import Path
from types import FrameType
from typing import Any

from cityloop.site.supervisor.child import Child, ChildNotReadyError, ChildSpec, Stage
from cityloop.site.supervisor.state import write_state

TICK_S = 0.5
"""Longest sleep between two looks at the children, seconds; a dying child wakes us at once."""

LOG_BYTES_MAX = 32 * 2**20
"""A log that grew to this size is kept once as `.1` and begun anew, bytes."""

LOGS_EVERY_S = 30.0
"""How often the logs' sizes are looked at, seconds."""

DISK_EVERY_S = 1.0
"""How often the disk is looked at, seconds."""

DISK_FULL_MB = 64
"""Less free space than this counts as a full disk, MB: file systems keep some back."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Starts, watches and stops children.

    Args:
        state_file: where it writes what runs, for `cityloop status`.
        say: tells the person at the terminal.
        about: what else the state file says, such as the address.
    """

    def __init__(self, *, state_file: Path, say: Callable[[str], None], about: dict[str, Any] | None = None) -> None:
        """Begin without children."""
        self.children: list[Child] = []
        self.stopping = False
        self._state_file = state_file
        self._say = say
        self._about = about or {}
        self._logs_due_at = self._disk_due_at = 0.0
        self._was_full = self._is_untold = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def heed_signals(self) -> None:
        """Stop in good order on Ctrl-C, TERM and a closed terminal; wake when a child dies."""
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop_asked)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _stop_asked(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def start(self, spec: ChildSpec) -> Child:
        """Start a child and keep it alive from now on."""
        child = Child(spec)
        child.start(time.monotonic())
        self.children.append(child)
        self.write_state()
        return child

    def wait_ready(self, child: Child, *, deadline_s: float, deaths_max: int = 3) -> bool:
        """Wait until a child serves; what dies meanwhile is started again.

        Args:
            child: whose `ready` is asked.
            deadline_s: how long, seconds.
            deaths_max: after so many deaths in a row we stop hoping.

        Returns:
            False if we were asked to stop meanwhile.

        Raises:
            ChildNotReadyError: if it does not serve in that time.
        """
        ends_at = time.monotonic() + deadline_s
        while not self.stopping:
            self.look()
            if child.process is not None and (child.spec.ready is None or child.spec.ready()):
                return True
            if time.monotonic() > ends_at or child.deaths >= deaths_max:
                raise ChildNotReadyError(name=child.spec.name, log=child.spec.log, tail=child.log_tail())
            self._sleep(0.1)
        return False

    def complete(self, spec: ChildSpec) -> int:
        """Run a child that ends by itself, at the person's terminal, and keep the others alive meanwhile.

        Returns:
            Its exit code; when we are asked to stop, so is it.
        """
        child = Child(spec)
        child.start(time.monotonic(), at_terminal=True)
        while child.process is not None and child.process.poll() is None:
            if self.stopping:
                _signal(child, spec.stop_signal)
                self._await_end(child)
                return 1
            self.look()
            self._sleep(TICK_S)
        return child.process.returncode if child.process is not None else 1

    def run(self) -> None:
        """Keep the children alive until somebody asks us to stop."""
        while not self.stopping:
            self.look()
            self._sleep(min([TICK_S, *(self._rest_left(child) for child in self.children if child.process is None)]))

    def look(self) -> None:
        """Look at every child once: notice deaths, start again what is due."""
        now = time.monotonic()
        for child in self.children:
            code = child.note_death(now)
            if code is not None:
                self._say(_death_sentence(child, code))
                self._is_untold = True
            if child.process is None and now >= child.due_at and not self.stopping:
                self._start_again(child, now)
                self._is_untold = True
        if self._is_untold:
            self.write_state()
        if now >= self._disk_due_at:
            self._disk_due_at = now + DISK_EVERY_S
            self._heal_after_full_disk()
        if now >= self._logs_due_at:
            self._logs_due_at = now + LOGS_EVERY_S
            self._turn_logs()

    def _start_again(self, child: Child, now: float) -> None:
        child.restarts += 1
        try:
            child.start(now)
        except OSError as error:  # no room for its log, no more processes: it rests, and is tried again
            self._say(_("%(name)s cannot be started: %(reason)s") % {"name": child.spec.name, "reason": error})
            child.note_failed_start(now)

    def _heal_after_full_disk(self) -> None:
        """Start again what stays closed once its disk has room again; what it has stored is on the disk."""
        free_mb = shutil.disk_usage(self._state_file.parent).free // 2**20
        if free_mb < DISK_FULL_MB:
            if not self._was_full:
                self._say(_("The disk is full: only %(free)s MB are free. Make room.") % {"free": free_mb})
            self._was_full = True
        elif self._was_full:
            self._was_full = False
            for child in self.children:
                if child.spec.sticks_when_full:
                    self._say(
                        _("There is room on the disk again; %(name)s is started again.") % {"name": child.spec.name}
                    )
                    _signal(child, child.spec.stop_signal)

    def stop_all(self) -> None:
        """Stop all children, the last stage first, each child in good order, hard only if it does not heed."""
        self.stopping = True
        for stage in sorted(Stage, reverse=True):
            running = [child for child in self.children if child.spec.stage is stage and child.process is not None]
            for child in running:
                _signal(child, child.spec.stop_signal)
            for child in running:
                self._await_end(child)
        with contextlib.suppress(FileNotFoundError):
            self._state_file.unlink()

    def _await_end(self, child: Child) -> None:
        asked_at = time.monotonic()
        hard = False
        while child.process is not None and child.process.poll() is None:
            waited_s = time.monotonic() - asked_at
            if waited_s > child.spec.stop_s and not hard:
                self._say(_("%(name)s does not end by itself and is ended hard.") % {"name": child.spec.name})
                _signal(child, child.spec.stop_hard)
                hard = True
            elif waited_s > 2 * child.spec.stop_s + 5:
                _signal(child, signal.SIGKILL)
            self._sleep(0.05)
        child.process = None

    def _rest_left(self, child: Child) -> float:
        return max(0.0, child.due_at - time.monotonic())

    def _sleep(self, span_s: float) -> None:
        select.select([self._wake_read], [], [], span_s)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)

    def _turn_logs(self) -> None:
        for child in self.children:
            log = child.spec.log
            with contextlib.suppress(OSError):  # a full disk: the log that stands goes on growing
                if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
                    log.with_name(f"{log.name}.1").write_bytes(log.read_bytes())
                    os.truncate(log, 0)

    def write_state(self) -> None:
        """Write what runs, whole or not at all; what a full disk has no room for is written once it has."""
        state = {
            **self._about,
            "supervisor": os.getpid(),
            "processes": [
                {
                    "name": child.spec.name,
                    "pid": child.pid,
                    "restarts": child.restarts,
                    "log": str(child.spec.log),
                    "started_at": time.time() - (time.monotonic() - child.started_at),
                }
                for child in self.children
            ],
        }
        try:
            write_state(self._state_file, state)
        except OSError:
            self._is_untold = True
        else:
            self._is_untold = False


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None:
        with contextlib.suppress(ProcessLookupError):
            child.process.send_signal(number)


def _death_sentence(child: Child, code: int) -> str:
    how = _("signal %(number)s") % {"number": -code} if code < 0 else _("code %(number)s") % {"number": code}
    return _("%(name)s ended (%(how)s) and is started again. Its log: %(log)s") % {
        "name": child.spec.name,
        "how": how,
        "log": child.spec.log,
    }
