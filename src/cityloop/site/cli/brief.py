"""`cityloop brief`: write the morning brief on the lifelines as PDF."""

import argparse
import sys
from datetime import UTC, datetime
from gettext import gettext as _
from pathlib import Path

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import CityloopError
from cityloop.site.django_ready import set_up
from cityloop.site.language import LANGUAGES, spoken

_CODES = {"zh": "zh-hans", "en": "en"}


class BriefInstantError(CityloopError):
    """The instant of a brief cannot be read."""

    key = "“%(at)s” is no instant; write it like 2010-01-05T10:00:00+08:00."


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("brief", help=_("write the morning brief on the lifelines as PDF"))
    parser.add_argument("--at", help=_("as of this instant (ISO 8601, the city's clock unless it names a zone)"))
    parser.add_argument(
        "--lang", dest="brief_language", choices=LANGUAGES, default=None, help=_("language of the brief")
    )
    parser.add_argument("--out", type=Path, required=True, help=_("the file to write"))


def run(arguments: argparse.Namespace) -> int:
    """Write the brief.

    Raises:
        BriefInstantError: if the instant cannot be read.
        DatabaseAwayError: if the database does not answer.
    """
    now = datetime.now(UTC)
    at = _instant(arguments.at) if arguments.at else now
    set_up()
    write_brief(arguments.out, at=at, language=arguments.brief_language or spoken(), now=now)
    sys.stdout.write(f"{arguments.out}\n")
    return 0


def write_brief(file: Path, *, at: datetime, language: str, now: datetime) -> None:
    """Write the brief as of an instant into a file; Django is set up already.

    Args:
        file: where to.
        at: as of when.
        language: `zh` or `en`.
        now: when it is made.
    """
    from django.utils import translation  # noqa: PLC0415  Django is set up first
    from django.utils.translation import gettext  # noqa: PLC0415

    from cityloop.projects.lifelines import facade as lifelines  # noqa: PLC0415

    with translation.override(_CODES[language]):
        made = lifelines.brief_of(at, made_by=gettext("the command line"), made_at=now, person=None)
        file.write_bytes(lifelines.brief_pdf(made))


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BriefInstantError(at=text) from None
    return at if at.tzinfo else at.replace(tzinfo=CITY_ZONE)
