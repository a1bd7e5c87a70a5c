"""Finds rooms and application projects on disk: a folder of `cityloop.projects` with a `project.py` is one."""

import importlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from cityloop.kernel.declarations import Project
from cityloop.kernel.facts import Fact

_ROOMS = Path(__file__).parent.parent
PROJECTS_FOLDER = _ROOMS / "projects"
"""Where application projects lie, one folder each."""


def room_apps() -> list[str]:
    """Return the rooms that keep tables or show pages, as Django applications."""
    return [f"cityloop.{file.parent.name}" for file in sorted(_ROOMS.glob("*/apps.py")) if file.parent.name != "site"]


def project_names() -> list[str]:
    """Return the folder names of all projects, sorted."""
    return sorted(file.parent.name for file in PROJECTS_FOLDER.glob("*/project.py"))


def project_apps() -> list[str]:
    """Return the projects as Django applications."""
    return [f"cityloop.projects.{name}" for name in project_names()]


@cache
def projects() -> tuple[Project, ...]:
    """Return what every project declares."""
    return tuple(importlib.import_module(f"cityloop.projects.{name}.project").PROJECT for name in project_names())


@cache
def project_facts() -> tuple[ModuleType, ...]:
    """Return the modules `facts` of the projects that have one: facts of their own, and what they add to the loop.

    Django is set up first.
    """
    names = (f"cityloop.projects.{name}.facts" for name in project_names())
    return tuple(importlib.import_module(name) for name in names if find_spec(name))


def project_loop() -> tuple[tuple[type[Fact], Callable[..., object]], ...]:
    """Return which facts the projects listen to: their tables `LOOP`, of the shape of the house's own."""
    return tuple(row for module in project_facts() for row in getattr(module, "LOOP", ()))


def project_clock() -> tuple[tuple[Callable[[datetime], object], float], ...]:
    """Return what the projects do again and again, and every how many seconds: their tables `CLOCK`."""
    return tuple(row for module in project_facts() for row in getattr(module, "CLOCK", ()))
