"""Finds rooms and application projects on disk: a folder of `cityloop.projects` with a `project.py` is one."""

import importlib
from functools import cache
from pathlib import Path

from cityloop.kernel.declarations import Project

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
