"""`load_calendar FILE`: carry the working calendar on, for example when next year's holidays are announced."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext, ngettext

from cityloop.kernel.errors import CityloopError
from cityloop.registry import facade


class Command(BaseCommand):
    """Loads days of the working calendar from a CSV file."""

    help = "CSV with the columns date, is_workday, and optionally holiday and in_lieu."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask for the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Load the file and say how far the calendar reaches now."""
        try:
            count = facade.load_calendar(options["file"].read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise CommandError(str(error)) from error
        except CityloopError as error:
            raise CommandError(facade.sentence_of(error)) from error
        self.stdout.write(ngettext("%(count)d day loaded.", "%(count)d days loaded.", count) % {"count": count})
        span = facade.calendar_span()
        if span is not None:
            self.stdout.write(
                gettext("The calendar reaches from %(first)s to %(last)s.") % {"first": span[0], "last": span[1]}
            )
