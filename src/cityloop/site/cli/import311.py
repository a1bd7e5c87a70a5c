"""`cityloop import311`: take in the requests of another city, through the public door."""

import argparse
import csv
from gettext import gettext as _
from pathlib import Path

from cityloop.kernel.errors import InvalidFieldError
from cityloop.site.bulk.board import Board
from cityloop.site.configuration import load
from cityloop.site.reports311.rows import LAYOUTS, Dirt, read_rows
from cityloop.site.reports311.sending import Mover, Sender, Tally, send_rows


def gettext_noop(text: str) -> str:
    """Mark a phrase for translation; it is translated where it is shown."""
    return text


DIRT_WORDS = {
    Dirt.BROKEN_ROW: gettext_noop("row that cannot be read: not sent"),
    Dirt.REPEATED_KEY: gettext_noop("number that came before: not sent"),
    Dirt.NO_PLACE: gettext_noop("no coordinates, or 0, 0: sent with its address"),
    Dirt.CLOSED_BEFORE_OPENED: gettext_noop("closed before it was opened: closed at its opening"),
    Dirt.UNBELIEVABLE_YEAR: gettext_noop("closed before 1990: closed at its opening, if it is closed"),
    Dirt.CLOSED_WITHOUT_TIME: gettext_noop("closed without a time: closed at its opening"),
    Dirt.STRANGE_ADDRESS: gettext_noop("address that names no borough: sent as it stands"),
    Dirt.UNKNOWN_CATEGORY: gettext_noop("category that has no kind here: another matter"),
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "import311",
        help=_("take in the requests of another city, by Open311"),
        description=_(
            "Sends each row of a published extract to Open311, with its times and its end. Called again within a day "
            "it sends nothing twice. Places of another city are left out, or moved into this one and marked."
        ),
    )
    parser.add_argument("layout", choices=LAYOUTS, help=_("which extract it is"))
    parser.add_argument("file", type=Path, metavar=_("FILE"), help=_("CSV, gzipped or not"))
    parser.add_argument("--key", required=True, help=_("a token of the city that may write"))
    parser.add_argument("--url", help=_("address of the endpoint (default: this city's)"))
    parser.add_argument("--move", action="store_true", help=_("move the places into this city; their addresses say so"))
    parser.add_argument(
        "--report", type=Path, help=_("CSV file of the rows that were dirty or refused (default: in this folder)")
    )


def run(arguments: argparse.Namespace) -> int:
    """Send the rows; 1 where some were refused.

    Raises:
        InvalidFieldError: if there is no such file.
    """
    path: Path = arguments.file
    if not path.is_file():
        field = "FILE"
        raise InvalidFieldError(field, str(path))
    settings = load()
    address = arguments.url or f"http://{settings.host}:{settings.port}/open311/v2"
    rows = list(read_rows(path, arguments.layout))
    mover = Mover([row.point for row in rows if row.point is not None]) if arguments.move else None
    report, tally = arguments.report or Path(f"{path.name}.report.csv"), Tally()
    with Board.on_terminal() as board, report.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow([_("row"), _("key"), _("number here"), _("what is wrong"), _("refused because")])
        for sent in send_rows(rows, layout=arguments.layout, mover=mover, sender=Sender(address, arguments.key)):
            tally.add(sent)
            if sent.row.dirt or sent.reason:
                dirt = "; ".join(_(DIRT_WORDS[one]) for one in sorted(sent.row.dirt))
                out.writerow([sent.row.number, sent.row.key, sent.number, dirt, sent.reason])
            board.show(tally.rows / len(rows), _counts(tally))
    board.say(_counts(tally))
    for dirt, count in tally.dirt.most_common():
        board.say(f"{count:7} {_(DIRT_WORDS[dirt])}")
    board.say(_("The rows that were dirty or refused are in %(file)s.") % {"file": report})
    return 1 if tally.refused else 0


def _counts(tally: Tally) -> str:
    words = {"rows": tally.rows, "taken": tally.taken, "closed": tally.closed, "refused": tally.refused}
    return _("%(rows)d rows, %(taken)d taken, %(closed)d of them closed, %(refused)d refused") % words
