"""`cityloop manage`: Django's own commands, for developers."""

import argparse
import os
from gettext import gettext as _


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("manage", help=_("run one of Django's own commands (for developers)"))
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="…", help=_("the command and its arguments"))


def run(arguments: argparse.Namespace) -> int:
    """Hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415  the environment is set first

    execute_from_command_line(["cityloop manage", *arguments.rest])
    return 0
