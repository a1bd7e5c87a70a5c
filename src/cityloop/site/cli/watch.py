"""`cityloop watch`: the watches and the open alarms."""

import argparse
from gettext import gettext as _

from rich.console import Console
from rich.table import Table

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.site.django_ready import set_up
from cityloop.site.language import words


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("watch", help=_("list the watches, or the open alarms"))
    parser.add_argument("--alarms", action="store_true", help=_("list the open alarms instead"))


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    set_up()
    Console(highlight=False).print(_alarms() if arguments.alarms else _watches())
    return 0


def _watches() -> Table:
    from cityloop.decide.facade import watches  # noqa: PLC0415  Django is set up first

    table = Table(_("watch"), _("title"), _("kind"), _("limits"), _("hold"), _("streams"), _("basis"))
    for watch in watches():
        limits = "  ".join(f"{level.value}: {limit:g}" for level, limit in watch.limits.items())
        basis = words(watch.basis) if watch.confirmed else _("default, to be confirmed by the authority")
        table.add_row(
            watch.code,
            words(watch.title),
            watch.kind.value,
            f"{limits} {watch.unit}",
            f"{watch.hold_s:g} s",
            str(watch.streams),
            basis,
        )
    return table


def _alarms() -> Table:
    from cityloop.decide.facade import open_alarms  # noqa: PLC0415  Django is set up first
    from cityloop.registry.facade import area_name  # noqa: PLC0415

    table = Table(_("alarm"), _("level"), _("raised"), _("title"), _("where"), _("value"), _("state"))
    for alarm in open_alarms(limit=200):
        raised = alarm.raised_at.astimezone(CITY_ZONE).strftime("%m-%d %H:%M:%S")
        value = f"{alarm.value:g} {alarm.unit}" if alarm.value is not None else "-"
        where = f"{words(area_name(alarm.area))} {words(alarm.thing)}"
        table.add_row(
            str(alarm.alarm_id), str(alarm.level.value), raised, words(alarm.title), where, value, alarm.state.value
        )
    return table
