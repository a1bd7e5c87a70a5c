"""Every test of reading and changing once more, with all days packed before each question and each change."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from cityloop.sense.stream.archive.closing import close_day
from tests.conformance.conftest import TABLES
from tests.conformance.sta_service import Sta
from tests.conformance.test_sensorthings_changing import *  # noqa: F403  its tests run here too
from tests.conformance.test_sensorthings_core import *  # noqa: F403
from tests.conformance.test_sensorthings_filtering import *  # noqa: F403
from tests.conformance.test_sensorthings_formats import *  # noqa: F403

_DAYS = """
    SELECT DISTINCT (phenomenon_time AT TIME ZONE 'UTC')::date - date '1970-01-01' FROM sense_observation
"""


class PackingClient(httpx.Client):
    """A client that packs every day before the first request after a change."""

    def __init__(self, dsn: str, **more: Any) -> None:
        """Know the database."""
        super().__init__(**more)
        self._dsn, self._changed, self._one_at_a_time = dsn, True, threading.Lock()

    def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        """Pack, then ask or change."""
        with self._one_at_a_time:
            self.prepare(method)
            self._changed = method != "GET"
        return super().request(method, url, **more)

    def prepare(self, method: str) -> None:
        """Pack what came since the last request."""
        if self._changed:
            left = packed_all(self._dsn)
            assert left == 0 or method != "GET"


def packed_all(dsn: str) -> int:
    """Pack every day that holds single rows; return how many rows are left, those that came meanwhile."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for (day,) in connection.execute(_DAYS).fetchall():
            close_day(dsn, day)
        row = connection.execute("SELECT count(*) FROM sense_observation").fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def sta(sta_dsn: str, sta_address: str) -> Iterator[Sta]:
    with psycopg.connect(sta_dsn, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    headers = {"Accept-Language": "en"}
    with PackingClient(sta_dsn, base_url=f"{sta_address}/", timeout=30, headers=headers) as client:
        yield Sta(client)
