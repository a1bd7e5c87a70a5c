"""Finds the device protocols on disk: a folder beside this file whose `__init__.py` is there has a `PROTOCOL`."""

import importlib
from functools import cache
from pathlib import Path

from cityloop.sense.stream.protocols.port import Protocol

_FOLDER = Path(__file__).parent


def protocol_names() -> list[str]:
    """Return the folder names of all protocols, sorted."""
    return sorted(file.parent.name for file in _FOLDER.glob("*/__init__.py") if file.parent.name != "tests")


@cache
def protocols() -> dict[str, Protocol]:
    """Return every protocol by its code."""
    modules = [importlib.import_module(f"{__package__}.{name}") for name in protocol_names()]
    return {module.PROTOCOL.code: module.PROTOCOL for module in modules}
