"""One city a data folder: the lock of `cityloop up`.

The kernel holds the lock (flock) for as long as the process lives, so a lock of a dead process never bars the way; its
file stays behind and tells that the last run ended without a word.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from cityloop.kernel.errors import CityloopError


class AlreadyRunningError(CityloopError):
    """Another `cityloop up` holds the data folder."""

    key = "Cityloop already runs from the data folder %(home)s (process %(pid)s). Stop it with `cityloop down`."
    status = 409


class Lock:
    """The lock of a data folder.

    Attributes:
        stale_pid: number of the process that held it last and did not give it back, else None.
    """

    def __init__(self, home: Path) -> None:
        """Take the lock.

        Raises:
            AlreadyRunningError: if a living process holds it.
        """
        self._file = home / "up.lock"
        self._number = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
        told = os.read(self._number, 32).decode("ascii", "replace").strip()
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._number)
            raise AlreadyRunningError(home=home, pid=told or "?") from None
        self.stale_pid = int(told) if told.isdigit() else None
        os.truncate(self._number, 0)
        os.pwrite(self._number, str(os.getpid()).encode("ascii"), 0)

    def give_back(self) -> None:
        """Give the lock back and remove its file."""
        with contextlib.suppress(FileNotFoundError):
            self._file.unlink()
        os.close(self._number)


def holder(home: Path) -> int | None:
    """Return the process that runs the city of a data folder, None where none does."""
    try:
        with (home / "up.lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read(32) or 0) or None
    except OSError:
        return None
    return None
