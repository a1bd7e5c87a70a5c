"""Units and the container file name commands and settings that exist."""

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from cityloop.site.cli.main import commands
from cityloop.site.configuration import Configuration

FOLDER = Path(__file__).parents[2] / "packaging"
UNITS = sorted(FOLDER.glob("systemd/*"))
KNOWN = {f"CITYLOOP_{field.name.upper()}" for field in fields(Configuration)} | {"CITYLOOP_CONFIG"}


def test_every_setting_that_packaging_names_exists() -> None:
    named = {
        name
        for file in (*UNITS, FOLDER / "Containerfile")
        for name in re.findall(r"CITYLOOP_[A-Z_]+", file.read_text(encoding="utf-8"))
    }
    assert named - KNOWN == set()


def test_every_command_that_packaging_starts_exists() -> None:
    known = {module.__name__.rpartition(".")[2] for module in commands()}
    text = "".join(file.read_text(encoding="utf-8") for file in UNITS)
    started = set(re.findall(r"bin/cityloop ([a-z]+)", text))
    assert started == {"up", "backup"}
    assert started <= known


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here to check units with")
@pytest.mark.parametrize("unit", UNITS, ids=lambda file: file.name)
def test_systemd_understands_every_unit(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if unit.name in line and "not executable" not in line]
    assert complaints == []
