"""`cityloop backup`: everything a city keeps into one folder, while it runs."""

import argparse
import sys
from gettext import gettext as _
from pathlib import Path

from cityloop.site.backup import make_backup
from cityloop.site.configuration import load
from cityloop.site.prepare import bars


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("backup", help=_("write everything the city keeps into a folder, while it runs"))
    parser.add_argument("folder", type=Path, help=_("a new or empty folder; it will hold secrets: keep it closed"))


def run(arguments: argparse.Namespace) -> int:
    """Make the backup and say what it holds."""
    with bars() as progress:
        bar = progress.add_task(_("database"), total=None)
        manifest = make_backup(
            load(),
            arguments.folder.absolute(),
            lambda name, done, of: progress.update(bar, description=name or _("checked"), completed=done, total=of),
        )
    sys.stdout.write(
        _("%(folder)s holds %(rows)s rows of %(tables)s tables and %(waiting)s waiting messages, as of %(at)s.")
        % {
            "folder": arguments.folder,
            "rows": manifest.rows,
            "tables": len(manifest.tables),
            "waiting": manifest.waiting,
            "at": manifest.made_at,
        }
        + "\n"
    )
    return 0
