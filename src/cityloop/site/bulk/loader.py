"""Loads a file with what a city is made of: a writer of ids, a pipeline that judges nothing, a pace that gives way."""

import csv
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import AsyncConnection

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.archive.closing import HOT_DAYS_MIN
from cityloop.sense.stream.bulk.loading import BUFFER_ROWS, Means, Progress, StreamBook, load
from cityloop.sense.stream.bulk.pace import Pace
from cityloop.sense.stream.bulk.rows import Refused, RowReader
from cityloop.sense.stream.history.writers import open_writer
from cityloop.sense.stream.readings import Int64s
from cityloop.site.pipeline import open_pipeline

REFUSED_SAID_MAX = 20
"""Refused rows that are said one by one; all are in the file of refused rows."""

REFUSED_HEADER = ("row", "reason", "text")


class Unjudged:
    """A screen that lets everything pass: what is loaded happened long ago and raises no alarm."""

    async def judge(self, connection: AsyncConnection[Any], **columns: Any) -> int:  # noqa: ARG002  the port
        """Find nothing."""
        return 0

    def watches(self, datastream_id: Int64s) -> bool:  # noqa: ARG002  the port
        """Watch nothing."""
        return False

    async def reload_if_changed(self, connection: AsyncConnection[Any]) -> bool:  # noqa: ARG002  the port
        """Know no watches."""
        return False


class RefusedFile:
    """Keeps refused rows with their numbers and reasons; it appears with the first one.

    Args:
        path: a CSV file; rows are appended.
        say: told of the first ones.
    """

    def __init__(self, path: Path, say: Callable[[Refused], None]) -> None:
        """Write nothing yet."""
        self.path, self._say, self.count = path, say, 0

    def __call__(self, refused: list[Refused]) -> None:
        """Keep rows."""
        is_new = not self.path.exists()
        with self.path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(REFUSED_HEADER)
            writer.writerows((one.row, one.reason, one.text) for one in refused)
        for one in refused[: max(0, REFUSED_SAID_MAX - self.count)]:
            self._say(one)
        self.count += len(refused)


async def load_file(  # noqa: PLR0913  what a load is made of
    path: Path,
    *,
    dsn: str,
    node: int,
    hot_days: int,
    zone: ZoneInfo | None,
    refused: RefusedFile,
    on_progress: Callable[[Progress], None],
    buffer_rows: int = BUFFER_ROWS,
) -> Progress:
    """Load a file.

    Args:
        path: a .parquet or .csv file.
        dsn: of the database, direct.
        node: number of this node.
        hot_days: whole days before today that are not closed.
        zone: of times that name none.
        refused: keeps the rows that are no readings.
        on_progress: told after each step.
        buffer_rows: rows held until their days are complete.

    Raises:
        CityloopError: if the file cannot be read, or all writers of the node run.
    """
    today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
    async with AsyncExitStack() as stack:
        probe = await stack.enter_async_context(await AsyncConnection.connect(dsn, autocommit=True))
        finder = stack.enter_context(psycopg.connect(dsn, autocommit=True))
        writer = await open_writer(dsn, node=node, process="load")
        stack.push_async_callback(writer.connection.close)
        pipeline = await open_pipeline(dsn, node=node, process="load", judge=Unjudged())
        stack.push_async_callback(pipeline.close)
        book = StreamBook(lambda statement, texts: finder.execute(statement, (texts,)).fetchall())
        means = Means(
            writer=writer,
            ingest=pipeline,
            pace=Pace(probe),
            reader=RowReader(book, zone=zone),
            hot_from_us=to_us(today - timedelta(days=max(HOT_DAYS_MIN, hot_days))),
            now_us=lambda: to_us(datetime.now(UTC)),
            on_progress=on_progress,
            on_refused=refused,
            buffer_rows=buffer_rows,
        )
        return await load(path, means)
