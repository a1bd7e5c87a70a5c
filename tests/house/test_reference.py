"""Documentation is tested: each fact and each door stands on its reference page, and each proof it names exists."""

import re
from pathlib import Path

import pytest

from tools.reference import pages

ROOT = Path(__file__).parents[2]
CHECKLISTS = {"checklist.md": 30, "open311.md": 10}
"""Pages that name the proofs of a standard's boxes, and how many boxes each has at least."""

_TEST = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


@pytest.mark.parametrize("file", pages(), ids=lambda file: file.name)
def test_a_reference_page_is_what_the_code_says(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == pages()[file]().rstrip() + "\n", "run python -m tools.reference"


@pytest.mark.parametrize(("page", "boxes_min"), CHECKLISTS.items())
def test_every_test_the_checklist_names_exists_and_every_ticked_box_names_one(page: str, boxes_min: int) -> None:
    files = [*(ROOT / "tests" / "conformance").glob("*.py"), *(ROOT / "tests" / "journeys").glob("*.py")]
    there = {name for file in files for name in _TEST.findall(file.read_text(encoding="utf-8"))}
    lines = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8").splitlines()
    boxes = [line for line in lines if line.startswith("| [")]
    assert len(boxes) > boxes_min
    assert {name for box in boxes for name in re.findall(r"`(test_\w+)`", box)} <= there
    assert [box for box in boxes if box.startswith("| [x]") and "`test_" not in box] == []
