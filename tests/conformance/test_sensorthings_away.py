"""Tests of reading and changing once more, with all days packed and moved to ClickHouse before each request.

Of the four files that are asked again over packed days two are asked here too, the core (expanding, ordering, paging,
counting, by id) and changing: the others open a packed day by the same function.
"""

from collections.abc import Iterator

import httpx
import psycopg
import pytest

from cityloop.sense.tests.archive.history_process import HistoryProcess, eventually
from tests.conformance.conftest import TABLES
from tests.conformance.sta_service import Sta
from tests.conformance.test_sensorthings_changing import *  # noqa: F403  its tests run here too
from tests.conformance.test_sensorthings_core import *  # noqa: F403
from tests.conformance.test_sensorthings_packed import PackingClient

_FULL = "SELECT count(*) FROM sense_packedday WHERE NOT away"
_OLD = "UPDATE sense_packedday SET recalled_at = now() - interval '2 hours' WHERE recalled_at IS NOT NULL"


class MovingClient(PackingClient):
    """A client before whose every request all closed days lie in the second store."""

    def prepare(self, method: str) -> None:
        """Pack what came, and wait until all packed days have moved; what is only added needs no day opened."""
        if method == "POST":
            return
        super().prepare(method)
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            if connection.execute(_FULL).fetchone() != (0,):
                connection.execute(_OLD)
                connection.execute("NOTIFY cityloop_recall")
                eventually(lambda: connection.execute(_FULL).fetchone() == (0,), what="all closed days are away")


@pytest.fixture(scope="module")
def history_process(sta_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryProcess]:
    home = tmp_path_factory.mktemp("history")
    process = HistoryProcess(sta_dsn, f"chdb://{home}/store", home)
    process.start()
    yield process
    process.end()


@pytest.fixture
def sta(sta_dsn: str, sta_address: str, history_process: HistoryProcess) -> Iterator[Sta]:
    assert history_process.is_running
    with psycopg.connect(sta_dsn, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    headers = {"Accept-Language": "en"}
    with MovingClient(sta_dsn, base_url=f"{sta_address}/", timeout=30, headers=headers) as client:
        yield Sta(client)


def test_a_page_of_a_day_that_is_away_is_answered_or_refused_with_503(
    sta: Sta, sta_dsn: str, sta_address: str, history_process: HistoryProcess
) -> None:
    stream = sta.stream()
    keys = [sta.observe(stream, number / 4, f"2026-03-01T0{number}:00:00Z") for number in range(9)]
    path = f"Datastreams({stream})/Observations"
    found = sta.get(path, orderby="phenomenonTime asc")["value"]
    assert [item["@iot.id"] for item in found] == keys
    sta.get(f"Observations({keys[0]})")
    with psycopg.connect(sta_dsn, autocommit=True) as connection:
        assert connection.execute(_FULL).fetchone() == (1,)
        connection.execute(_OLD)
        connection.execute("NOTIFY cityloop_recall")
        eventually(lambda: connection.execute(_FULL).fetchone() == (0,), what="the day is away again")
    history_process.kill()
    for language, words in (("en", "second store"), ("zh", "第二历史库")):
        with httpx.Client(base_url=f"{sta_address}/", headers={"Accept-Language": language}) as client:
            refused = client.get(f"{path}?$filter=result gt 1")
            assert refused.status_code == 503
            assert words in refused.text
            assert client.get(f"Datastreams({stream})").status_code == 200
    history_process.start()
    eventually(lambda: httpx.get(f"{sta_address}/{path}").status_code == 200, what="it answers again")
