"""Documentation is tested: each fact and each door stands on its reference page, and each proof it names exists."""

import re
from pathlib import Path

import pytest

from tools.reference import pages

ROOT = Path(__file__).parents[2]
CHECKLIST = ROOT / "docs" / "reference" / "checklist.md"
_TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


@pytest.mark.parametrize("file", pages(), ids=lambda file: file.name)
def test_a_reference_page_is_what_the_code_says(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == pages()[file]().rstrip() + "\n", "run python -m tools.reference"


def test_every_test_the_checklist_names_exists_and_every_ticked_box_names_one() -> None:
    files = [*(ROOT / "tests" / "conformance").glob("*.py"), *(ROOT / "tests" / "journeys").glob("*.py")]
    there = {name for file in files for name in _TEST.findall(file.read_text(encoding="utf-8"))}
    boxes = [line for line in CHECKLIST.read_text(encoding="utf-8").splitlines() if line.startswith("| [")]
    assert len(boxes) > 30
    assert {name for box in boxes for name in re.findall(r"`(test_\w+)`", box)} <= there
    assert [box for box in boxes if box.startswith("| [x]") and "`test_" not in box] == []
