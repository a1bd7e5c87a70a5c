"""The import contracts hold for the house, and each of them catches what it is there to catch."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPECIMENS = Path(__file__).parent / "specimens"
ROOMS = ("journal", "registry", "sense", "convey", "decide", "respond", "command", "assess")
DJANGO_STOREYS = {"models": "from django.db import models", "selectors": "from cityloop.{room} import models"}
PLAIN = '"""Sound."""\n'


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    environment = os.environ | {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{ROOT}"}
    command = [program, "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def sound_house(tmp_path: Path) -> Path:
    root = tmp_path / "src" / "cityloop"
    files = {"__init__.py": PLAIN, "projects/__init__.py": PLAIN, "kernel/__init__.py": PLAIN}
    files |= {"kernel/levels.py": PLAIN, "site/__init__.py": PLAIN, "site/wire.py": PLAIN, "site/pipeline.py": PLAIN}
    for room in ROOMS:
        files |= {f"{room}/{storey}.py": PLAIN for storey in ("__init__", "stream", "rules", "views", "tasks")}
        files |= {f"{room}/{storey}.py": line.format(room=room) for storey, line in DJANGO_STOREYS.items()}
        files[f"{room}/services.py"] = f"from cityloop.{room} import selectors"
        files[f"{room}/facade.py"] = f"from cityloop.{room} import services"
        files[f"{room}/views.py"] = f"from cityloop.{room} import facade"
    for project in ("alpha", "beta"):
        files |= {f"projects/{project}/{name}.py": PLAIN for name in ("__init__", "project", "rules", "views")}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return tmp_path


def broken_contracts(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split()[0] for line in result.stdout.splitlines() if line.rstrip().endswith("BROKEN")]


def test_the_house_keeps_its_contracts() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


def test_a_sound_house_breaks_no_contract(sound_house: Path) -> None:
    result = lint(sound_house)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("specimen", sorted(folder.name for folder in SPECIMENS.iterdir() if folder.is_dir()))
def test_a_deliberate_breach_is_caught(specimen: str, sound_house: Path) -> None:
    shutil.copytree(SPECIMENS / specimen, sound_house / "src", dirs_exist_ok=True)
    result = lint(sound_house)
    assert result.returncode == 1, result.stdout
    assert specimen.split("_", maxsplit=1)[0] in broken_contracts(result)


def test_every_contract_has_a_specimen_and_no_contract_has_an_ignore_list() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    numbers = {contract["name"].split()[0] for contract in settings["contracts"]}
    assert numbers == {folder.name.split("_")[0] for folder in SPECIMENS.iterdir() if folder.is_dir()}
    assert not [contract["name"] for contract in settings["contracts"] if "ignore_imports" in contract]
