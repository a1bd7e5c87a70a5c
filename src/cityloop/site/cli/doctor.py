"""`cityloop doctor`: look at everything that has been known to hinder a city, and say the way out."""

import argparse
from gettext import gettext as _

from rich.console import Console

from cityloop.site.checks import Grade, all_findings
from cityloop.site.configuration import load

_SHOWN = {Grade.GOOD: "[green]✓[/green]", Grade.DOUBTFUL: "[yellow]![/yellow]", Grade.BAD: "[red]✗[/red]"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    subparsers.add_parser(
        "doctor", help=_("check clock, disk, ports, rights, engines, processes and listeners, and say the way out")
    )


def run(_arguments: argparse.Namespace) -> int:
    """Print every finding; 1 if any is bad."""
    console, worst = Console(highlight=False), Grade.GOOD
    for finding in all_findings(load()):
        console.print(f"{_SHOWN[finding.grade]} {finding.what}: ", end="")
        console.print(finding.told, markup=False, soft_wrap=True)
        if finding.way_out:
            console.print(f"    → {finding.way_out}", markup=False, soft_wrap=True)
        worst = max(worst, finding.grade)
    return int(worst is Grade.BAD)
