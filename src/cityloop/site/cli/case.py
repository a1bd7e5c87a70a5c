"""`cityloop case`: list cases, show one, take a step."""

import argparse
from datetime import UTC, datetime
from gettext import gettext as _
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import NotFoundError
from cityloop.site.django_ready import set_up
from cityloop.site.language import words

if TYPE_CHECKING:
    from cityloop.registry.facade import PersonView
    from cityloop.respond.facade import CaseView


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "case",
        help=_("list cases, show one, take a step"),
        description=_("Acts as the person of an account, with that person's rights; every step is recorded as theirs."),
    )
    parser.add_argument("--as", dest="account", required=True, metavar=_("ACCOUNT"), help=_("the person who acts"))
    parser.add_argument("case_id", nargs="?", type=int, metavar=_("CASE"), help=_("which case; without it, a list"))
    parser.add_argument("--step", metavar=_("STEP"), help=_("the step to take; without it, the open steps are shown"))
    parser.add_argument("--note", default="", help=_("reason or answer that goes with the step"))
    parser.add_argument("--to", default="", metavar=_("BODY"), help=_("of a dispatch: code of the body it goes to"))
    parser.add_argument("--all", action="store_true", help=_("list ended cases too"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        NotFoundError: if the account, the case or the step does not exist.
        NotAllowedError: if the person may not.
    """
    set_up()
    from cityloop.respond import facade as respond  # noqa: PLC0415  Django is set up first

    person, console = _person(arguments.account), Console(highlight=False)
    if arguments.case_id is None:
        found = [case for case in respond.cases(person=person) if arguments.all or case.is_open]
        console.print(_list(found))
        return 0
    case = respond.case_for(person, arguments.case_id)
    if arguments.step:
        step = _named(respond.Step, arguments.step)
        case = respond.take_step(
            case.case_id, step, person=person, version=case.version, note=arguments.note, organisation=arguments.to
        )
    _show(console, case, person)
    return 0


def _person(account: str) -> "PersonView":
    from cityloop.registry.facade import people  # noqa: PLC0415  Django is set up first

    for person in people(text=account):
        if person.username == account:
            return person
    raise NotFoundError(what=account)


def _named(kind: Any, name: str) -> Any:
    try:
        return kind(name)
    except ValueError:
        raise NotFoundError(what=name) from None


def _list(cases: "list[CaseView]") -> Table:
    from cityloop.respond.facade import STATE_TITLES  # noqa: PLC0415  Django is set up first

    table = Table(_("case"), _("number"), _("state"), _("due"), _("title"))
    for case in cases:
        table.add_row(
            str(case.case_id), case.number, words(STATE_TITLES[case.state]), _instant(case.due_at), words(case.title)
        )
    return table


def _instant(at: datetime | None) -> str:
    return at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M") if at else "-"


def _show(console: Console, case: "CaseView", person: "PersonView") -> None:
    from cityloop.registry.facade import actor_name  # noqa: PLC0415  Django is set up first
    from cityloop.respond import facade as respond  # noqa: PLC0415

    console.print(f"[bold]{case.number}[/bold] {words(case.title)}: {words(respond.STATE_TITLES[case.state])}")
    for step in respond.steps_of(case.case_id):
        title, actor = words(respond.STEP_TITLES[step.step]), words(actor_name(step.actor))
        console.print(f"  {_instant(step.at)}  {title}  {actor}  {step.note}", markup=False)
    moves = respond.steps_open_to(case, person, now=datetime.now(UTC))
    open_steps = ", ".join(f"{move.step.value} ({words(respond.STEP_TITLES[move.step])})" for move in moves)
    console.print(_("open steps: %(steps)s") % {"steps": open_steps or _("none for this person")})
