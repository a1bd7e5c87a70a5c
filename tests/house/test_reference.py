"""Documentation is tested: each fact and each door stands on its reference page."""

from pathlib import Path

import pytest

from tools.reference import pages


@pytest.mark.parametrize("file", pages(), ids=lambda file: file.name)
def test_a_reference_page_is_what_the_code_says(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == pages()[file]().rstrip() + "\n", "run python -m tools.reference"
