"""The process that keeps the second store, with a chdb folder of its own, as tests start, kill and miss it."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

WITHIN_S = 15.0
"""Longest a test waits for something, seconds."""


class HistoryProcess:
    """Runs `python -m cityloop.site.history` on a database."""

    def __init__(self, postgres_dsn: str, dsn: str, home: Path) -> None:
        """Know the database, the store and a folder for the log."""
        self._environment = {
            **os.environ,
            "CITYLOOP_POSTGRES_DSN": postgres_dsn,
            "CITYLOOP_HISTORY_DSN": dsn,
            "CITYLOOP_HOME": str(home),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self.log = home / "history.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **more: str) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cityloop.site.history"],
                env=self._environment | more,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def end(self) -> None:
        """End it as the supervisor does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """Kill it, as the kernel does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def kill_after(self, wait_s: float) -> None:
        """Kill it after a moment, wherever its work is then."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)
            self.kill()

    @property
    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._process is not None and self._process.poll() is None


def eventually(holds: Callable[[], bool], *, what: str, within_s: float = WITHIN_S) -> None:
    """Wait until something holds."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.02)  # a process of its own is waited for
