"""`cityloop node`: nodes of the government cloud below this one."""

import argparse
import sys
from gettext import gettext as _

from rich.console import Console
from rich.table import Table

from cityloop.site.configuration import Configuration, load
from cityloop.site.django_ready import set_up
from cityloop.site.language import spoken


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command with its acts."""
    parser = subparsers.add_parser("node", help=_("register, list and remove nodes below this one (1+1+16)"))
    acts = parser.add_subparsers(dest="act", required=True, metavar=_("ACT"))
    add = acts.add_parser("add", help=_("let a node be known and print the address it connects to"))
    add.add_argument("number", type=int, help=_("1 to 63, the node's own setting CITYLOOP_NODE"))
    add.add_argument("--kind", choices=("district", "key_field", "city"), default="district", help=_("what it is"))
    add.add_argument("--area", default="110000", help=_("code of the area it serves"))
    add.add_argument("--zh", required=True, help=_("its name in Chinese"))
    add.add_argument("--en", required=True, help=_("its name in English"))
    remove = acts.add_parser("remove", help=_("let a node be known no more; its readings stay"))
    remove.add_argument("number", type=int, help=_("of the node"))
    acts.add_parser("list", help=_("show how the nodes stand"))


def run(arguments: argparse.Namespace) -> int:
    """Do one act."""
    set_up()
    configuration = load()
    return {"add": _add, "remove": _remove, "list": _list}[arguments.act](configuration, arguments)


def _add(configuration: Configuration, arguments: argparse.Namespace) -> int:
    from cityloop.convey.facade import nodes  # noqa: PLC0415  Django is set up first
    from cityloop.kernel.text import Text  # noqa: PLC0415
    from cityloop.registry.facade import area  # noqa: PLC0415

    password = nodes.register_node(
        arguments.number,
        kind=nodes.NodeKind(arguments.kind),
        title=Text(arguments.zh, arguments.en),
        area=area(arguments.area).code,
    )
    at = f"{configuration.leaf_host}:{configuration.leaf_port}"
    sys.stdout.write(f"nats-leaf://node-{arguments.number}:{password}@{at}\n")
    return 0


def _remove(_configuration: Configuration, arguments: argparse.Namespace) -> int:
    from cityloop.convey.facade import nodes  # noqa: PLC0415  Django is set up first

    nodes.remove_node(arguments.number)
    return 0


def _list(_configuration: Configuration, _arguments: argparse.Namespace) -> int:
    from django.utils import timezone  # noqa: PLC0415  Django is set up first

    from cityloop.convey.facade import nodes  # noqa: PLC0415

    table = Table(_("number"), _("name"), _("kind"), _("state"), _("waiting readings"), _("lag, s"), _("version"))
    for node in nodes.nodes(timezone.now()):
        words = (getattr(text, spoken()) for text in (node.title, node.kind.words, node.state.words))
        table.add_row(str(node.number), *words, str(node.waiting_readings), f"{node.lag_s:.0f}", node.version)
    Console().print(table)
    return 0
