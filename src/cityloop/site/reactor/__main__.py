"""Runs the loop's process: `python -m cityloop.site.reactor`."""

import logging
import os

import django

from cityloop.site.logs import set_up_logs


def main() -> None:
    """Turn the loop until asked to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")
    set_up_logs("loop", level=logging.WARNING)
    django.setup()
    from cityloop.site.configuration import configuration  # noqa: PLC0415  Django is set up first
    from cityloop.site.loop import clock, listeners  # noqa: PLC0415
    from cityloop.site.reactor.turning import Reactor, Stop, run  # noqa: PLC0415
    from cityloop.site.secrets import postgres_dsn  # noqa: PLC0415

    run(Reactor(listeners=listeners(), clock=clock()), postgres_dsn(configuration()), Stop())


if __name__ == "__main__":
    main()
