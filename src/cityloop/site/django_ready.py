"""Sets Django up for the commands that call the rooms' facades."""

import os

from cityloop.kernel.errors import CityloopError
from cityloop.site.configuration import load
from cityloop.site.engines.postgres import answers
from cityloop.site.language import spoken
from cityloop.site.secrets import postgres_dsn

_LANGUAGE_CODES = {"zh": "zh-hans", "en": "en"}


class DatabaseAwayError(CityloopError):
    """The city's database does not answer."""

    key = "The city's database does not answer. Start the city with `cityloop up`, or correct CITYLOOP_POSTGRES_DSN."
    status = 503


def set_up() -> None:
    """Set Django up, speaking the command line's language.

    Raises:
        DatabaseAwayError: if the database does not answer.
    """
    if not answers(postgres_dsn(load())):
        raise DatabaseAwayError
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")
    import django  # noqa: PLC0415  the environment is set first
    from django.utils import translation  # noqa: PLC0415

    django.setup()
    translation.activate(_LANGUAGE_CODES[spoken()])
