"""Lets the wall know of projects that tell how their lines stand: those whose facade has `line_standings`."""

import importlib
from importlib.util import find_spec

from cityloop.site.found import project_apps


def offer_standings() -> None:
    """Offer every found project's standings to the duty room; once the applications are ready."""
    from cityloop.command import facade as command  # noqa: PLC0415  models can be imported only then

    for app in project_apps():
        if find_spec(f"{app}.facade"):
            standings = getattr(importlib.import_module(f"{app}.facade"), "line_standings", None)
            if standings is not None:
                command.offer_standings(app.rpartition(".")[2], standings)
