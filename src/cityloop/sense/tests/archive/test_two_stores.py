"""The history answers alike wherever its closed days lie: in PostgreSQL, or in ClickHouse until somebody asks."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg import AsyncConnection, Connection

from cityloop.kernel.instants import from_us
from cityloop.kernel.observation_ids import ObservationIds
from cityloop.sense import facade
from cityloop.sense.stream.archive.asking import Reach, both
from cityloop.sense.stream.archive.checksums import checksum_of
from cityloop.sense.stream.archive.closing import CHECKSUM, close_day
from cityloop.sense.stream.archive.exact import columns_from
from cityloop.sense.stream.archive.recalling import HistoryAwayError, HistoryTooMuchError, asked, asked_here
from cityloop.sense.stream.archive.returning import bring_back, delete_feature
from cityloop.sense.stream.history.arrays import register_arrays
from cityloop.sense.stream.history.duplicates import known_ids
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.sense.stream.sta.deleting import recount
from cityloop.sense.tests.archive.conftest import COLUMNS, DAY, START_US, Store
from cityloop.sense.tests.archive.history_process import HistoryProcess, eventually

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = {"postgres": "NOT away AND stored IS NULL", "clickhouse": "away"}
DAYS = (DAY - 1, DAY, DAY + 1)
_DATES = [date(1970, 1, 1) + timedelta(days=day) for day in DAYS]
_INSERT = (
    f"INSERT INTO sense_observation ({COLUMNS}) "
    f"VALUES ({', '.join(['%s'] * 8)}, %s::jsonb, %s, %s, %s::jsonb, %s::jsonb)"
)
_SPECIAL = [0.0, -0.0, 1e-320, 5e-324, 1.7976931348623157e308, 0.1, 2.0**53, -273.15, None]
_JSONS = [None, '"漏水"', "null", "12345678901234567890", '{"a": [1, 1.0, 1.10], "b": null}', '"\\u0001"', "[]"]
_FAR = [None, from_us(-62_000_000_000_000_000), from_us(253_000_000_000_000_000), from_us(START_US + 1)]


@dataclass
class History:
    """The history of a test, whose closed days lie in one of the two stores."""

    store: Store
    place: str
    process: HistoryProcess

    def settle(self) -> None:
        """Close every day and wait until all packed days lie where they are wanted."""
        for day in DAYS:
            close_day(self.store.dsn, day)
        self.store.run(
            "UPDATE sense_packedday SET recalled_at = now() - interval '2 hours' WHERE recalled_at IS NOT NULL"
        )
        self.want(self.place)
        eventually(self.is_settled, what=f"all days lie in {self.place}")

    def want(self, place: str) -> None:
        """Say where closed days are to lie."""
        self.store.run("UPDATE sense_historystore SET wanted = %s", place)
        self.store.run("NOTIFY cityloop_recall")

    def is_settled(self) -> bool:
        """Return whether all packed days lie where they are wanted."""
        ((wrong, all_moved),) = self.store.rows(
            f"SELECT (SELECT count(*) FROM sense_packedday WHERE NOT ({PLACES[self.place]})), "
            "(SELECT bool_and(moved_at >= closed_at) FROM sense_closedday)"
        )
        return wrong == 0 and (self.place == "postgres" or all_moved is not False)

    def asked(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query that may open closed days."""
        with psycopg.connect(self.store.dsn, autocommit=True, options="-c TimeZone=UTC") as connection:
            return asked_here(connection, lambda: connection.execute(statement, parameters).fetchall())

    def readings(self) -> list[tuple[Any, ...]]:
        """Return every reading as exact text."""
        return self.asked(f"SELECT r::text FROM (SELECT {COLUMNS} FROM sense_reading ORDER BY 1, 2, 3) r")

    def answers(self) -> bool:
        """Return whether closed days can be read."""
        try:
            return bool(self.readings())
        except HistoryAwayError:
            return False

    def changed(self, act: Callable[[AsyncConnection[Any]], Awaitable[Any]]) -> Any:
        """Do something within a transaction."""

        async def run() -> Any:
            async with await AsyncConnection.connect(self.store.dsn) as connection:
                register_arrays(connection.adapters)
                return await act(connection)

        return asyncio.run(run())


@pytest.fixture(scope="module")
def history_process(
    django_db_setup: None,  # noqa: ARG001  the database is there
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[HistoryProcess]:
    """Keep the second store for the tests of this file, and for no others."""
    from django.db import connection  # noqa: PLC0415  its name is known now

    with django_db_blocker.unblock():
        named = connection.settings_dict
    password = f":{named['PASSWORD']}" if named["PASSWORD"] else ""
    dsn = f"postgresql://{named['USER']}{password}@{named['HOST']}:{named['PORT']}/{named['NAME']}"
    home: Path = tmp_path_factory.mktemp("history")
    process = HistoryProcess(dsn, f"chdb://{home}/store", home)
    process.start()
    yield process
    process.end()


@pytest.fixture(params=sorted(PLACES))
def history(store: Store, history_process: HistoryProcess, request: pytest.FixtureRequest) -> Iterator[History]:
    """Three days of readings of every kind, closed."""
    yield from _history(store, history_process, request.param)


@pytest.fixture
def away(store: Store, history_process: HistoryProcess) -> Iterator[History]:
    """Three days of readings of every kind, in the second store."""
    yield from _history(store, history_process, "clickhouse")


def _history(store: Store, process: HistoryProcess, place: str) -> Iterator[History]:
    if not process.is_running:
        process.start()
    store.run("TRUNCATE sense_recall, sense_unsure")
    found = History(store, place, process)
    _fill(store)
    found.settle()
    yield found
    found.want("clickhouse")


def _fill(store: Store) -> None:
    ids = ObservationIds(node=1, writer=2)
    rows = []
    streams = (1, 2, 5_000_000_000)
    for day, minute, (place, stream) in itertools.product(DAYS, range(0, 1440, 15), enumerate(streams)):
        at_us = day * DAY_US + minute * 60_000_000 + (minute % 7) * (stream % 3) * 1009
        ((key, _),) = ids.reserve(1, now_us=at_us + 1_500_000 + minute * 13)
        number = len(rows)
        value = _SPECIAL[number % len(_SPECIAL)] if place == 1 else 20 + (minute % 97) / 10
        other = _JSONS[number % len(_JSONS)] if value is None else None
        odd = place == 2 and minute % 4 == 0
        rows.append(
            (stream, from_us(at_us), key, value, number % 3 if odd else 0, 7 + place + (1 if odd else 0),
             from_us(at_us + 250_000) if place else None, from_us(at_us + 60_000_000) if odd else None, other,
             _FAR[number % 4] if odd else None, _FAR[(number + 1) % 4] if odd else None,
             _JSONS[number % len(_JSONS)] if odd else None, _JSONS[(number + 3) % len(_JSONS)] if odd else None)
        )  # fmt: skip
    with psycopg.connect(store.dsn) as connection:
        connection.cursor().executemany(_INSERT, rows)
        connection.execute(
            "INSERT INTO sense_latest (datastream_id, first_time, last_time, phenomenon_time) "
            "SELECT datastream_id, min(phenomenon_time), max(phenomenon_time), max(phenomenon_time) "
            "FROM sense_observation GROUP BY 1"
        )


def test_every_reading_comes_back_bit_for_bit(store: Store, history_process: HistoryProcess) -> None:
    _fill(store)
    before = store.readings()
    for place in ("clickhouse", "postgres", "clickhouse"):
        history = History(store, place, history_process)
        history.settle()
        assert store.count("sense_observation") == 0
        assert history.readings() == before


def test_checksums_are_alike_in_both_stores_and_see_a_single_bit(history: History) -> None:
    with psycopg.connect(history.store.dsn, autocommit=True) as connection:
        columns = asked_here(connection, lambda: columns_from(connection, "SELECT * FROM sense_reading"))
    whole = checksum_of(columns)
    assert whole == checksum_of(columns.part(0, len(columns)))
    if history.place == "clickhouse":
        promised = history.store.rows("SELECT bit_xor(checksum) FROM sense_packedday")
        assert promised == [(whole,)]
    for name in ("result", "id", "time_us", "quality", "valid_from_us"):
        changed = columns.part(0, len(columns))
        values = getattr(changed, name).copy()
        values.view(np.uint8)[5] ^= 1
        setattr(changed, name, values)
        assert checksum_of(changed) != whole, name


def test_a_reading_is_found_by_its_id(history: History) -> None:
    found = history.store.rows("SELECT id_base, day FROM sense_packedid ORDER BY day LIMIT 1")
    assert found
    ((key, stream),) = history.asked("SELECT id, datastream_id FROM sense_reading ORDER BY id LIMIT 1 OFFSET 100")
    history.settle()
    view = facade.observation(key)
    assert view is not None
    assert (view.observation_id, view.datastream_id) == (key, stream)
    assert facade.observation(5) is None


def test_a_range_and_the_latest_hundred_are_read_from_the_days_they_need(history: History) -> None:
    noon = from_us(START_US + DAY_US // 2)
    curve = facade.series([1], since=noon - timedelta(hours=2), until=noon, bucket_s=3600)
    assert (len(curve.time), sum(curve.count)) == (2, 8)
    reach = Reach(stream="1", first="101").condition()
    page = f"SELECT id FROM {both(reach)} o WHERE datastream_id = 1 ORDER BY phenomenon_time DESC, id DESC LIMIT 100"
    latest = history.asked(page)
    assert latest == history.asked(
        "SELECT id FROM sense_reading WHERE datastream_id = 1 ORDER BY phenomenon_time DESC, id DESC LIMIT 100"
    )
    assert len(latest) == 100


def test_a_track_is_read_wherever_its_days_lie(history: History) -> None:
    since, until = from_us(DAYS[0] * DAY_US), from_us((DAYS[2] + 1) * DAY_US)
    track = facade.track(1, since=since, until=until, readings_max=1_000)
    instants = history.asked(
        "SELECT count(DISTINCT phenomenon_time) FROM sense_reading WHERE datastream_id = 1 AND result IS NOT NULL"
    )
    assert [(len(track),)] == instants
    assert len(track) > 100


def test_only_what_a_page_needs_is_brought_back(away: History) -> None:
    reach = Reach(stream="1", first="11").condition()
    page = f"SELECT id FROM {both(reach)} o WHERE datastream_id = 1 ORDER BY phenomenon_time DESC, id DESC LIMIT 10"
    assert len(away.asked(page)) == 10
    assert away.store.rows("SELECT datastream_id, day FROM sense_packedday WHERE NOT away") == [(1, _DATES[2])]


def test_counts_need_no_day_opened(history: History) -> None:
    assert history.store.rows("SELECT sum(n), count(*) FROM sense_packedday") == [(3 * 3 * 96, 9)]
    assert history.asked("SELECT count(*) FROM sense_reading") == [(3 * 3 * 96,)]
    extent = facade.history_extent()
    assert (extent.closed_days, extent.packed) == (3, 3 * 3 * 96)


def test_late_readings_are_merged_with_their_day(history: History) -> None:
    before = history.readings()
    history.settle()
    at = from_us(START_US + 12_345)
    history.store.run(_INSERT, 1, at, 9_000_000_000_000_001, 4.5, 0, 7, None, None, None, None, None, None, None)
    assert len(history.readings()) == len(before) + 1
    history.settle()
    after = history.readings()
    assert len(after) == len(before) + 1
    assert history.store.count("sense_observation") == 0
    assert set(before) < set(after)
    assert facade.observation(9_000_000_000_000_001) is not None


def test_a_reading_sent_again_for_a_closed_day_is_kept_once(history: History) -> None:
    before = history.readings()
    history.settle()
    streams, times = np.array([1, 1]), np.array([DAY * DAY_US, DAY * DAY_US + 77])

    async def append(connection: AsyncConnection[Any]) -> list[int]:
        found = await known_ids(connection, datastream_id=streams, phenomenon_us=times)
        for number, known in enumerate(found.tolist()):
            if not known:
                key = ObservationIds(node=1, writer=3 + number).reserve(1, now_us=time.time_ns() // 1000)[0][0]
                at = from_us(int(times[number]))
                row = (1, at, key, 4.0, 0, 7, None, None, None, None, None, None, None)
                await connection.execute(_INSERT, row)
        return found.tolist()

    known = history.changed(append)
    assert (known[0] > 0) == (history.place == "postgres")
    assert known[1] == 0
    history.settle()
    after = history.readings()
    assert set(before) < set(after)
    assert len(after) == len(before) + 1
    assert history.store.count("sense_unsure") == 0


def test_a_changed_and_a_deleted_reading_bring_back_their_day(history: History) -> None:
    before = history.readings()
    ((key, other),) = history.asked(
        "SELECT min(id), max(id) FROM sense_reading WHERE datastream_id = 2 AND result IS NOT NULL"
    )
    history.settle()

    async def act(connection: AsyncConnection[Any]) -> None:
        await bring_back(connection, key)
        await connection.execute("UPDATE sense_observation SET result = 77.5 WHERE id = %s", (key,))
        await bring_back(connection, other)
        await connection.execute("DELETE FROM sense_observation WHERE id = %s", (other,))

    history.changed(act)
    assert history.store.count("sense_observation") == 96 + 95
    history.settle()
    after = history.readings()
    assert len(after) == len(before) - 1
    assert len(set(after) - set(before)) == 1
    assert [view.value for view in [facade.observation(key)] if view] == [77.5]
    assert facade.observation(other) is None


def test_a_feature_takes_its_readings_with_it(history: History) -> None:
    history.changed(lambda connection: delete_feature(connection, 7))
    assert history.store.rows("SELECT DISTINCT datastream_id FROM sense_packedday ORDER BY 1") == [
        (2,),
        (5_000_000_000,),
    ]

    async def mixed(connection: AsyncConnection[Any]) -> list[int]:
        return await delete_feature(connection, 10)

    assert history.changed(mixed) == [5_000_000_000]
    assert history.store.rows("SELECT DISTINCT datastream_id FROM sense_observation") == [(5_000_000_000,)]


def test_extents_are_counted_anew_from_the_newest_closed_day(history: History) -> None:
    history.store.run("DELETE FROM sense_packedday WHERE datastream_id = 1 AND day = %s", _DATES[2])
    history.changed(lambda connection: recount(connection, [1]))
    ((last, newest, result),) = history.store.rows(
        "SELECT last_time, phenomenon_time, result FROM sense_latest WHERE datastream_id = 1"
    )
    assert last == newest == from_us(START_US + 1425 * 60_000_000 + (1425 % 7) * 1009)
    assert result is not None


def test_what_is_deleted_is_swept_from_the_store(away: History) -> None:
    ((before,),) = away.store.rows("SELECT readings FROM sense_historystore")
    away.store.run("DELETE FROM sense_packedday WHERE datastream_id = 2")
    assert away.store.count("sense_storedgone") == 3
    away.store.run("NOTIFY cityloop_recall")
    eventually(lambda: away.store.count("sense_storedgone") == 0, what="it is swept")
    assert before is not None
    assert len(away.readings()) == 2 * 3 * 96


def test_nobody_overlooks_a_day_that_is_away(away: History) -> None:
    with pytest.raises(psycopg.Error, match="second store"):
        away.store.rows("SELECT count(*) FROM sense_reading")
    with psycopg.connect(away.store.dsn) as connection, connection.transaction():
        counted = asked_here(connection, lambda: connection.execute("SELECT count(*) FROM sense_reading").fetchone())
        assert counted == (3 * 3 * 96,)
        assert connection.execute("SELECT current_setting('cityloop.recalls', TRUE)").fetchone() in {("",), (None,)}


def test_too_much_at_once_is_refused(away: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityloop.sense.stream.archive.recalling.DAYS_MAX", 5)
    with pytest.raises(HistoryTooMuchError):
        away.readings()

    async def ask(connection: AsyncConnection[Any]) -> None:
        await asked(connection, lambda: connection.execute("SELECT count(*) FROM sense_reading"))

    with pytest.raises(HistoryTooMuchError):
        away.changed(ask)


def test_killed_it_loses_nothing_and_hot_readings_go_on(away: History) -> None:
    before = away.readings()
    away.settle()
    away.process.kill()
    with pytest.raises(HistoryAwayError):
        away.readings()
    late = from_us(START_US + 12_345)
    away.store.run(_INSERT, 1, late, 9_000_000_000_000_002, 4.5, 0, 7, None, None, None, None, None, None, None)
    assert close_day(away.store.dsn, DAY).left == 1
    assert away.store.rows("SELECT result FROM sense_observation") == [(4.5,)]
    away.process.start()
    eventually(away.answers, what="it is kept again")
    away.settle()
    after = away.readings()
    assert set(before) < set(after)
    assert len(after) == len(before) + 1


@pytest.mark.parametrize("wait_s", [0.0, 0.02, 0.06, 0.15, 0.3])
def test_a_kill_while_days_move_leaves_every_reading_in_one_place(
    store: Store, history_process: HistoryProcess, wait_s: float
) -> None:
    if not history_process.is_running:
        history_process.start()
    _fill(store)
    before = store.readings()
    for day in DAYS:
        close_day(store.dsn, day)
    for place in ("clickhouse", "postgres", "clickhouse"):
        history = History(store, place, history_process)
        history.want(place)
        history_process.kill_after(wait_s)
        history_process.start()
        eventually(history.is_settled, what=f"all days lie in {place}")
        eventually(history.answers, what="it is kept again")
        assert history.readings() == before


def test_a_damaged_day_is_told_and_not_shown(away: History) -> None:
    away.store.run("UPDATE sense_packedday SET checksum = checksum # 1 WHERE datastream_id = 2 AND day = %s", _DATES[1])
    with pytest.raises(HistoryAwayError):
        away.asked("SELECT count(*) FROM sense_reading WHERE datastream_id = 2")
    assert away.asked("SELECT count(*) FROM sense_reading WHERE datastream_id = 1") == [(3 * 96,)]
    away.store.run("UPDATE sense_packedday SET checksum = checksum # 1 WHERE datastream_id = 2 AND day = %s", _DATES[1])
    away.store.run("DELETE FROM sense_recall")
    assert away.asked("SELECT count(*) FROM sense_reading WHERE datastream_id = 2") == [(3 * 96,)]


def test_recalled_days_are_emptied_again(away: History) -> None:
    before = away.readings()
    assert away.store.rows("SELECT count(*) FROM sense_packedday WHERE away") == [(0,)]
    away.store.run("UPDATE sense_packedday SET recalled_at = now() - interval '2 hours'")
    away.store.run("NOTIFY cityloop_recall")
    eventually(away.is_settled, what="they are empty again")
    assert away.readings() == before


def _unpacked(connection: Connection[Any], day: date) -> Any:
    return connection.execute(
        f"SELECT {CHECKSUM} FROM sense_packedday p CROSS JOIN LATERAL sense_unpacked(p) o WHERE p.day = %s", (day,)
    ).fetchone()


def test_a_recalled_day_is_what_was_packed(store: Store, history_process: HistoryProcess) -> None:
    _fill(store)
    for day in DAYS:
        close_day(store.dsn, day)
    with psycopg.connect(store.dsn, autocommit=True) as connection:
        before = [_unpacked(connection, day) for day in _DATES]
        History(store, "clickhouse", history_process).settle()
        assert [asked_here(connection, lambda day=day: _unpacked(connection, day)) for day in _DATES] == before
