"""`cityloop mapping`: what a message would become, before a device is bought."""

from pathlib import Path

import pytest

from cityloop.site.cli.main import main

OWN = """
code = "own"
extends = "plain"
title = { zh = "自有", en = "our own" }
basis = "manual"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CITYLOOP_HOME", str(tmp_path))
    (tmp_path / "mappings").mkdir()
    return tmp_path


def message(home: Path, text: str) -> str:
    file = home / "message.json"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_message_is_shown_as_the_readings_it_would_become(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "mappings" / "own.toml").write_text(OWN, encoding="utf-8")
    file = message(home, '{"time": "2026-11-18T19:06:40", "values": {"level": 1.5, "state": "open"}}')
    assert main(["--lang", "en", "mapping", "test", file, "--mapping", "own"]) == 0
    said = capsys.readouterr().out
    assert "level" in said
    assert "1.5" in said
    assert "2026-11-18 19:06:40" in said


def test_a_part_that_cannot_be_read_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = message(home, '{"values": {"level": 1.5, "list": [1]}}')
    assert main(["--lang", "en", "mapping", "test", file]) == 1
    said = capsys.readouterr().out
    assert "no_value: list" in said
    assert "on arrival" in said


@pytest.mark.parametrize(
    ("text", "mapping", "sentence"),
    [("{", "plain", "无法解析这条消息"), ("{}", "none", "未找到：none")],
)
def test_what_cannot_be_read_at_all_is_said_in_one_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, mapping: str, sentence: str
) -> None:
    assert main(["--lang", "zh", "mapping", "test", message(home, text), "--mapping", mapping]) == 1
    assert sentence in capsys.readouterr().err


def test_the_list_names_files_that_cannot_be_used(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "mapping", "list"]) == 0
    (home / "mappings" / "bad.toml").write_text('code = "bad"', encoding="utf-8")
    assert main(["--lang", "en", "mapping", "list"]) == 1
    said = capsys.readouterr().out
    assert "bad.toml" in said
    assert "chirpstack-v4" in said
