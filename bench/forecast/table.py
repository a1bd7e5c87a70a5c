"""Tables of figures, on a terminal."""

import sys

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def progress() -> Progress:
    """Return a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, transient=True)


def show(title: str, heads: list[str], rows: list[list[object]]) -> None:
    """Print a table: the first column left, numbers right, two or three digits."""
    cells = [heads, *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    sys.stdout.write(f"\n{title}\n")
    for row in cells:
        line = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        sys.stdout.write("  " + "  ".join(line).rstrip() + "\n")
    sys.stdout.flush()


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
