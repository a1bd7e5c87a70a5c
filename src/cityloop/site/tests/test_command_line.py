import os
import subprocess
import sys
from pathlib import Path

import pytest

from cityloop.kernel.errors import CityloopError
from cityloop.site.cli import main
from cityloop.site.cli.main import commands
from cityloop.site.language import language_of, sentence, speak
from cityloop.site.ports import PortTakenError
from tools.compile_messages import compile_all


@pytest.fixture(autouse=True)
def _english_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    compile_all(Path(__file__).parent.parent / "cli")


def names() -> list[str]:
    return [module.__name__.rpartition(".")[2] for module in commands()]


def test_every_command_of_the_plan_is_there() -> None:
    wanted = {"up", "down", "status", "doctor", "settings", "secrets", "replay", "trace", "case", "watch"}
    assert wanted <= set(names())


@pytest.mark.parametrize("name", [[], *[[name] for name in ("up", "doctor", "case", "settings", "replay")]])
def test_help_comes_in_both_languages(name: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for language in ("en", "zh"):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", language, *name, "--help"])
        assert ended.value.code == 0
        told[language] = capsys.readouterr().out
    assert "usage:" in told["en"]
    assert told["en"].isascii()
    assert "用法：" in told["zh"]
    assert "显示本帮助并退出" in told["zh"]


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (["--lang", "zh"], {"LANG": "en_GB.UTF-8"}, "zh"),
        (["--lang=en"], {"LANG": "zh_CN"}, "en"),
    ],
)
def test_the_language_is_the_arguments_else_the_environments(
    arguments: list[str], environment: dict[str, str], language: str
) -> None:
    assert language_of(arguments, environment) == language


def test_an_error_is_one_sentence_in_the_spoken_language() -> None:
    error = PortTakenError(port=8000, what="MQTT", setting="CITYLOOP_PORT", free=9)
    speak("zh")
    assert sentence(error).startswith("MQTT所需的端口 8000 已被其他程序占用")
    speak("en")
    assert sentence(error).startswith("Port 8000, needed for MQTT, is taken")
    assert sentence(CityloopError()) == "Something went wrong."


def test_an_error_ends_the_command_with_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYLOOP_HOME", str(tmp_path))
    assert main(["--lang", "en", "down"]) == 1
    assert capsys.readouterr().err == f"cityloop: No city runs from the data folder {tmp_path}.\n"


def test_settings_are_shown_without_their_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYLOOP_HOME", str(tmp_path))
    monkeypatch.setenv("CITYLOOP_SECRET_KEY", "do-not-show")
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["--lang", "zh", "settings"]) == 0
    told = capsys.readouterr().out
    assert "CITYLOOP_MQTT_PORT" in told
    assert "网页服务的端口。" in told
    assert "do-not-show" not in told


def test_the_demo_password_is_made_once_and_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYLOOP_HOME", str(tmp_path))
    told = []
    for _ in range(2):
        assert main(["--lang", "en", "secrets", "demo"]) == 0
        told.append(capsys.readouterr().out.strip())
    assert told[0] == told[1]
    assert len(told[0]) == 14
    assert (tmp_path / "secrets" / "demo").stat().st_mode & 0o077 == 0


def test_an_unknown_secret_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "en", "secrets", "nothing"]) == 1
    assert "nothing was not found" in capsys.readouterr().err


def test_the_command_starts_without_loading_django() -> None:
    code = "import sys; from cityloop.site.cli.main import parser; parser(); sys.exit('django.db' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.call([sys.executable, "-c", code], env=environment) == 0  # noqa: S603  our own program
