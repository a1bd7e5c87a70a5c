"""`cityloop status`: which processes of the city run."""

import argparse
import time
from gettext import gettext as _
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cityloop.site.cli.down import NotRunningError
from cityloop.site.configuration import load
from cityloop.site.supervisor.lock import holder
from cityloop.site.supervisor.state import read_state


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    subparsers.add_parser("status", help=_("show which processes of the city run"))


def state_of(home: Path) -> dict[str, Any]:
    """Return what the supervisor of a data folder runs.

    Raises:
        NotRunningError: if no city runs from it.
    """
    if holder(home) is None:
        raise NotRunningError(home=home)
    return read_state(home)


def run(_arguments: argparse.Namespace) -> int:
    """Print the processes."""
    state = state_of(load().home.absolute())
    table = Table(_("process"), _("number"), _("running for"), _("restarts"))
    table.add_column(_("log"), overflow="fold")
    for process in state["processes"]:
        running = _span(time.time() - process["started_at"]) if process["pid"] else _("resting")
        table.add_row(process["name"], str(process["pid"] or "-"), running, str(process["restarts"]), process["log"])
    console = Console()
    console.print(table)
    console.print(state.get("address", ""))
    return 0


def _span(seconds: float) -> str:
    minutes, rest_s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}"
