"""What an operator is told where the second store cannot be had: no library, no answer, nobody who keeps it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from cityloop.sense.stream.archive.clickhouse import open_store
from cityloop.sense.stream.archive.keeping import Keeper, KeeperElsewhereError
from cityloop.sense.stream.archive.store import StoreAwayError, StoreLibraryMissingError, StoreOfAnotherCityError
from cityloop.site.checks import Grade, _history
from cityloop.site.cli.main import main
from cityloop.site.configuration import Configuration
from cityloop.site.operation.health import Clock, json_of, parts_of
from cityloop.site.ports import free_port
from cityloop.site.processes import city_children

pytestmark = pytest.mark.django_db(transaction=True)

_PACKED = """
    INSERT INTO sense_packedday (datastream_id, day, n, first_time, last_time, end_time, first_id, last_id, is_run,
      numbers, time_base_us, time_step_us, time_unit_us, tick_base, tick_follows, lane_base, lane_step, value_base,
      stored, away)
    VALUES (41, '2026-01-01', 5, '2026-01-01', '2026-01-01', '2026-01-01', 1, 1, FALSE,
      5, 0, 0, 1, 0, 0, 0, 0, 0, 7, TRUE)
"""


@pytest.fixture
def dsn(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    settings = connection.settings_dict
    named = f"{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    address = f"postgresql://{named}"
    monkeypatch.setenv("CITYLOOP_POSTGRES_DSN", address)
    monkeypatch.setenv("LANGUAGE", "en")
    yield address
    with psycopg.connect(address, autocommit=True) as own:
        own.execute("TRUNCATE sense_packedday, sense_closedday, sense_storedgone")
        own.execute("UPDATE sense_historystore SET reason = '', wanted = ''")


@pytest.fixture
def nowhere() -> str:
    return f"http://127.0.0.1:{free_port()}/city"


def test_an_unreachable_cluster_is_said_and_the_keeper_goes_on(
    dsn: str, nowhere: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StoreAwayError):
        open_store(nowhere, city="x")
    keeper = Keeper.of(dsn, nowhere)
    try:
        assert keeper.turn() is False
        assert keeper.turn() is False
        with pytest.raises(KeeperElsewhereError):
            Keeper.of(dsn, nowhere)
    finally:
        keeper.close()
    monkeypatch.setenv("CITYLOOP_HISTORY_DSN", nowhere)
    assert main(["--lang", "en", "history", "status"]) == 1
    assert "The second store cannot be had: " in capsys.readouterr().out
    with psycopg.connect(dsn) as own:
        own.execute("INSERT INTO sense_closedday (day, first_id, last_id) VALUES ('2026-01-01', 1, 1)")
    assert main(["--lang", "en", "history", "move", "--to", "clickhouse"]) == 1
    assert "goes on when it is asked for again: " in capsys.readouterr().err
    assert main(["--lang", "zh", "history", "move", "--to", "clickhouse"]) == 1
    assert "迁移已暂停" in capsys.readouterr().err


def test_without_its_library_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "clickhouse_connect", None)
    with pytest.raises(StoreLibraryMissingError, match="make clickhouse"):
        open_store(f"chdb://{tmp_path}/store", city="x")


def test_a_store_of_another_city_is_not_written_to(tmp_path: Path) -> None:
    script = "import sys\nfrom cityloop.sense.stream.archive.clickhouse import open_store\n"
    script += "for city in sys.argv[2:]: open_store(sys.argv[1], city=city).close()\n"
    same, other = (
        subprocess.run(  # noqa: S603  ours
            [sys.executable, "-c", script, f"chdb://{tmp_path}/store", *cities],
            capture_output=True,
            text=True,
            check=False,
        )
        for cities in (("one", "one"), ("two",))
    )
    assert same.returncode == 0, same.stderr
    assert StoreOfAnotherCityError.__name__ in other.stderr


def test_a_move_without_a_store_is_refused(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dsn
    assert main(["--lang", "en", "history", "move", "--to", "clickhouse"]) == 1
    assert "CITYLOOP_HISTORY_DSN" in capsys.readouterr().err


async def test_health_names_the_second_store_only_where_there_is_one(dsn: str, nowhere: str, tmp_path: Path) -> None:
    plain = Configuration(postgres_dsn=dsn, nats_port=free_port(), home=tmp_path / "unmade" / "city")
    assert "history" not in json.loads(json_of(await parts_of(plain, Clock())))
    told = json.loads(json_of(await parts_of(replace(plain, history_dsn=nowhere), Clock())))
    assert (told["history"], told["database"]) == ("down", "up")


def test_the_doctor_sees_a_store_that_nobody_keeps_and_one_that_no_setting_names(dsn: str, nowhere: str) -> None:
    plain = Configuration(postgres_dsn=dsn)
    assert list(_history(plain)) == []
    (unkept,) = _history(replace(plain, history_dsn=nowhere))
    assert (unkept.grade, unkept.way_out) == (Grade.BAD, "Start it: cityloop up")
    with psycopg.connect(dsn) as own:
        own.execute(_PACKED)
    (unnamed,) = _history(plain)
    assert unnamed.grade is Grade.BAD
    assert "CITYLOOP_HISTORY_DSN" in unnamed.way_out
    keeper = Keeper.of(dsn, nowhere)
    try:
        (kept,) = _history(replace(plain, history_dsn=nowhere))
        assert kept.grade is Grade.GOOD
    finally:
        keeper.close()


def test_its_process_is_started_only_where_a_store_is_named() -> None:
    names = [child.name for child in city_children(Configuration(), listener_number=3)]
    assert "history" not in names
    named = Configuration(history_dsn="chdb:///srv/history")
    assert "history" in [child.name for child in city_children(named, listener_number=3)]
