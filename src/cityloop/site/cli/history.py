"""`cityloop history`: what the history takes, and how long it is kept."""

import argparse
from gettext import gettext as _
from typing import TYPE_CHECKING

import psycopg
from rich.console import Console
from rich.table import Table

from cityloop.kernel.errors import InvalidFieldError
from cityloop.sense.stream.archive.keeping import CLICKHOUSE, POSTGRES
from cityloop.sense.stream.archive.standing import standing
from cityloop.site.bulk.board import Board
from cityloop.site.bulk.moving import move
from cityloop.site.configuration import load
from cityloop.site.django_ready import set_up
from cityloop.site.language import words
from cityloop.site.secrets import postgres_dsn

if TYPE_CHECKING:
    from cityloop.sense.facade import HistoryExtent

_MEGABYTE = 1_000_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("history", help=_("show what the history takes and how long it is kept"))
    actions = parser.add_subparsers(dest="action", metavar=_("ACTION"))
    keep = actions.add_parser("keep", help=_("set how long a class is kept"))
    keep.add_argument("code", metavar=_("CLASS"), help=_("code of the class; - for datastreams that name none"))
    keep.add_argument("--days", type=int, help=_("days; without it the class is kept for ever"))
    keep.add_argument("--basis", required=True, help=_("what the time rests on"))
    keep.add_argument("--confirmed", action="store_true", help=_("the authority has confirmed it"))
    assign = actions.add_parser("assign", help=_("put datastreams into a class"))
    assign.add_argument("code", metavar=_("CLASS"), help=_("code of the class; - for datastreams that name none"))
    assign.add_argument("--streams", help=_("ids of datastreams, comma separated"))
    assign.add_argument("--project", default="", help=_("code of a project: its datastreams alone"))
    actions.add_parser("status", help=_("show where the closed days lie"))
    move_parser = actions.add_parser(
        "move",
        help=_("move the closed days to the other store"),
        description=_("The city may run meanwhile. A move that was stopped goes on when it is called again."),
    )
    move_parser.add_argument("--to", required=True, choices=(CLICKHOUSE, POSTGRES), help=_("where they are to lie"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        CityloopError: if an argument cannot be used.
    """
    set_up()
    if arguments.action == "status":
        return _show_standing()
    if arguments.action == "move":
        return _move(arguments.to)
    from cityloop.sense import facade as sense  # noqa: PLC0415  Django is set up first

    console = Console(highlight=False)
    code = "" if getattr(arguments, "code", "") == "-" else getattr(arguments, "code", "")
    if arguments.action == "keep":
        sense.change_retention(code, keep_days=arguments.days, confirmed=arguments.confirmed, basis=arguments.basis)
    elif arguments.action == "assign":
        count = sense.assign_retention(code, _chosen(arguments))
        console.print(_("%(count)d datastreams") % {"count": count})
    if arguments.action != "assign":
        _show(console, sense.history_extent())
    return 0


def _show_standing() -> int:
    with psycopg.connect(postgres_dsn(load()), autocommit=True) as connection:
        now = standing(connection)
    console = Console(highlight=False)
    table = Table(_("closed days lie in"), _("stream-days"), _("readings"), "MB")
    table.add_row("PostgreSQL", f"{now.here_days:,}", f"{now.here:,}", f"{now.here_bytes / _MEGABYTE:,.1f}")
    table.add_row("ClickHouse", f"{now.there_days:,}", f"{now.there:,}", f"{now.store_bytes / _MEGABYTE:,.1f}")
    console.print(table)
    console.print(
        _("%(days)d stream-days of ClickHouse, %(readings)d readings, are at hand in PostgreSQL for a time.")
        % {"days": now.recalled_days, "readings": now.recalled}
    )
    if now.there_days and not now.is_kept:
        console.print(_("No process keeps the second store: what lies there cannot be read. Start it: cityloop up"))
    if now.reason:
        console.print(_("The second store cannot be had: %(reason)s") % {"reason": _(now.reason)}, markup=False)
    return int(bool(now.reason))


def _move(place: str) -> int:
    configuration = load()
    sentence = _("%(here)d readings in PostgreSQL, %(there)d in ClickHouse")
    with Board.on_terminal() as board:
        found = move(
            postgres_dsn(configuration),
            configuration.history_dsn,
            place,
            lambda share, now: board.show(share, sentence % {"here": now.here, "there": now.there}),
        )
    board.say(_("moved: %(readings)d readings, checksum %(checksum)d") % {
        "readings": found.promised, "checksum": found.promised_checksum,
    })  # fmt: skip
    board.say(_("found: %(readings)d readings, checksum %(checksum)d") % {
        "readings": found.found, "checksum": found.found_checksum,
    })  # fmt: skip
    board.say(
        _("Both are alike.") if found.is_alike
        else _("They differ. Where the city changed something meanwhile, ask again; else look at the log of history.")
    )  # fmt: skip
    return int(not found.is_alike)


def _chosen(arguments: argparse.Namespace) -> list[int]:
    from cityloop.sense import facade as sense  # noqa: PLC0415  Django is set up first

    field = "--streams"
    if bool(arguments.streams) == bool(arguments.project):
        raise InvalidFieldError(field, _("give datastreams, or a project"))
    if arguments.project:
        return [view.datastream_id for view in sense.streams_of_project(arguments.project)]
    named = [text.strip() for text in arguments.streams.split(",")]
    if not all(text.isdigit() for text in named):
        raise InvalidFieldError(field, arguments.streams)
    return [int(text) for text in named]


def _show(console: Console, extent: "HistoryExtent") -> None:
    from cityloop.sense import facade as sense  # noqa: PLC0415  Django is set up first

    closed = _("%(days)d closed days, %(readings)d readings: %(megabytes).1f MB; readings as single rows: %(hot).1f MB")
    console.print(
        closed
        % {
            "days": extent.closed_days,
            "readings": extent.packed,
            "megabytes": extent.packed_bytes / _MEGABYTE,
            "hot": extent.hot_bytes / _MEGABYTE,
        }
    )
    table = Table(_("class"), _("title"), _("days kept"), _("datastreams"), _("confirmed"), _("basis"))
    for row in sense.retention_classes():
        days = _("for ever") if row.keep_days is None else str(row.keep_days)
        confirmed = _("yes") if row.confirmed else _("no")
        table.add_row(row.code or "-", words(row.title), days, str(row.streams), confirmed, row.basis)
    console.print(table)
    for removal in sense.removals():
        gone = _("%(at)s: %(readings)d readings of class %(code)s before %(day)s were removed")
        console.print(
            gone
            % {
                "at": f"{removal.removed_at:%Y-%m-%d %H:%M}",
                "readings": removal.readings,
                "code": removal.retention or "-",
                "day": removal.before_day,
            }
        )
