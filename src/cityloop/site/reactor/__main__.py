"""Runs the loop's process: `python -m cityloop.site.reactor`."""

import logging
import os

import django


def main() -> None:
    """Turn the loop until asked to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    django.setup()
    from cityloop.site.configuration import configuration  # noqa: PLC0415  Django is set up first
    from cityloop.site.loop import CLOCK, listeners  # noqa: PLC0415
    from cityloop.site.reactor.turning import Reactor, Stop, run  # noqa: PLC0415
    from cityloop.site.secrets import postgres_dsn  # noqa: PLC0415

    run(Reactor(listeners=listeners(), clock=CLOCK), postgres_dsn(configuration()), Stop())


if __name__ == "__main__":
    main()
