"""A scenario says what it is, waits for its reader, and never enters a real city."""

from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from cityloop.site.cli.main import main
from cityloop.site.configuration import Configuration
from cityloop.site.replay.device import payload_of
from cityloop.site.scenario.guide import Guide
from cityloop.site.scenario.playing import ScenarioRefusedError, must_be_demo


def test_a_real_city_is_never_played_into(tmp_path: Path) -> None:
    must_be_demo(Configuration(home=tmp_path, demo="quiet"))
    with pytest.raises(ScenarioRefusedError):
        must_be_demo(Configuration(home=tmp_path, demo="off"))


def test_a_reading_says_which_scenario_it_is_of() -> None:
    marked = msgspec.json.decode(payload_of(0, 1.5, {"scenario": "cold-wave"}))
    assert marked == {
        "phenomenonTime": "1970-01-01T00:00:00.000Z", "result": 1.5, "parameters": {"scenario": "cold-wave"},
    }  # fmt: skip
    assert "parameters" not in msgspec.json.decode(payload_of(0, 1.5))


def test_the_guide_waits_between_steps_and_not_before_the_first() -> None:
    asked: list[str] = []
    paper = StringIO()
    guide = Guide(console=Console(file=paper, width=200), address="http://here", wait=asked.append)
    guide.step("one")
    assert asked == []
    guide.look("/sheet/?at=1")
    guide.step("two")
    assert len(asked) == 1
    said = paper.getvalue()
    assert "1  one" in said
    assert "2  two" in said
    assert "http://here/sheet/?at=1" in said


def test_without_a_name_the_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "scenario"]) == 0
    assert "cold-wave" in capsys.readouterr().out
    assert main(["--lang", "zh", "scenario"]) == 0
    assert "寒潮" in capsys.readouterr().out
