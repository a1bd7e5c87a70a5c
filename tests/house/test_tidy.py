"""What a reader of this house may rely on: short files, short functions, no forbidden names, calls or words."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX, FUNCTION_LINES_MAX = 500, 70
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}
FORBIDDEN_CALLS = {"print": "log or return it", "breakpoint": "left behind", "eval": "unsafe", "exec": "unsafe"}
SPEAKS_TO_A_TERMINAL = ("/site/cli/", "bench/", "tools/", "/site/replay/", "/site/supervisor")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
REGISTRY_ADDRESS = re.compile(r'"resolved": *"http|--(extra-)?index-url|^registry *=', re.MULTILINE)


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listing.splitlines() if (ROOT / name).is_file() and "specimens" not in name]


def sources() -> list[Path]:
    return tracked("src/*.py", "tools/*.py", "bench/*.py")


def product_sources() -> list[Path]:
    return [file for file in sources() if "/tests/" not in str(file) and "/migrations/" not in str(file)]


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def long_functions(file: Path) -> list[str]:
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions(file)}
    return [f"{file.name}:{name} has {n} lines" for name, n in lengths.items() if n > FUNCTION_LINES_MAX]


def banned_calls(file: Path) -> list[str]:
    if any(place in str(file) for place in SPEAKS_TO_A_TERMINAL):
        return []
    calls = (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    names = [call.func.id for call in calls if isinstance(call.func, ast.Name)]
    return [f"{file.name}: {name}(): {FORBIDDEN_CALLS[name]}" for name in names if name in FORBIDDEN_CALLS]


def test_no_file_is_long() -> None:
    lengths = {file.name: len(file.read_text(encoding="utf-8").splitlines()) for file in sources()}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_no_function_is_long() -> None:
    assert [fault for file in product_sources() for fault in long_functions(file)] == []


def test_no_file_hides_behind_a_name_that_says_nothing() -> None:
    assert [file for file in sources() if file.stem in FORBIDDEN_NAMES] == []


def test_no_banned_call_is_made() -> None:
    assert [fault for file in product_sources() for fault in banned_calls(file)] == []


def test_nothing_is_left_unfinished() -> None:
    files = [file for file in tracked("src/*.py", "tests/*.py", "bench/*.py") if file != Path(__file__)]
    assert [file.name for file in files if UNFINISHED.search(file.read_text(encoding="utf-8"))] == []


def test_no_empty_package_stands_in_the_tree() -> None:
    packages = {file.parent for file in sources() if file.name == "__init__.py" and "/tests" not in str(file)}
    empty = [
        p for p in packages if not any(f.parent == p or p in f.parents for f in sources() if f.name != "__init__.py")
    ]
    assert [
        p for p in empty if p.name not in {"migrations", "projects"} and len((p / "__init__.py").read_text()) < 200
    ] == []


def test_no_registry_address_or_machine_path_is_named() -> None:
    texts = {
        file: file.read_text(encoding="utf-8", errors="ignore") for file in tracked() if file.stat().st_size < 2**20
    }
    texts.pop(Path(__file__))
    assert [file.name for file, text in texts.items() if REGISTRY_ADDRESS.search(text)] == []
    assert [file.name for file, text in texts.items() if f"{ROOT.parent}/" in text and len(str(ROOT.parent)) > 1] == []


@pytest.mark.parametrize(
    ("text", "check"), [("def long():\n" + "    x = 1\n" * 80, long_functions), ("print(1)\n", banned_calls)]
)
def test_a_breach_is_caught(text: str, check, tmp_path: Path) -> None:  # noqa: ANN001  a function of a path
    file = tmp_path / "breach.py"
    file.write_text(text, encoding="utf-8")
    assert check(file)


ADVISORY_KEY = re.compile(r"\b7_?431_?\d{3}\b")
"""The house's numbered advisory locks begin alike, so that two that are the same number can be found."""


def test_no_two_rooms_share_an_advisory_lock() -> None:
    holders: dict[str, set[str]] = {}
    for file in product_sources():
        for key in ADVISORY_KEY.findall(file.read_text(encoding="utf-8")):
            holders.setdefault(key.replace("_", ""), set()).add(file.name)
    assert {key: names for key, names in holders.items() if len(names) > 1} == {}
    assert len(holders) >= 4
