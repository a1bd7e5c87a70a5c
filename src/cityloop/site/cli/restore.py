"""`cityloop restore`: a city from a backup, compared with what was saved."""

import argparse
import sys
from gettext import gettext as _
from pathlib import Path

from cityloop.site.backup import restore_backup
from cityloop.site.configuration import load
from cityloop.site.prepare import bars


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "restore", help=_("make the data folder (CITYLOOP_HOME) from a backup and compare it with what was saved")
    )
    parser.add_argument("folder", type=Path, help=_("the folder that `cityloop backup` wrote"))


def run(arguments: argparse.Namespace) -> int:
    """Restore, compare, and say what stands."""
    configuration = load()
    with bars() as progress:
        bar = progress.add_task(_("database"), total=None)
        manifest = restore_backup(
            configuration,
            arguments.folder.absolute(),
            lambda name, done, of: progress.update(bar, description=name or _("checked"), completed=done, total=of),
        )
    sys.stdout.write(
        _("The city stands as of %(at)s: %(rows)s rows of %(tables)s tables, counts and checksums equal. Start it: ")
        % {"at": manifest.made_at, "rows": manifest.rows, "tables": len(manifest.tables)}
        + "cityloop up\n"
    )
    return 0
