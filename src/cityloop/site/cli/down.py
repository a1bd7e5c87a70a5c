"""`cityloop down`: stop the running city of this data folder."""

import argparse
import os
import signal
import sys
import time
from gettext import gettext as _

from cityloop.kernel.errors import CityloopError
from cityloop.site.configuration import load
from cityloop.site.supervisor.lock import holder

DOWN_S_MAX = 60.0
"""How long we wait for the city to stop, seconds."""


class NotRunningError(CityloopError):
    """There is nothing to stop."""

    key = "No city runs from the data folder %(home)s."
    status = 409


class StillRunningError(CityloopError):
    """The city does not stop."""

    key = "The city (process %(pid)s) has not stopped in %(seconds)s s. Look at the logs in %(logs)s."
    status = 500


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    subparsers.add_parser("down", help=_("stop the running city of this data folder"))


def run(_arguments: argparse.Namespace) -> int:
    """Ask the city to stop and wait until it has.

    Raises:
        NotRunningError: if none runs.
        StillRunningError: if it does not stop in time.
    """
    home = load().home.absolute()
    pid = holder(home)
    if pid is None:
        raise NotRunningError(home=home)
    os.kill(pid, signal.SIGTERM)
    ends_at = time.monotonic() + DOWN_S_MAX
    while holder(home) == pid:
        if time.monotonic() > ends_at:
            raise StillRunningError(pid=pid, seconds=int(DOWN_S_MAX), logs=home / "logs")
        time.sleep(0.1)
    sys.stdout.write(_("The city has stopped.") + "\n")
    return 0
