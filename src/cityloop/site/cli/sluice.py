"""`cityloop sluice`: a simulated sluice that serves the tasks of one capability over MQTT."""

import argparse
import logging
import os
import signal
import threading
from functools import partial
from gettext import gettext as _

from cityloop.site.configuration import configuration
from cityloop.site.demo.sluice import Gate, Sluice
from cityloop.site.replay.device import Address

KEY = "CITYLOOP_DEVICE_KEY"
"""Variable with the key of the device: on a command line everybody could read it."""

MOVE_S = 1.0
"""How long the gate takes unless told otherwise, seconds."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "sluice", help=_("run a simulated sluice that serves tasks; its key is read from CITYLOOP_DEVICE_KEY")
    )
    parser.add_argument("capability", type=int, help=_("number of the tasking capability it serves"))
    parser.add_argument("--name", default="simulated-sluice", help=_("name of the device"))
    parser.add_argument("--move-s", type=float, default=MOVE_S, help=_("how long the gate takes to move, seconds"))
    parser.add_argument("--stuck", action="store_true", help=_("the gate cannot move: each task fails"))


def run(arguments: argparse.Namespace) -> int:
    """Serve tasks until the process is asked to stop."""
    logging.basicConfig(level=logging.INFO)
    settings, stop = configuration(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    address = Address(host="127.0.0.1", port=settings.mqtt_port, user=arguments.name, password=os.environ.get(KEY, ""))
    wait = partial(stop.wait, arguments.move_s)
    Sluice(address, arguments.capability, Gate(is_stuck=arguments.stuck), wait=wait).run(stop)
    return 0
