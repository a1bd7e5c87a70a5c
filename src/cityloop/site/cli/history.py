"""`cityloop history`: what the history takes, and how long it is kept."""

import argparse
from gettext import gettext as _
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from cityloop.kernel.errors import InvalidFieldError
from cityloop.site.django_ready import set_up
from cityloop.site.language import words

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


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        CityloopError: if an argument cannot be used.
    """
    set_up()
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
