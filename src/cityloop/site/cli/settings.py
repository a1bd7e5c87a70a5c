"""`cityloop settings`: every setting, its value and where to set it."""

import argparse
import sys
from dataclasses import fields
from gettext import gettext as _

from rich.console import Console
from rich.table import Table

from cityloop.site.configuration import Configuration, load
from cityloop.site.settings_page import settings_page


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("settings", help=_("show every setting, its value and what it means"))
    parser.add_argument("--page", action="store_true", help=_("write the reference page (Markdown) instead"))


def run(arguments: argparse.Namespace) -> int:
    """Print the settings in force."""
    if arguments.page:
        sys.stdout.write(settings_page())
        return 0
    configuration = load()
    table = Table(_("setting"), _("value"), _("meaning"), show_lines=True)
    for field in fields(Configuration):
        value = getattr(configuration, field.name)
        shown = "***" if field.metadata["secret"] and value else str(value)
        table.add_row(f"CITYLOOP_{field.name.upper()}", shown, _(field.metadata["about"]))
    Console().print(table)
    return 0
