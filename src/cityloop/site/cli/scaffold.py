"""`cityloop scaffold`: begin a new application project."""

import argparse
import sys
from gettext import gettext as _

from cityloop.kernel.text import Text
from cityloop.site.found import PROJECTS_FOLDER
from cityloop.site.scaffold import NewProject, make_project


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "scaffold", help=_("begin a new application project: one folder, nothing else changes")
    )
    parser.add_argument("what", choices=("project",), help=_("what to begin"))
    parser.add_argument("name", help=_("its name: small letters, digits and underscores"))
    parser.add_argument("--zh", help=_("its title in Chinese"))
    parser.add_argument("--en", help=_("its title in English"))


def run(arguments: argparse.Namespace) -> int:
    """Write the folder and say what comes next."""
    title = Text(
        arguments.zh or f"应用项目 {arguments.name}", arguments.en or arguments.name.replace("_", " ").capitalize()
    )
    files = make_project(NewProject(arguments.name, title), folder=PROJECTS_FOLDER)
    sys.stdout.writelines(f"{file}\n" for file in files)
    words = _("Start the city again and open /projects/%(name)s/. Then declare in project.py what is really there.")
    sys.stdout.write(words % {"name": arguments.name} + "\n")
    return 0
