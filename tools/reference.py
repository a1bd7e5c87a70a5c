"""Writes the reference pages that are made from the code: facts, and the doors of the rooms.

`python -m tools.reference` writes them; a test compares them with the code.
"""

import dataclasses
import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
ROOMS = ("journal", "registry", "sense", "decide", "respond", "command", "assess")
MADE = "<!-- made by `python -m tools.reference` -->\n"


def first_sentence(thing: object) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def facts_page() -> str:
    """Return the page of all facts and what they carry."""
    from cityloop.kernel import facts  # noqa: PLC0415  the page is about what is imported here

    for module in pkgutil.iter_modules(facts.__path__):
        importlib.import_module(f"{facts.__name__}.{module.name}")
    importlib.import_module("cityloop.site.found").project_facts()
    common = {field.name for field in dataclasses.fields(facts.Fact)}
    parts = [MADE, "# Facts\n", "All facts carry `fact_id`, `happened_at`, `actor`, `area` and `causes`.\n"]
    for name, kind in sorted(facts.registered_facts().items()):
        of_the_house = kind.__module__.startswith(("cityloop.kernel.", "cityloop.projects."))
        if kind.__name__.startswith("_") or not of_the_house or ".tests." in kind.__module__:
            continue
        own = [f.name for f in dataclasses.fields(kind) if f.name not in common]
        parts.append(f"## {name}\n\n{first_sentence(kind)}\n\n`{'`, `'.join(own)}`\n")
    return "\n".join(parts)


def doors_page() -> str:
    """Return the page of what each room's facade offers."""
    parts = [MADE, "# Doors of the rooms\n"]
    for room in ROOMS:
        facade = importlib.import_module(f"cityloop.{room}.facade")
        parts.append(f"## {room}\n")
        for name in sorted(facade.__all__):
            thing = getattr(facade, name)
            if inspect.isroutine(thing) or inspect.isclass(thing):
                parts.append(f"- `{name}`: {first_sentence(thing)}")
        parts.append("")
    return "\n".join(parts)


def pages() -> dict[Path, Callable[[], str]]:
    """Return which page is made how."""
    return {PAGES / "facts.md": facts_page, PAGES / "doors.md": doors_page}


def main() -> None:
    """Write all pages."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloop.site.settings")
    importlib.import_module("django").setup()
    for file, make in pages().items():
        file.write_text(make().rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
