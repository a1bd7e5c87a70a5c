"""Makes the folder of a new application project; nothing else in the tree changes."""

import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

NAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
"""A project's name is a Python package and a part of an address: small letters, digits and underscores."""

_TEMPLATES = Path(__file__).parent / "project"
_SUFFIX = ".template"


class BadProjectNameError(CityloopError):
    """The name cannot be a package."""

    key = "%(name)s cannot be a project's name: 2 to 30 small letters, digits and underscores, a letter first."


class ProjectExistsError(CityloopError):
    """There is a project of that name already."""

    key = "There is a project %(name)s already, in %(folder)s."
    status = 409


class BadTitleError(CityloopError):
    """A title lacks its language."""

    key = "The title in %(language)s cannot be %(title)s: it must be written in that language, without quotes."


@dataclass(frozen=True, slots=True)
class NewProject:
    """What a new project is called."""

    name: str
    title: Text

    @property
    def words(self) -> dict[str, str]:
        """Return what the templates' places are filled with."""
        class_name = "".join(part.capitalize() for part in self.name.split("_"))
        return {"name": self.name, "zh": self.title.zh, "en": self.title.en, "class_name": class_name}


def make_project(project: NewProject, *, folder: Path) -> list[Path]:
    """Write a new project's folder and return its files.

    Args:
        project: name and title.
        folder: where projects lie.

    Raises:
        BadProjectNameError: if the name cannot be a package.
        BadTitleError: if a title is not of its language.
        ProjectExistsError: if the folder is there already.
    """
    if not NAME.fullmatch(project.name) or keyword.iskeyword(project.name):
        raise BadProjectNameError(name=repr(project.name))
    _check_titles(project.title)
    home = folder / project.name
    if home.exists():
        raise ProjectExistsError(name=project.name, folder=str(home))
    return [_write(template, home, project.words) for template in sorted(_TEMPLATES.rglob(f"*{_SUFFIX}"))]


def _check_titles(title: Text) -> None:
    for language, words, is_right in (("zh", title.zh, _says_han(title.zh)), ("en", title.en, not _says_han(title.en))):
        if not is_right or '"' in words or "\\" in words or not words.isprintable():
            raise BadTitleError(language=language, title=repr(words))


def _says_han(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def _write(template: Path, home: Path, words: dict[str, str]) -> Path:
    file = home / template.relative_to(_TEMPLATES).with_suffix("")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
    return file
