"""`cityloop prepare`: bring tables, static files and the demo city up to date."""

import argparse
import sys
from gettext import gettext as _

from cityloop.site.configuration import load
from cityloop.site.django_ready import set_up
from cityloop.site.prepare import bars, is_prepared, prepare


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "prepare", help=_("bring tables, static files and the demo city up to date (`up` does it by itself)")
    )
    parser.add_argument("--again", action="store_true", help=_("also when nothing has changed"))


def run(arguments: argparse.Namespace) -> int:
    """Prepare what is not prepared."""
    configuration = load()
    if not arguments.again and is_prepared(configuration):
        sys.stdout.write(_("Tables, static files and content are up to date.") + "\n")
        return 0
    set_up()
    with bars() as progress:
        prepare(configuration, progress=progress)
    return 0
