"""Both languages are complete: every phrase of the code and the templates has its Chinese."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

SOURCE = Path(__file__).resolve().parents[2] / "src" / "cityloop"
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
TAG = re.compile(r"""{%\s*(?:translate|trans)\s+(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
FILTERED = re.compile(r"""_\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*\)""")
BLOCK = re.compile(r"{%\s*blocktrans(?:late)?(.*?)%}(.*?){%\s*endblocktrans(?:late)?\s*%}", re.DOTALL)
PLURAL = re.compile(r"{%\s*plural\s*%}")
PLACE = re.compile(r"{{\s*(\w+)[^}]*}}")
PATTERN_CHARACTERS_MIN = 12
PLACES = re.compile(r"%\((\w+)\)[sd]|{(\w+)}")


def phrases_of_python(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
            yield from keys_of(node)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield from reasons_of(node.exc)


def reasons_of(call: ast.Call) -> Iterator[str]:
    """Yield why something is refused: a sentence of its own within the error's sentence."""
    for keyword in call.keywords:
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
            yield keyword.value.value


def constants_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def keys_of(error: ast.ClassDef) -> Iterator[str]:
    for line in error.body:
        names = [t.id for t in line.targets if isinstance(t, ast.Name)] if isinstance(line, ast.Assign) else []
        if names == ["key"] and isinstance(line.value, ast.Constant):
            yield line.value.value


def patterns_of(file: Path) -> Iterator[str]:
    """Yield what formatted strings can become, as patterns."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in node.values]
            if sum(len(part) for part in parts) > PATTERN_CHARACTERS_MIN:
                yield "".join(parts)


def phrases_of_template(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    for pattern in (TAG, FILTERED):
        yield from (double or single for double, single in pattern.findall(text))
    for options, block in BLOCK.findall(text):
        singular = PLACE.sub(r"%(\1)s", PLURAL.split(block)[0].replace("%", "%%"))
        yield " ".join(line.strip() for line in singular.strip().splitlines()) if "trimmed" in options else singular


def phrases() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        if "tests" not in file.parts and "migrations" not in file.parts:
            found |= dict.fromkeys(phrases_of_python(file), file.name)
    for file in sorted(SOURCE.rglob("templates/**/*.*")):
        found |= dict.fromkeys(phrases_of_template(file), file.name)
    return {phrase: place for phrase, place in found.items() if phrase.strip()}


def catalogues() -> list[Path]:
    return sorted(SOURCE.rglob("locale/zh_Hans/LC_MESSAGES/django.po"))


def translated(file: Path) -> dict[str, str]:
    with file.open("rb") as handle:
        catalogue = read_po(handle, locale="zh_Hans")
    pairs = {}
    for message in catalogue:
        key = message.id if isinstance(message.id, str) else message.id[0]
        value = message.string if isinstance(message.string, str) else message.string[0]
        if key and value and not message.fuzzy:
            pairs[key] = value
    return pairs


def test_every_phrase_has_its_chinese() -> None:
    known = {key for file in catalogues() for key in translated(file)}
    missing = {phrase: place for phrase, place in phrases().items() if phrase not in known}
    assert missing == {}


@pytest.mark.parametrize("file", catalogues(), ids=lambda file: file.parents[3].name)
def test_a_translation_keeps_its_places(file: Path) -> None:
    def places(text: str) -> set[tuple[str, ...]]:
        return set(PLACES.findall(text))

    assert {key for key, value in translated(file).items() if places(key) != places(value)} == set()


@pytest.mark.parametrize("file", catalogues(), ids=lambda file: file.parents[3].name)
def test_a_translation_can_be_filled_in(file: Path) -> None:
    named = re.compile(r"%\((\w+)\)")
    for key, value in translated(file).items():
        if names := named.findall(key):
            assert value % dict.fromkeys(names, 1)


@pytest.mark.parametrize("file", catalogues(), ids=lambda file: file.parents[3].name)
def test_a_catalogue_holds_no_phrase_that_nobody_says(file: Path) -> None:
    spoken = {text for source in SOURCE.rglob("*.py") for text in constants_of(source)} | set(phrases())
    made = [re.compile(pattern) for source in SOURCE.rglob("*.py") for pattern in patterns_of(source)]
    unsaid = set(translated(file)) - spoken
    assert {phrase for phrase in unsaid if not any(pattern.fullmatch(phrase) for pattern in made)} == set()


def test_a_phrase_has_one_chinese_in_the_whole_house() -> None:
    said: dict[tuple[str, str | None], set[str]] = {}
    for file in catalogues():
        with file.open("rb") as handle:
            for message in read_po(handle, locale="zh_Hans"):
                if message.id:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    said.setdefault((key, message.context), set()).add(str(message.string))
    assert {phrase: words for phrase, words in said.items() if len(words) > 1} == {}
