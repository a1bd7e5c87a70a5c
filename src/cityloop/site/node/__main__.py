"""Runs the node process: `python -m cityloop.site.node`."""

import asyncio
import os
import signal
from contextlib import suppress

import django
import uvloop

from cityloop.site.logs import set_up_logs


def main() -> None:
    """Carry and take over until asked to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")
    set_up_logs("node")
    django.setup()
    from cityloop.site.configuration import configuration  # noqa: PLC0415  Django is set up first
    from cityloop.site.node.carrying import carry  # noqa: PLC0415

    uvloop.run(_until_stopped(carry(configuration())))


async def _until_stopped(work: object) -> None:
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]  # a coroutine
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    main()
