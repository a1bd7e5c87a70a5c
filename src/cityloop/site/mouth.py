"""The pipeline's mouth for readings that people enter in forms: few, so each opens it for a moment."""

import asyncio

from django.db import connection
from psycopg.conninfo import make_conninfo

from cityloop.sense.stream.readings import Kept, Readings
from cityloop.site.configuration import configuration
from cityloop.site.hub import outbox_of
from cityloop.site.pipeline import open_pipeline

PROCESS = "form"
"""Name of the writer: the actor of its facts is `system:form`."""


def keep_entered(readings: Readings) -> Kept:
    """Keep readings and return when they are durable and judged, whatever they then cause.

    Raises:
        OverloadedError: if the database stays away.
    """
    return asyncio.run(_kept(readings))


def _dsn() -> str:
    """Return the address of the database that the pages use."""
    known = connection.get_connection_params()
    return make_conninfo(
        **{name: known[name] for name in ("host", "port", "dbname", "user", "password") if known.get(name)}
    )


async def _kept(readings: Readings) -> Kept:
    settings = configuration()
    pipeline = await open_pipeline(_dsn(), node=settings.node, process=PROCESS, outbox=outbox_of(settings))
    try:
        return await pipeline.keep(readings, idempotent=False)
    finally:
        await pipeline.close()
