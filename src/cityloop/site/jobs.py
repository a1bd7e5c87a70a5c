"""The jobs' process: a procrastinate worker; the rooms' periodic tasks are found in their `tasks`.

A job whose worker was killed is given to another one.
"""

import asyncio
import logging
import os
from typing import Any

from cityloop.site.logs import set_up_logs
from cityloop.site.metrics import beating

CONCURRENCY = 2
"""Jobs done at once; more would only queue for the processor."""

STALLED_S = 60
"""A worker that gave no sign for this long is dead, seconds."""


def _add_rescue(app: Any) -> None:
    @app.periodic(cron="* * * * *")
    @app.task(name="site.retry_stalled_jobs", queueing_lock="site.retry_stalled_jobs", pass_context=True)
    async def retry_stalled_jobs(context: Any, timestamp: int) -> None:  # noqa: ARG001  the period's start
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
            await manager.retry_job(job)


async def work() -> None:
    """Do jobs until asked to stop."""
    from procrastinate.contrib.django import app  # noqa: PLC0415  Django is set up first

    _add_rescue(app)
    worker = app.with_connector(app.connector.get_worker_connector())
    async with worker.open_async(), asyncio.TaskGroup() as tasks:
        pulse = tasks.create_task(beating("jobs"))
        await worker.run_worker_async(
            name="cityloop jobs", concurrency=CONCURRENCY, delete_jobs="successful", shutdown_graceful_timeout=5
        )
        pulse.cancel()


def main() -> None:
    """Run the jobs' process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # forecasts are many small sums: more threads only wait
    import django  # noqa: PLC0415  the environment is set first

    set_up_logs("jobs", level=logging.WARNING)
    django.setup()
    asyncio.run(work())


if __name__ == "__main__":
    main()
