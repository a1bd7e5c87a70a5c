"""The commands that keep, load and export the history, as an operator calls them."""

from pathlib import Path

import pytest
from django.db import connection

from cityloop.site.cli import export as exporting
from cityloop.site.cli.main import main

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _city(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = connection.settings_dict
    address = f"{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    monkeypatch.setenv("CITYLOOP_POSTGRES_DSN", f"postgresql://{address}")
    monkeypatch.setenv("LANGUAGE", "en")


_FILL = """
    INSERT INTO sense_thing (id, name, description) VALUES (1, 't', '');
    INSERT INTO sense_sensor (id, name, description, encoding_type, metadata) VALUES (1, 's', '', 'text/plain', '""');
    INSERT INTO sense_observedproperty (id, name, definition, description) VALUES (1, 'p', 'http://p', '');
    INSERT INTO sense_datastream (id, name, description, observation_type, project, thing_id, sensor_id,
      observed_property_id) VALUES (41, 'd', '', 'x', 'wells', 1, 1, 1);
    INSERT INTO sense_retention (code, title_zh, title_en, keep_days, basis) VALUES ('', '甲', 'A', 30, 'x'),
      ('long', '甲', 'A', 30, 'x') ON CONFLICT DO NOTHING;
"""


@pytest.fixture
def stream() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FILL)
    return 41


def _class_of(stream: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT retention FROM sense_datastream WHERE id = %s", [stream])
        return str(cursor.fetchone()[0])


def _run(*arguments: str) -> int:
    return main(["--lang", "en", *arguments])


def test_a_class_is_given_a_time_and_datastreams(stream: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("history", "keep", "long", "--days", "7300", "--confirmed", "--basis", "order 12") == 0
    assert _run("history", "assign", "long", "--project", "wells") == 0
    assert _run("history") == 0
    shown = capsys.readouterr().out
    assert "1 datastreams" in shown
    assert "order 12" in shown
    assert _class_of(stream) == "long"
    assert _run("history", "assign", "-", "--streams", str(stream)) == 0
    assert _class_of(stream) == ""


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("history", "keep", "long", "--days", "1", "--basis", "x"), "at least 7 days"),
        (("history", "keep", "none", "--basis", "x"), "no retention class"),
        (("history", "assign", "long"), "or a project"),
        (("history", "assign", "long", "--streams", "a"), "--streams"),
        (("export", "some.xlsx"), "neither"),
        (("export", "some.csv", "--streams", "1,a"), "not both"),
        (("export", "some.csv", "--from", "soon"), "--from"),
        (("load", "absent.csv"), "absent.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(*arguments) == 1
    assert words in capsys.readouterr().err


def test_an_instant_without_a_zone_is_the_citys() -> None:
    assert str(exporting.instant("2026-01-01T08:00", "--from")) == "2026-01-01 08:00:00+08:00"
    assert exporting.instant(None, "--from") is None


def test_an_export_of_nothing_is_a_file_with_a_header(
    stream: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.csv"
    assert _run("export", str(path), "--streams", str(stream)) == 0
    assert path.read_text(encoding="utf-8").startswith('"datastream_id"')
    assert "0 readings of 1 datastreams" in capsys.readouterr().out


def test_a_load_says_what_became_of_its_rows(
    stream: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloop.site.cli.load.NICE", 0)
    path = tmp_path / "in.csv"
    rows = ["datastream_id,phenomenon_time,result", "4711,2026-01-01T00:00:00Z,1", f"{stream},2026-01-01,1"]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert _run("load", str(path)) == 1
    shown = capsys.readouterr().out
    assert "0 readings kept, 0 known already, 2 refused" in shown
    assert "row 1: there is no such datastream" in shown
    assert (tmp_path / "in.csv.refused.csv").exists()
