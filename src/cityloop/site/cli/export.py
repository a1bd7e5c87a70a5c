"""`cityloop export`: write readings into a Parquet or CSV file."""

import argparse
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from zoneinfo import ZoneInfo

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import InvalidFieldError
from cityloop.sense.stream.bulk.exporting import Choice, Exported, export
from cityloop.site.bulk.board import Board
from cityloop.site.configuration import load
from cityloop.site.secrets import postgres_dsn


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("export", help=_("write readings into a Parquet or CSV file"))
    parser.add_argument("file", type=Path, metavar=_("FILE"), help=_("its name ends in .parquet or .csv"))
    parser.add_argument("--streams", help=_("ids or codes of datastreams, comma separated (default: all)"))
    parser.add_argument("--project", default="", help=_("code of a project: its datastreams alone"))
    parser.add_argument("--dataset", default="", help=_("code of a data set of the catalogue: its datastreams alone"))
    parser.add_argument("--from", dest="since", help=_("from this instant on (ISO 8601)"))
    parser.add_argument("--until", help=_("up to this instant, without it (ISO 8601)"))


def run(arguments: argparse.Namespace) -> int:
    """Write the file.

    Raises:
        CityloopError: if an argument cannot be used.
    """
    named = [text.strip() for text in (arguments.streams or "").split(",") if text.strip()]
    ids, codes = [int(text) for text in named if text.isdigit()], [text for text in named if not text.isdigit()]
    if ids and codes:
        field = "--streams"
        raise InvalidFieldError(field, _("give ids or codes, not both"))
    choice = Choice(
        ids=ids or None,
        codes=codes or None,
        project=arguments.project,
        dataset=arguments.dataset,
        since=instant(arguments.since, "--from"),
        until=instant(arguments.until, "--until"),
    )
    with Board.on_terminal() as board:
        done = export(postgres_dsn(load()), choice, arguments.file, on_progress=lambda part: _show(board, part))
    board.say(_("%(readings)d readings of %(streams)d datastreams") % {
        "readings": done.readings, "streams": done.streams,
    })  # fmt: skip
    return 0


def _show(board: Board, part: Exported) -> None:
    board.show(part.days_done / max(1, part.days), _("%(readings)d readings") % {"readings": part.readings})


def instant(text: str | None, name: str, zone: ZoneInfo = CITY_ZONE) -> datetime | None:
    """Return an instant of the command line; without a zone it is the city's.

    Raises:
        InvalidFieldError: if it is none.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidFieldError(name, text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
