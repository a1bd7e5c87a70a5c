"""An eleventh project is one folder, and the house takes it in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cityloop.kernel.text import Text
from cityloop.site.scaffold import BadProjectNameError, BadTitleError, NewProject, ProjectExistsError, make_project

ROOT = Path(__file__).resolve().parents[5]
TITLE = Text("除雪保障", "Snow clearing")
PARTS = ("src", "tests", "bench", "tools", "docs", "pyproject.toml", "conftest.py")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CITYLOOP_", "DJANGO_"))}
    environment |= {"PYTHONPATH": str(folder / "src"), "CITYLOOP_HOME": str(folder / "home")}
    return subprocess.run(  # noqa: S603  our own commands
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def files_below(folder: Path) -> dict[Path, bytes]:
    passed_over = ("__pycache__", ".pyc", ".mo", "home", "_cache")
    files = (file for file in folder.rglob("*") if file.is_file())
    return {
        file.relative_to(folder): file.read_bytes()
        for file in files
        if not any(word in str(file) for word in passed_over)
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    folder.mkdir()
    leave = shutil.ignore_patterns("__pycache__", "vendor", "node_modules", "*.mo")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=leave)
        elif source.exists():
            shutil.copy(source, folder / part)
    return folder


def test_the_eleventh_project_changes_one_folder_and_its_page_answers(copy: Path) -> None:
    before = files_below(copy)
    made = run(
        copy,
        "-m",
        "cityloop.site.cli",
        "--lang",
        "en",
        "scaffold",
        "project",
        "snow",
        "--zh",
        "除雪保障",
        "--en",
        "Snow",
    )
    assert made.returncode == 0, made.stderr
    assert "/projects/snow/" in made.stdout
    after = files_below(copy)
    changed = {file for file in after if before.get(file) != after[file]}
    assert {file.parts[:4] for file in changed} == {("src", "cityloop", "projects", "snow")}
    assert before.keys() <= after.keys()
    tests = run(copy, "-m", "pytest", "-q", "-k", "snow", "tests/house/test_projects.py", "src/cityloop/projects/snow")
    assert tests.returncode == 0, tests.stdout + tests.stderr
    lint = run(copy, "-m", "ruff", "check", "src/cityloop/projects/snow")
    assert lint.returncode == 0, lint.stdout
    form = run(copy, "-m", "ruff", "format", "--check", "src/cityloop/projects/snow")
    assert form.returncode == 0, form.stdout


@pytest.mark.parametrize("name", ["", "Snow", "1st", "class", "a", "../x", "snow-plough", "x" * 31])
def test_a_name_that_is_no_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadProjectNameError):
        make_project(NewProject(name, TITLE), folder=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "title", [Text("Snow", "Snow"), Text("除雪", "除雪"), Text("除雪", 'Sn"ow'), Text("除\n雪", "Snow")]
)
def test_a_title_of_the_wrong_language_is_refused(tmp_path: Path, title: Text) -> None:
    with pytest.raises(BadTitleError):
        make_project(NewProject("snow", title), folder=tmp_path)


def test_a_project_is_never_overwritten(tmp_path: Path) -> None:
    files = make_project(NewProject("snow", TITLE), folder=tmp_path)
    before = [file.read_bytes() for file in files]
    with pytest.raises(ProjectExistsError):
        make_project(NewProject("snow", TITLE), folder=tmp_path)
    assert [file.read_bytes() for file in files] == before
