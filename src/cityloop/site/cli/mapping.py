"""`cityloop mapping`: the mappings of vendors' JSON, and what a message would become by one."""

import argparse
import time
from gettext import gettext as _
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cityloop.convey.stream.mappings import FOLDER, MappedMessage, Mappings, UnfitError, read_message
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import CityloopError, NotFoundError
from cityloop.kernel.instants import from_us
from cityloop.site.configuration import load
from cityloop.site.language import words


class MessageUnfitError(CityloopError):
    """Nothing of a message can be read by a mapping."""

    key = "The message cannot be read by the mapping %(mapping)s: %(reason)s"
    status = 400


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "mapping",
        help=_("list the mappings of vendors' JSON, or try a message"),
        description=_("The operator's own mappings lie in the folder mappings of CITYLOOP_HOME, one TOML file each."),
    )
    acts = parser.add_subparsers(dest="act", required=True, metavar=_("COMMAND"))
    acts.add_parser("list", help=_("list the mappings and the files that cannot be used"))
    test = acts.add_parser("test", help=_("show what a message would become"))
    test.add_argument("file", type=Path, metavar=_("FILE"), help=_("the message, as the device publishes it"))
    test.add_argument("--mapping", default="plain", metavar=_("MAPPING"), help=_("code of the mapping"))


def run(arguments: argparse.Namespace) -> int:
    """Print the list, or what a message would become.

    Returns:
        0, or 1 where a file cannot be used or a part of the message cannot be read.

    Raises:
        NotFoundError: if there is no such mapping or no such file.
        MessageUnfitError: if nothing of the message can be read.
    """
    mappings, console = Mappings(load().home / FOLDER), Console(highlight=False)
    if arguments.act == "list":
        console.print(_list(mappings))
        for file, fault in mappings.faults.items():
            console.print(f"✗ {file}: {fault}", markup=False)
        return int(bool(mappings.faults))
    return _test(mappings, arguments.mapping, arguments.file, console)


def _test(mappings: Mappings, code: str, file: Path, console: Console) -> int:
    mapping = mappings.get(code, now_us=time.time_ns() // 1000)
    if mapping is None:
        raise NotFoundError(what=code)
    try:
        read = read_message(mapping, file.read_bytes())
    except OSError as error:
        raise NotFoundError(what=str(file)) from error
    except UnfitError as error:
        raise MessageUnfitError(mapping=code, reason=f"{error.reason}: {error}") from error
    console.print(_values(read))
    if read.device:
        console.print(_("The device calls itself %(name)s.") % {"name": read.device}, markup=False)
    for fault in read.unfit:
        console.print(f"✗ {fault.reason}: {fault}", markup=False)
    return int(bool(read.unfit))


def _list(mappings: Mappings) -> Table:
    table = Table(_("mapping"), _("title"), _("basis"))
    for code, mapping in sorted(mappings.all().items()):
        table.add_row(code, words(mapping.title), mapping.basis)
    return table


def _values(read: MappedMessage) -> Table:
    table = Table(_("channel"), _("value"), _("unit"), _("time"))
    for each in read.values:
        value = each.value if isinstance(each.value, str) else f"{each.value:.12g}"
        local = "" if each.time_us is None else f"{from_us(each.time_us).astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}"
        table.add_row(each.channel, value, each.unit, local or _("on arrival"))
    return table
