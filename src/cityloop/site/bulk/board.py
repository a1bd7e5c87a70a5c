"""Shows how far a file is: a bar on a terminal, a line now and then in a log."""

import sys
import time
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SAY_EVERY_S = 30.0
"""Without a terminal a line is written at most this often, seconds."""


class Board:
    """A bar on a terminal, a line now and then in a log."""

    def __init__(self, progress: Progress | None) -> None:
        """Write to a bar, or to standard output where there is no terminal."""
        self._progress = progress
        self._task = progress.add_task("", total=1.0) if progress is not None else None
        self._said_at = time.monotonic()

    @classmethod
    def on_terminal(cls) -> Self:
        """Return a board for where we run."""
        if not sys.stdout.isatty():
            return cls(None)
        bar = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        return cls(Progress(*bar, TextColumn("{task.description}")))

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state on the terminal."""
        if self._progress is not None:
            self._progress.stop()

    def show(self, share: float, words: str) -> None:
        """Show how far it is.

        Args:
            share: 0 to 1.
            words: what goes with it.
        """
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=share, description=words)
        elif time.monotonic() - self._said_at >= SAY_EVERY_S:
            self._said_at = time.monotonic()
            self.say(f"{share:.0%} {words}")

    def say(self, line: str) -> None:
        """Write a line."""
        if self._progress is not None:
            self._progress.console.print(line, markup=False, highlight=False)
        else:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
