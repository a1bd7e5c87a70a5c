"""What the SensorThings API says to its readers is there in both languages."""

import ast
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from cityloop.sense.stream.sta.errors import language_of
from cityloop.sense.stream.sta.values import Type

ROOM = Path(__file__).parents[1]
SPEAKING = {"SyntaxFault", "BodyError", "fault"}


def reasons() -> set[str]:
    found = {f"{kind.value} is needed here" for kind in Type}
    for file in (ROOM / "stream" / "sta").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", ""))
            if isinstance(node, ast.Call) and name in SPEAKING:
                parts = [*node.args[-1:], *(word.value for word in node.keywords if word.arg == "reason")]
                found |= {c.value for part in parts for c in ast.walk(part) if isinstance(c, ast.Constant)}
    return {text for text in found if isinstance(text, str) and " " in text.strip() and not text.startswith(" ")}


def test_every_reason_has_its_chinese() -> None:
    with (ROOM / "locale/zh_Hans/LC_MESSAGES/django.po").open("rb") as file:
        known = {message.id for message in read_po(file, locale="zh_Hans") if message.string}
    assert len(reasons()) > 50
    assert reasons() - known == set()


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "zh"), ("en", "en"), ("zh-CN,en;q=0.5", "zh"), ("fr, en-GB;q=0.8", "en"), ("de", "zh")],
)
def test_the_language_is_the_first_known_one_of_the_reader(header: str, language: str) -> None:
    assert language_of(header) == language
