"""Files of readings go in, each reading once, whatever stops the load; what goes out comes back the same."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cityloop.kernel.instants import to_us
from cityloop.sense.stream.archive.closing import close_day
from cityloop.sense.stream.bulk import loading
from cityloop.sense.stream.bulk.exporting import Choice, export
from cityloop.sense.stream.bulk.loading import Progress
from cityloop.sense.stream.bulk.pace import PAUSES_MAX, Pace
from cityloop.sense.stream.history.partitions import DAY_US
from cityloop.site.bulk.loader import RefusedFile, load_file
from cityloop.site.tests.pipeline.conftest import STREAMS, Store

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY - timedelta(days=30)
WHAT = "datastream_id, phenomenon_time, result, quality, result_json, phenomenon_end, result_time, parameters"
_EMPTY = "TRUNCATE sense_observation, sense_packedday, sense_packedid, sense_closedday, sense_load"
_UNKNOWN = (
    "UPDATE sense_latest SET phenomenon_time = NULL, first_time = NULL, last_time = NULL, id = NULL, result = NULL"
)


@pytest.fixture
def city(store: Store) -> Store:
    """Empty what is packed too."""
    store.run(_EMPTY)
    return store


def written(folder: Path, lines: list[str], *, header: str = "datastream_id,phenomenon_time,result") -> Path:
    path = folder / "some.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def month(*, every_h: int = 6, days: int = 33) -> list[str]:
    """Readings of three streams, by time; the last days are not closed yet."""
    moments = [START + timedelta(hours=hour) for hour in range(0, days * 24, every_h)]
    return [
        f"{stream},{moment:%Y-%m-%dT%H:%M:%SZ},{stream + moment.day / 10}" for moment in moments for stream in (1, 2, 3)
    ]


async def load(city: Store, path: Path, **more: Any) -> Progress:
    refused = RefusedFile(path.with_suffix(".refused.csv"), lambda _: None)
    given = {"node": 0, "hot_days": 3, "zone": None, "refused": refused, "on_progress": lambda _: None}
    return await load_file(path, dsn=city.dsn, **{**given, **more})


def kept(city: Store) -> list[tuple[Any, ...]]:
    return city.rows(f"SELECT {WHAT} FROM sense_reading ORDER BY 1, 2")


async def test_closed_days_are_packed_and_open_days_go_through_the_pipeline(city: Store, tmp_path: Path) -> None:
    lines = month()
    progress = await load(city, written(tmp_path, lines))
    assert (progress.kept, progress.duplicates, progress.refused) == (len(lines), 0, 0)
    assert len(kept(city)) == len(lines)
    assert city.count("sense_observation") == progress.kept - progress.packed > 0
    assert city.rows("SELECT sum(readings) FROM sense_closedday") == [(progress.packed,)]
    newest = START + timedelta(hours=32 * 24 + 18)
    extents = city.rows("SELECT first_time, last_time, result FROM sense_latest WHERE datastream_id < 4 ORDER BY 1")
    assert {row[:1] for row in extents} == {(START,)}
    assert newest in {row[1] for row in extents}
    assert city.rows("SELECT DISTINCT feature_id FROM sense_reading") == city.rows("SELECT id FROM sense_feature")


async def test_every_loaded_reading_is_found_by_its_id(city: Store, tmp_path: Path) -> None:
    await load(city, written(tmp_path, month()))
    rows = city.rows(
        "SELECT id, datastream_id, phenomenon_time FROM sense_reading WHERE phenomenon_time < %s", START + timedelta(3)
    )
    for key, stream, at in rows:
        assert city.rows("SELECT * FROM sense_packed_place(%s)", key) == [(stream, at.astimezone(UTC).date())]


async def test_a_file_loaded_twice_is_kept_once(city: Store, tmp_path: Path) -> None:
    path = written(tmp_path, month())
    first = await load(city, path)
    city.run("DELETE FROM sense_load")
    before = kept(city)
    again = await load(city, path)
    assert (again.kept, again.duplicates) == (0, first.kept)
    assert kept(city) == before


async def test_late_rows_of_a_packed_day_join_it_and_stay_findable(city: Store, tmp_path: Path) -> None:
    await load(city, written(tmp_path, month()))
    late = f"2,{START:%Y-%m-%dT}00:30:00Z,9.5"
    progress = await load(city, written(tmp_path, [late, late]))
    assert (progress.kept, progress.duplicates, progress.packed) == (1, 1, 0)
    before = kept(city)
    close_day(city.dsn, to_us(START) // DAY_US)
    assert kept(city) == before
    day = city.rows("SELECT id, datastream_id FROM sense_reading WHERE phenomenon_time < %s", START + timedelta(days=1))
    for key, stream in day:
        assert (stream, START.date()) in city.rows("SELECT * FROM sense_packed_place(%s)", key)


class Killed(BaseException):
    """Stops a load as a kill would: nothing after it runs."""


async def test_a_load_that_is_killed_goes_on_where_it_stood(
    city: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = month(every_h=1)
    path = written(tmp_path, lines)
    monkeypatch.setattr("cityloop.sense.stream.bulk.files.CSV_BLOCK_BYTES", 8000)
    wrote = loading.keep_packed
    for survived in (1, 2):
        calls = iter(range(survived))

        async def some(*arguments: Any, calls: Any = calls, **more: Any) -> Any:
            if next(calls, None) is None:
                raise Killed
            return await wrote(*arguments, **more)

        monkeypatch.setattr(loading, "keep_packed", some)
        with pytest.raises(Killed):
            await load(city, path, buffer_rows=400)
    monkeypatch.setattr(loading, "keep_packed", wrote)
    progress = await load(city, path, buffer_rows=400)
    assert progress.resumed_at > 0
    expected = [(int(s), at.replace("Z", "+00:00"), float(v)) for s, at, v in (line.split(",") for line in lines)]
    found = [(stream, at.astimezone(UTC).isoformat(), value) for stream, at, value, *_ in kept(city)]
    assert found == sorted(expected)
    assert city.rows("SELECT finished_at IS NOT NULL, rows_done FROM sense_load") == [(True, len(lines))]


async def test_rows_that_are_no_readings_are_kept_with_number_and_reason(city: Store, tmp_path: Path) -> None:
    lines = [*month(days=1), "1,never,3", "4711,2026-01-01T00:00:00Z,3", "99,2026-01-01T00:00:00Z,3"]
    path = written(tmp_path, lines)
    progress = await load(city, path)
    assert (progress.kept, progress.refused) == (len(lines) - 3, 3)
    rows = path.with_suffix(".refused.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["row", "13", "14", "15"]
    assert "location" in rows[-1]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
async def test_what_goes_out_comes_back_the_same(city: Store, tmp_path: Path, kind: str) -> None:
    header = "datastream_id,phenomenon_time,phenomenon_end,result,result_json,quality,result_time,parameters"
    day = f"{START:%Y-%m-%dT}"
    special = [
        f'4,{day}01:00:00.123456Z,{day}02:00:00Z,,"""停水""",manual,{day}03:00:00Z,"{{""a"": [1]}}"',
        f"4,{day}04:00:00Z,,0.1,,,,",
        f"4,{day}05:00:00Z,,-0.0,,bad,,",
    ]
    await load(city, written(tmp_path, special, header=header))
    await load(city, written(tmp_path, month()))
    before, path = kept(city), tmp_path / f"out.{kind}"
    said: list[int] = []
    done = export(city.dsn, Choice(), path, on_progress=lambda part: said.append(part.days_done))
    assert (done.readings, done.streams, said[-1]) == (len(before), len(STREAMS) + 1, done.days)
    city.run(_EMPTY)
    city.run(_UNKNOWN)
    assert (await load(city, path)).kept == len(before)
    assert kept(city) == before


async def test_an_export_holds_what_was_chosen(city: Store, tmp_path: Path) -> None:
    await load(city, written(tmp_path, month()))
    city.run("UPDATE sense_datastream SET code = 'p/' || id, project = CASE WHEN id = 2 THEN 'p' ELSE '' END, "
             "dataset = CASE WHEN id = 3 THEN 'd' ELSE '' END")  # fmt: skip
    path = tmp_path / "out.csv"
    span = {"since": START + timedelta(hours=3), "until": START + timedelta(days=2)}

    def counts(choice: Choice) -> int:
        return export(city.dsn, choice, path, on_progress=lambda _: None).readings

    named: tuple[dict[str, Any], ...] = ({"ids": [1, 2]}, {"codes": ["p/1"]}, {"project": "p"})
    assert [counts(Choice(**one, **span)) for one in named] == [14, 7, 7]
    assert (counts(Choice(dataset="d")), counts(Choice(ids=[99])), counts(Choice(codes=[]))) == (132, 0, 0)
    assert path.read_text(encoding="utf-8").count("\n") == 1


async def test_loading_gives_way_while_commits_are_slow() -> None:
    spans = iter([0.01] * 9 + [0.2, 0.2, 0.03] + [0.5] * (PAUSES_MAX + 1))
    clock, rests = [0.0], []

    class Connection:
        async def execute(self, _: str) -> None:
            clock[0] += next(spans)

    async def rest(span_s: float) -> None:
        rests.append(span_s)
        await asyncio.sleep(0)

    pace = Pace(Connection(), rest=rest, elapsed_s=lambda: clock[0])  # type: ignore[arg-type]  # it runs one statement
    await pace.begin()
    await pace.give_way()
    assert (len(rests), pace.pauses, round(pace.commit_s, 2)) == (2, 2, 0.03)
    await pace.give_way()
    assert pace.pauses == 2 + PAUSES_MAX
