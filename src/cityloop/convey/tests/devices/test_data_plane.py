"""The ledger as gateways and pipelines see it: who may speak, who was heard, what is marked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from cityloop.convey.stream.devices import Ledger, secret_digest_of
from cityloop.convey.stream.marks import NEVER_US, Channels, Marks
from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.readings import NO_TIME, Readings

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
NOW_US = to_us(NOW)
MINUTE_US = 60_000_000
DEADLINE_S = 20.0

_EMPTY = "TRUNCATE convey_device, convey_channel, convey_devicechange CASCADE"


def channels(**columns: Any) -> Channels:
    """Return channels of the streams 10, 20 and 30 of the devices 1, 2 and 3 against which nothing is known."""
    plain = {
        "datastream_id": np.array([10, 20, 30], np.int64),
        "device_id": np.array([1, 2, 3], np.int64),
        "valid_min": np.full(3, -np.inf),
        "valid_max": np.full(3, np.inf),
        "repaired": np.zeros(3, np.bool_),
        "due_us": np.full(3, NEVER_US, np.int64),
        "late_us": np.full(3, 60 * MINUTE_US, np.int64),
        "ahead_us": 5 * MINUTE_US,
    }
    return Channels(**plain | columns)


def readings(*rows: tuple[int, float], age_us: int = 0, quality: Quality = Quality.GOOD) -> Readings:
    """Return readings of (stream, value), all of one age."""
    number = len(rows)
    return Readings(
        datastream_id=np.array([row[0] for row in rows], np.int64),
        phenomenon_us=np.full(number, NOW_US - age_us, np.int64),
        result=np.array([row[1] for row in rows], np.float64),
        quality=np.full(number, quality, np.uint8),
        result_us=np.full(number, NO_TIME, np.int64),
        feature_id=np.zeros(number, np.int64),
        received_us=NOW_US,
    )


def marked(known: Channels, batch: Readings) -> list[int]:
    """Return the qualities of a batch after it was marked."""
    Marks(known).mark(batch)
    return [int(flag) for flag in batch.quality]


def test_readings_of_a_device_under_repair_are_marked_so() -> None:
    known = channels(repaired=np.array([False, True, False]))
    assert marked(known, readings((10, 1.0), (20, 1.0), (30, 1.0))) == [0, Quality.MAINTENANCE, 0]


def test_impossible_readings_are_marked_and_counted_by_device() -> None:
    known = channels(valid_min=np.array([0.0, -np.inf, 0.0]), valid_max=np.array([1.0, 1.0, np.inf]))
    batch = readings((10, -1.0), (10, 2.0), (10, 1.0), (20, 1.5), (30, 9.0), (10, np.nan))
    marks = Marks(known)
    marks.mark(batch)
    beyond = Quality.OUT_OF_RANGE
    assert batch.quality.tolist() == [beyond, beyond, 0, beyond, 0, 0]
    assert marks.impossible == {1: 2, 2: 1}


def test_impossible_readings_under_repair_are_nobodys_fault() -> None:
    marks = Marks(channels(valid_max=np.zeros(3), repaired=np.ones(3, np.bool_)))
    marks.mark(readings((10, 5.0)))
    assert marks.impossible == {}


def test_after_the_calibration_was_due_readings_are_suspect() -> None:
    known = channels(due_us=np.array([NOW_US, NOW_US + 1, NEVER_US], np.int64))
    assert marked(known, readings((10, 1.0), (20, 1.0), (30, 1.0))) == [Quality.SUSPECT, 0, 0]


@pytest.mark.parametrize(("age_minutes", "flag"), [(0, 0), (60, 0), (61, Quality.LATE), (-5, 0), (-6, Quality.SUSPECT)])
def test_old_readings_are_late_and_those_of_the_future_tell_of_a_wrong_clock(age_minutes: int, flag: int) -> None:
    marks = Marks(channels())
    batch = readings((10, 1.0), age_us=age_minutes * MINUTE_US)
    marks.mark(batch)
    assert batch.quality.tolist() == [flag]
    assert marks.ahead_s == ({1: 360.0} if flag == Quality.SUSPECT else {})


@pytest.mark.parametrize("flag", [flag for flag in Quality if flag is not Quality.GOOD])
def test_what_the_device_says_of_itself_stands(flag: Quality) -> None:
    known = channels(repaired=np.ones(3, np.bool_), valid_max=np.zeros(3))
    assert marked(known, readings((10, 5.0), quality=flag)) == [flag]


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(allow_nan=True)), max_size=40))
def test_streams_the_ledger_does_not_list_are_never_touched(rows: list[tuple[int, float]]) -> None:
    known = channels(repaired=np.ones(3, np.bool_))
    flags = marked(known, readings(*rows))
    assert flags == [Quality.MAINTENANCE if stream in {10, 20, 30} else 0 for stream, _value in rows]
    assert marked(Channels(), readings(*rows)) == [0] * len(rows)


@pytest.fixture
def dsn(db: None) -> str:  # noqa: ARG001  migrates
    """Return the address of the test database."""
    settings = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        host=settings["HOST"],
        port=settings["PORT"],
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
    )


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[AsyncConnection[Any]]:
    """Yield a connection of its own; the ledger is empty before and after."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as own:
        await own.execute(_EMPTY)
        yield own
        await own.execute(_EMPTY)


async def enter(own: AsyncConnection[Any], code: str, **columns: Any) -> int:
    """Enter a device with one channel, `p`, and move the version; return its row."""
    values = {"code": code, "title_zh": code, "title_en": code, "thing_id": abs(hash(code)) % 10**9, "area": "110000"}
    values |= {"protocol": "hj212", "address": code, "state": "online"} | columns
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    statement = f"INSERT INTO convey_device ({names}) VALUES ({places}) RETURNING id"
    row = await (await own.execute(statement.encode(), values)).fetchone()
    assert row is not None
    await own.execute(
        'INSERT INTO convey_channel (device_id, name, datastream_id, scale, "offset", valid_max) '
        "VALUES (%s, 'p', %s, 0.1, 2, 5)",
        (row[0], row[0] + 1000),
    )
    await tell(own)
    return int(row[0])


async def tell(own: AsyncConnection[Any]) -> None:
    """Say that the ledger has changed."""
    await own.execute("UPDATE convey_ledgerversion SET version = version + 1")
    await own.execute("NOTIFY cityloop_devices")


@pytest.mark.django_db
async def test_who_may_speak_and_what_its_channels_are(database: AsyncConnection[Any]) -> None:
    number = await enter(database, "open")
    await enter(database, "closed", secret_digest=secret_digest_of("hj212", "closed", "123456"))
    await enter(database, "revoked", secret_digest="-")
    await enter(database, "gone", state="retired")
    await enter(database, "bad", state="quarantined")
    await enter(database, "asked", endpoint="10.0.0.1:502", protocol="modbus")
    ledger = Ledger()
    await ledger.load(database)
    device = ledger.admitted("hj212", "open")
    assert device is not None
    assert (device.device_id, device.code) == (number, "open")
    assert ledger.admitted("hj212", "closed", "123456") is not None
    for address, secret in (
        ("closed", ""),
        ("closed", "123457"),
        ("revoked", ""),
        ("gone", ""),
        ("bad", ""),
        ("x", ""),
    ):
        assert ledger.admitted("hj212", address, secret) is None
    assert ledger.admitted("jtt808", "open") is None
    channel = ledger.channel(device, "p")
    assert channel is not None
    assert (channel.datastream_id, channel.scale, channel.offset) == (number + 1000, 0.1, 2.0)
    assert ledger.channel(device, "q") is None
    assert ledger.channels(device) == ("p",)
    assert [one.code for one in ledger.polled("modbus")] == ["asked"]
    assert ledger.polled("hj212") == []


@pytest.mark.django_db
async def test_who_was_heard_is_written_down_with_its_clock(database: AsyncConnection[Any]) -> None:
    await enter(database, "a")
    ledger = Ledger()
    await ledger.load(database)
    device = ledger.admitted("hj212", "a")
    assert device is not None
    ledger.heard(device, received_us=NOW_US, device_us=NOW_US + 400_000_000)
    ledger.heard(device, received_us=NOW_US + MINUTE_US)
    await ledger.write_back(database)
    told = await (await database.execute("SELECT last_heard_at, clock_skew_s FROM convey_device")).fetchall()
    assert told == [(from_us(NOW_US + MINUTE_US), 400.0)]
    ledger.heard(device, received_us=NOW_US, device_us=NOW_US)
    await ledger.write_back(database)
    await ledger.write_back(database)
    told = await (await database.execute("SELECT last_heard_at, clock_skew_s FROM convey_device")).fetchall()
    assert told == [(from_us(NOW_US + MINUTE_US), 0.0)]


@pytest.mark.django_db
async def test_a_device_that_is_quarantined_is_no_longer_admitted(database: AsyncConnection[Any], dsn: str) -> None:
    await enter(database, "a")
    ledger = Ledger()

    async def connect() -> AsyncConnection[Any]:
        return await AsyncConnection.connect(dsn)

    following = asyncio.create_task(ledger.follow(connect))
    await until(lambda: ledger.admitted("hj212", "a") is not None)
    await database.execute("UPDATE convey_device SET state = 'quarantined'")
    await tell(database)
    await until(lambda: ledger.admitted("hj212", "a") is None)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def until(condition: Any) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110  polled
            await asyncio.sleep(0.02)


@pytest.mark.django_db
async def test_marks_are_read_from_the_ledger_and_counts_written_back(database: AsyncConnection[Any]) -> None:
    good = await enter(database, "good", period_s=7200)
    ill = await enter(database, "ill", state="maintenance")
    due = await enter(database, "due", calibration_due_on=date(2026, 11, 21))
    today = await enter(database, "today", calibration_due_on=NOW.date())
    await enter(database, "gone", state="retired")
    marks = Marks()
    assert await marks.load_if_changed(database)
    assert not await marks.load_if_changed(database)
    batch = readings(*((number + 1000, 1.0) for number in (good, ill, due, today)))
    marks.mark(batch)
    assert batch.quality.tolist() == [0, Quality.MAINTENANCE, Quality.SUSPECT, 0]
    batch = readings((good + 1000, 6.0), age_us=5 * 60 * MINUTE_US)
    marks.mark(batch)
    assert batch.quality.tolist() == [Quality.OUT_OF_RANGE]
    early = readings((good + 1000, 1.0), age_us=-int(timedelta(minutes=10).total_seconds() * 1e6))
    marks.mark(early)
    await marks.write_back(database)
    told = await (
        await database.execute("SELECT impossible_count, clock_skew_s FROM convey_device WHERE id = %s", (good,))
    ).fetchall()
    assert told == [(1, 600.0)]


@pytest.mark.django_db
async def test_a_reading_is_late_only_after_its_own_period(database: AsyncConnection[Any]) -> None:
    slow, quick = await enter(database, "slow", period_s=7200), await enter(database, "quick", period_s=10)
    marks = Marks()
    await marks.load(database)
    batch = readings((slow + 1000, 1.0), (quick + 1000, 1.0), age_us=120 * MINUTE_US)
    marks.mark(batch)
    assert batch.quality.tolist() == [0, Quality.LATE]


@pytest.mark.django_db
async def test_an_empty_ledger_marks_nothing(database: AsyncConnection[Any]) -> None:
    marks = Marks()
    await marks.load(database)
    batch = readings((10, 1.0))
    marks.mark(batch)
    assert batch.quality.tolist() == [0]
