"""Shows how a replay stands: bars on a terminal, a line now and then in a log."""

import sys
import threading
import time
from gettext import gettext as _
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cityloop.site.replay.rows import Recording

SAY_EVERY_S = 30.0
"""Without a terminal a line is written at most this often, seconds."""


class Board:
    """Shows progress: bars on a terminal, a line now and then in a log."""

    def __init__(self, progress: Progress | None) -> None:
        """Write to bars, or to standard output where there is no terminal."""
        self._progress = progress
        self._lock = threading.Lock()
        self._names: dict[int, str] = {}
        self._counts: dict[int, int] = {}
        self._said_at: dict[int, float] = {}

    @classmethod
    def on_terminal(cls) -> Self:
        """Return a board for where we run."""
        if not sys.stdout.isatty():
            return cls(None)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        return cls(Progress(*columns, TextColumn("{task.fields[state]}")))

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state on the terminal."""
        if self._progress is not None:
            self._progress.stop()

    def say(self, line: str) -> None:
        """Write a line."""
        if self._progress is not None:
            self._progress.console.print(line)
        else:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def reading(self, file: str) -> None:
        """Say which file is read."""
        self.say(_("reading %(file)s") % {"file": file})

    def say_dropped(self, name: str, recording: Recording) -> None:
        """Say how many readings there are, and what was left out and why."""
        reasons = ", ".join(f"{_(reason)} {count:,}" for reason, count in sorted(recording.dropped.items())) or "0"
        words = _("%(name)s: %(count)s readings; left out: %(reasons)s")
        self.say(words % {"name": name, "count": f"{len(recording.events):,}", "reasons": reasons})

    def row(self, name: str) -> int:
        """Return a new row's number."""
        with self._lock:
            if self._progress is not None:
                number = int(self._progress.add_task(name, total=None, state=""))
            else:
                number = len(self._names)
            self._names[number], self._counts[number] = name, 0
            return number

    def expect(self, row: int, count: int) -> None:
        """Say how many readings of the past are ahead."""
        if self._progress is not None:
            self._progress.update(TaskID(row), total=count or None)
        elif count:
            self.say(_("%(name)s: %(count)s readings of the past to send") % {"name": self._names[row], "count": count})

    def sent(self, row: int, count: int) -> None:
        """Count acknowledged readings."""
        with self._lock:
            self._counts[row] += count
        if self._progress is not None:
            self._progress.advance(TaskID(row), count)
        elif count and time.monotonic() - self._said_at.get(row, 0.0) >= SAY_EVERY_S:
            self._said_at[row] = time.monotonic()
            words = _("%(name)s: %(count)s readings acknowledged")
            self.say(words % {"name": self._names[row], "count": f"{self._counts[row]:,}"})

    def state(self, row: int, words: str) -> None:
        """Say how a row stands."""
        if self._progress is not None:
            self._progress.update(TaskID(row), state=words)
        else:
            self.say(f"{self._names[row]}: {words}")
