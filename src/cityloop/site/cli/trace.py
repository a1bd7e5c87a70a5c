"""`cityloop trace`: from a fact or a reading back to where it came from, and on to what came of it."""

import argparse
from gettext import gettext as _
from typing import TYPE_CHECKING
from uuid import UUID

from rich.console import Console

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import NotFoundError
from cityloop.site.django_ready import set_up
from cityloop.site.language import words

if TYPE_CHECKING:
    from cityloop.command.facade import Chain, TraceStep


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "trace", help=_("walk from a fact or a reading to its causes and to what came of it")
    )
    parser.add_argument("key", metavar=_("KEY"), help=_("id of a fact (UUID) or of a reading (number)"))


def run(arguments: argparse.Namespace) -> int:
    """Print the chain.

    Raises:
        NotFoundError: if the key is neither, or the journal does not hold it.
    """
    set_up()
    chain = _chain(arguments.key)
    console = Console(highlight=False)
    for step in chain.causes:
        console.print(f"  {_line(step)}", markup=False)
    console.print(f"▶ {_line(chain.subject)}", markup=False)
    for step in chain.effects:
        console.print(f"  {_line(step)}", markup=False)
    if chain.cut:
        console.print(_("… the chain is longer; the trace page shows more."))
    return 0


def _chain(key: str) -> "Chain":
    from cityloop.command import facade as command  # noqa: PLC0415  Django is set up first

    if key.isdigit():
        return command.chain_of_observation(int(key), reader=None)
    try:
        found = command.chain_of_fact(UUID(key), reader=None)
    except ValueError:
        found = None
    if found is None:
        raise NotFoundError(what=key)
    return found


def _line(step: "TraceStep") -> str:
    at = step.at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M:%S") if step.at else "-" * 19
    parts = [at, words(step.title)]
    parts += [words(text) for text in (step.what, step.place, step.actor) if text is not None]
    return "  ".join([*parts, step.key])
