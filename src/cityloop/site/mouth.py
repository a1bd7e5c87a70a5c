"""The pipeline's mouth for readings that people enter in forms: the web process's own pipeline, where it serves.

A process without one, a command for instance, opens a pipeline for a moment and announces nothing.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.conninfo import make_conninfo

from cityloop.sense.stream.readings import HistoryAwayError, Kept, Readings
from cityloop.site.configuration import Configuration, configuration
from cityloop.site.hub import outbox_of
from cityloop.site.pipeline import Pipeline, open_pipeline
from cityloop.site.secrets import postgres_dsn

PROCESS = "form"
"""Name of a writer that is opened for a moment: the actor of its facts is `system:form`."""

ANSWER_S_MAX = 30.0
"""How long a form waits for a pipeline that answers by itself within ten seconds, unless it is being closed."""

_serving: list[tuple[Pipeline, asyncio.AbstractEventLoop]] = []


@contextmanager
def serving(pipeline: Pipeline) -> Iterator[None]:
    """Let readings that people enter take a pipeline of the running loop; the forms are in other threads."""
    _serving[:] = [(pipeline, asyncio.get_running_loop())]
    try:
        yield
    finally:
        _serving.clear()


def keep_entered(readings: Readings) -> Kept:
    """Keep readings and return when they are durable and judged, whatever they then cause.

    Raises:
        OverloadedError: if the database stays away.
    """
    if not _serving:
        return asyncio.run(_kept(readings))
    pipeline, loop = _serving[0]
    asked = asyncio.run_coroutine_threadsafe(pipeline.keep(readings, idempotent=False), loop)
    try:
        return asked.result(ANSWER_S_MAX)
    except TimeoutError as error:
        asked.cancel()
        raise HistoryAwayError from error


def _dsn(settings: Configuration) -> str:
    """Return the configured address with all it says, of the database that the pages use."""
    return make_conninfo(postgres_dsn(settings), dbname=connection.settings_dict["NAME"])


async def _kept(readings: Readings) -> Kept:
    settings = configuration()
    pipeline = await open_pipeline(_dsn(settings), node=settings.node, process=PROCESS, outbox=outbox_of(settings))
    try:
        return await pipeline.keep(readings, idempotent=False)
    finally:
        await pipeline.close()
