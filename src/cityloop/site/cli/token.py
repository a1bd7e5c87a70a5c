"""`cityloop token`: credentials of a machine for the SensorThings API."""

import argparse
import sys
from gettext import gettext as _

from cityloop.kernel.areas import CITY, area_code
from cityloop.kernel.errors import InvalidFieldError
from cityloop.site.django_ready import set_up


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("token", help=_("make a token for a machine; it is shown this once"))
    parser.add_argument("name", help=_("what the machine is called"))
    parser.add_argument("--read", action="store_true", help=_("it may read"))
    parser.add_argument("--write", action="store_true", help=_("it may write"))
    parser.add_argument("--task", action="store_true", help=_("it may give devices tasks; it needs to write as well"))
    parser.add_argument("--area", default=CITY, help=_("code of the area it is limited to"))


def run(arguments: argparse.Namespace) -> int:
    """Print the token.

    Raises:
        InvalidFieldError: if the area is no place code.
    """
    try:
        area = area_code(arguments.area)
    except ValueError as error:
        field = "--area"
        raise InvalidFieldError(field, str(error)) from error
    set_up()
    from cityloop.registry.facade import issue_token  # noqa: PLC0415  Django is set up first

    rights = [name for name in ("read", "write", "task") if getattr(arguments, name)]
    sys.stdout.write(issue_token(arguments.name, rights=rights, area=area) + "\n")
    return 0
