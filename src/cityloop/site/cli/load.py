"""`cityloop load`: take readings in from a Parquet or CSV file."""

import argparse
import asyncio
import os
import time
from gettext import gettext as _
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cityloop.kernel.errors import InvalidFieldError
from cityloop.sense.stream.bulk.loading import Progress
from cityloop.sense.stream.bulk.rows import Refused
from cityloop.site.bulk.board import Board
from cityloop.site.bulk.loader import RefusedFile, load_file
from cityloop.site.configuration import load
from cityloop.site.secrets import postgres_dsn

NICE = 10
"""How far loading stands back behind the city's own processes."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "load",
        help=_("take readings in from a Parquet or CSV file"),
        description=_(
            "Keeps each reading once and raises no alarms. A load that was stopped goes on where it stood when it is "
            "called again."
        ),
    )
    parser.add_argument("file", type=Path, metavar=_("FILE"), help=_("its columns are in docs/operate.md"))
    parser.add_argument("--zone", help=_("zone of times that name none, such as Asia/Shanghai"))
    parser.add_argument("--refused", type=Path, help=_("CSV file of the refused rows (default: beside the file)"))


def run(arguments: argparse.Namespace) -> int:
    """Load the file; 1 where rows were refused.

    Raises:
        CityloopError: if the file or an argument cannot be used.
    """
    os.nice(NICE)
    path, configuration, began = arguments.file, load(), time.monotonic()
    if not path.is_file():
        field = "FILE"
        raise InvalidFieldError(field, str(path))
    with Board.on_terminal() as board:
        refused = RefusedFile(arguments.refused or Path(f"{path}.refused.csv"), lambda one: _say(board, one))
        progress = asyncio.run(
            load_file(
                path,
                dsn=postgres_dsn(configuration),
                node=configuration.node,
                hot_days=configuration.history_hot_days,
                zone=_zone(arguments.zone),
                refused=refused,
                on_progress=lambda part: board.show(part.share, _counts(part)),
            )
        )
    board.say(_counts(progress))
    if progress.resumed_at:
        board.say(_("An earlier run had done the first %(rows)d rows.") % {"rows": progress.resumed_at})
    rate = (progress.rows_done - progress.resumed_at) / max(1e-9, time.monotonic() - began)
    board.say(_("%(rate)d rows a second") % {"rate": rate})
    if progress.refused:
        board.say(_("The refused rows are in %(file)s.") % {"file": refused.path})
    return 1 if progress.refused else 0


def _counts(progress: Progress) -> str:
    counts = {"kept": progress.kept, "duplicates": progress.duplicates, "refused": progress.refused}
    return _("%(kept)d readings kept, %(duplicates)d known already, %(refused)d refused") % counts


def _say(board: Board, one: Refused) -> None:
    board.say(_("row %(row)d: %(reason)s") % {"row": one.row, "reason": _(one.reason)})


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        field = "--zone"
        raise InvalidFieldError(field, str(name)) from error
