"""`cityloop up`: start the city and keep it alive."""

import argparse
from gettext import gettext as _

from cityloop.site.configuration import load
from cityloop.site.up import City


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    subparsers.add_parser(
        "up",
        help=_("start the city and keep it alive until Ctrl-C"),
        description=_(
            "Starts the database and the transport (unless their addresses are set), brings tables, static files and "
            "the demo city up to date, then runs all processes and brings back what dies. Ctrl-C stops everything."
        ),
    )


def run(_arguments: argparse.Namespace) -> int:
    """Run the city until asked to stop."""
    return City(load()).run()
