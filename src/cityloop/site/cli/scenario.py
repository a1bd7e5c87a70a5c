"""`cityloop scenario`: list the scenarios, or play one with a guide through what it shows."""

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime
from gettext import gettext as _

from rich.console import Console

from cityloop.site.cli.brief import write_brief
from cityloop.site.configuration import Configuration, load
from cityloop.site.django_ready import set_up
from cityloop.site.scenario import cold_wave
from cityloop.site.scenario.guide import Guide
from cityloop.site.scenario.playing import must_be_demo


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "scenario",
        help=_("list the scenarios, or play one with a guide"),
        description=_("Plays a day of the past, reconstructed and marked so, through MQTT at its own times, and leads "
                      "through what it shows. It can be played again: readings are kept once."),
    )  # fmt: skip
    parser.add_argument("name", nargs="?", choices=(cold_wave.NAME,), help=_("which one; without it, a list"))
    parser.add_argument("--go", action="store_true", help=_("do not wait for Enter between the steps"))


def run(arguments: argparse.Namespace) -> int:
    """List the scenarios, or play one.

    Raises:
        CityloopError: if the city is a real one or does not answer, or a step is refused.
    """
    console = Console(highlight=False)
    if arguments.name is None:
        console.print(f"{cold_wave.NAME}  {_about()}", markup=False)
        return 0
    configuration = load()
    must_be_demo(configuration)
    set_up()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    waits = sys.stdin.isatty() and not arguments.go
    guide = Guide(
        console=console,
        address=f"http://127.0.0.1:{configuration.port}",
        wait=console.input if waits else lambda _question: None,
    )
    cold_wave.run(
        cold_wave.Scene(
            configuration=configuration,
            guide=guide,
            stop=stop,
            write_brief=lambda at, language: _brief(configuration, at, language),
        )
    )
    return 0


def _about() -> str:
    return _("Cold wave and gas, January 2010: estimate 57 against plan 42, gap 8 million m³ a day; reconstructed")


def _brief(configuration: Configuration, at: datetime, language: str) -> str:
    folder = configuration.home / "scenario"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{cold_wave.NAME}-brief-{language}.pdf"
    write_brief(file, at=at, language=language, now=datetime.now(UTC))
    return str(file)
