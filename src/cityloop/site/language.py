"""The language of the command line: `--lang`, else the environment's; Chinese or English."""

import gettext
import os
from collections.abc import Sequence
from gettext import gettext as _
from pathlib import Path

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

LANGUAGES = ("zh", "en")

_DOMAIN = "django"
_FOLDER = Path(__file__).parent / "cli" / "locale"
_CATALOGUE = {"zh": "zh_Hans", "en": "en"}
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def gettext_noop(text: str) -> str:
    """Mark a phrase for translation; it is translated where it is shown."""
    return text


ARGPARSE_PHRASES = (
    gettext_noop("usage: "),
    gettext_noop("options"),
    gettext_noop("positional arguments"),
    gettext_noop("show this help message and exit"),
    gettext_noop("%(prog)s: error: %(message)s\n"),
    gettext_noop("argument %(argument_name)s: %(message)s"),
    gettext_noop("expected one argument"),
    gettext_noop("expected at least one argument"),
    gettext_noop("expected at most one argument"),
    gettext_noop("invalid %(type)s value: %(value)r"),
    gettext_noop("invalid choice: %(value)r (choose from %(choices)s)"),
    gettext_noop("not allowed with argument %s"),
    gettext_noop("the following arguments are required: %s"),
    gettext_noop("unrecognized arguments: %s"),
    gettext_noop("ambiguous option: %(option)s could match %(matches)s"),
)
"""What argparse says by itself; it asks the same catalogue."""


def language_of(arguments: Sequence[str], environment: dict[str, str]) -> str:
    """Return `zh` or `en`.

    Args:
        arguments: of the command line; `--lang` wins.
        environment: the first variable of locale(7) that is set decides; without one it is English, for such a
            terminal may not show Chinese.
    """
    for place, argument in enumerate(arguments):
        if argument.startswith("--lang="):
            return _known(argument.partition("=")[2])
        if argument == "--lang" and place + 1 < len(arguments):
            return _known(arguments[place + 1])
    told = next((environment[name] for name in _VARIABLES if environment.get(name)), "en")
    return _known(told)


def _known(told: str) -> str:
    return "zh" if told.lower().startswith("zh") else "en"


def speak(language: str) -> None:
    """Let `gettext`, argparse's own words included, speak a language in this process and those it starts."""
    os.environ["LANGUAGE"] = _CATALOGUE[language]
    gettext.bindtextdomain(_DOMAIN, _FOLDER)
    gettext.textdomain(_DOMAIN)


def spoken() -> str:
    """Return the language that is spoken: `zh` or `en`."""
    return _known(os.environ.get("LANGUAGE", "en"))


def words(text: Text) -> str:
    """Return a declared phrase in the spoken language."""
    return text.in_language(spoken())


def sentence(error: CityloopError) -> str:
    """Return an error's sentence in the spoken language."""
    translated = _(error.key)
    parameters = {name: _in_words(name, value) for name, value in error.parameters.items()}
    return translated % parameters if parameters else translated


def _in_words(name: str, value: object) -> object:
    if isinstance(value, Text):
        return words(value)
    return _(value) if name == "reason" and isinstance(value, str) else value
