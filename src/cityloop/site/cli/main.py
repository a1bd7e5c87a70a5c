"""Finds the commands, reads the arguments, tells errors in one sentence."""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from gettext import gettext as _
from types import ModuleType

import cityloop
from cityloop.kernel.errors import CityloopError
from cityloop.site import cli
from cityloop.site.language import LANGUAGES, language_of, sentence, speak

OK, FAILED, INTERRUPTED = 0, 1, 130


def commands() -> list[ModuleType]:
    """Return the command modules, sorted by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(cli.__path__) if not module.name.startswith("_"))
    modules = [importlib.import_module(f"{cli.__name__}.{name}") for name in names]
    return [module for module in modules if hasattr(module, "add_parser") and hasattr(module, "run")]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = argparse.ArgumentParser(
        prog="cityloop",
        description=_("Cityloop, the open city-operations platform: one city in one data folder (CITYLOOP_HOME)."),
    )
    whole.add_argument("--lang", choices=LANGUAGES, help=_("language of this command line"))
    about = _("show program's version number and exit")
    whole.add_argument("--version", action="version", version=f"cityloop {cityloop.__version__}", help=about)
    subparsers = whole.add_subparsers(title=_("commands"), metavar=_("COMMAND"), dest="command", required=True)
    for module in commands():
        module.add_parser(subparsers)
        name = module.__name__.rpartition(".")[2]
        for command in {name, *getattr(module, "NAMES", ())} & set(subparsers.choices):
            subparsers.choices[command].set_defaults(run=module.run)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: in place of the process's own.

    Returns:
        The exit status: 0, 1 after an error told in one sentence, 2 for wrong arguments, 130 after Ctrl-C.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    speak(language_of(given, dict(os.environ)))
    read = parser().parse_args(given)
    try:
        return int(read.run(read) or OK)
    except CityloopError as error:
        sys.stderr.write(f"cityloop: {sentence(error)}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
