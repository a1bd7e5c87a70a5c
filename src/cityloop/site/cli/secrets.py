"""`cityloop secrets`: the passwords of this city, made once and kept in its data folder."""

import argparse
import sys
from gettext import gettext as _

from cityloop.kernel.errors import NotFoundError
from cityloop.site.accounts import demo_password
from cityloop.site.configuration import load
from cityloop.site.secrets import secret


def _about() -> dict[str, str]:
    return {
        "demo": _("password of all demo accounts"),
        "nats-device": _("password of the MQTT user `device`"),
        "nats-server": _("password of the transport for the city's own processes"),
        "nats-system": _("password of the transport's user for monitoring"),
        "nats-wire": _("password of the transport for the reader of device messages"),
        "postgres": _("password of the database user `cityloop`"),
    }


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("secrets", help=_("show a password of this city"))
    parser.add_argument("name", nargs="?", help=_("which one; without it, the names"))


def run(arguments: argparse.Namespace) -> int:
    """Print the names, or one secret.

    Raises:
        NotFoundError: if there is no secret of that name.
    """
    if arguments.name is None:
        sys.stdout.writelines(f"{name:14}{about}\n" for name, about in _about().items())
        return 0
    if arguments.name not in _about():
        raise NotFoundError(what=arguments.name)
    configuration = load()
    value = demo_password(configuration) if arguments.name == "demo" else secret(configuration, arguments.name)
    sys.stdout.write(value + "\n")
    return 0
