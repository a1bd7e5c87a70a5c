"""Every application project is whole: both languages, a page, rules with a unit and a basis, a README and tests."""

import importlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityloop.kernel.declarations import JUDGING_ALARMS, Project, WatchKind
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.models import Person
from cityloop.sense import facade as sense
from cityloop.site import found
from cityloop.site.configuration import Configuration
from cityloop.site.demo import city
from tests.seeds import seed_registry

HAN = range(0x4E00, 0xA000)
every_project = pytest.mark.parametrize("project", found.projects(), ids=lambda project: project.code)


def folder_of(project: Project) -> Path:
    return Path(importlib.import_module(f"cityloop.projects.{project.code}").__file__).parent


def texts_of(value: Any) -> list[Text]:
    if isinstance(value, Text):
        return [value]
    if is_dataclass(value):
        return [text for field in fields(value) for text in texts_of(getattr(value, field.name))]
    if isinstance(value, tuple | list | dict):
        inner = value.values() if isinstance(value, dict) else value
        return [text for item in inner for text in texts_of(item)]
    return []


def says_han(text: str) -> bool:
    return any(ord(letter) in HAN for letter in text)


def test_projects_are_found() -> None:
    assert [project.code for project in found.projects()] == found.project_names()


@every_project
def test_a_project_speaks_both_languages(project: Project) -> None:
    texts = texts_of(project)
    assert len(texts) > 3
    assert [text for text in texts if not says_han(text.zh)] == []
    assert [text for text in texts if says_han(text.en)] == []


@every_project
def test_a_project_has_a_readme_and_tests(project: Project) -> None:
    assert project.title.zh in (folder_of(project) / "README.md").read_text(encoding="utf-8")
    assert list((folder_of(project) / "tests").glob("test_*.py"))
    assert importlib.import_module(f"cityloop.projects.{project.code}").__doc__


@every_project
def test_a_watch_has_a_unit_a_basis_and_streams(project: Project) -> None:
    for watch in project.watches:
        assert watch.unit, watch.code
        assert watch.limits or watch.kind in (WatchKind.SILENT, *JUDGING_ALARMS), watch.code
        assert watch.basis.zh, watch.code
        assert project.streams_matching(watch.streams), watch.code
        assert all(project.streams_matching((pattern,)) for pattern in watch.streams), watch.code
        assert watch.case_kind in {"", *(kind.code for kind in project.case_kinds)}, watch.code


@every_project
def test_codes_are_unique_and_begin_as_the_project_does(project: Project) -> None:
    for items in (project.things, project.streams, project.watches, project.case_kinds, project.lines):
        codes = [item.code for item in items]
        assert len(codes) == len(set(codes))
    assert [watch.code for watch in project.watches if not watch.code.startswith(f"{project.code}.")] == []


@every_project
def test_a_line_is_made_of_streams_of_one_unit(project: Project) -> None:
    for line in project.lines:
        streams = project.streams_matching(line.streams)
        assert streams, line.code
        assert len({stream.unit_symbol for stream in streams}) == 1, line.code
        assert line.combine in {"sum", "mean"}, line.code


def test_watches_and_case_kinds_are_unique_over_all_projects() -> None:
    for name in ("watches", "case_kinds"):
        codes = [item.code for project in found.projects() for item in getattr(project, name)]
        assert len(codes) == len(set(codes)), name


@pytest.fixture
def demo_city(db: None, own_home: Path) -> None:  # noqa: ARG001  the database must stand
    seed_registry()
    city.prepare(Configuration(home=own_home, demo="simulate"))


@every_project
@pytest.mark.usefixtures("demo_city")
def test_declared_streams_can_be_found_by_their_codes(project: Project) -> None:
    views = sense.streams_of_project(project.code)
    assert {view.code for view in views} == {f"{project.code}/{stream.code}" for stream in project.streams}
    assert [view.code for view in views if len(view.area) != 6] == []


@every_project
@pytest.mark.usefixtures("demo_city")
def test_whoever_a_project_names_is_in_the_register(project: Project) -> None:
    owners = {thing.owner for thing in project.things} | {kind.organisation for kind in project.case_kinds}
    for code in (owners | {project.lead}) - {""}:
        assert registry.organisation(code).name.zh


@every_project
@pytest.mark.usefixtures("demo_city")
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_page_of_a_project_answers_in_both_languages(project: Project, language: str) -> None:
    Person.objects.filter(username="duty1").update(language=language)
    client = Client()
    client.force_login(Person.objects.get(username="duty1"))
    client.cookies["django_language"] = language
    answer = client.get(f"/projects/{project.code}/")
    assert answer.status_code == 200
    page = answer.content.decode()
    for text in (project.title, project.summary, *(watch.title for watch in project.watches)):
        assert text.in_language(language) in page.replace("&#x27;", "'")


@pytest.mark.usefixtures("demo_city")
def test_preparing_twice_changes_nothing(own_home: Path) -> None:
    before = [sense.streams_of_project(project.code) for project in found.projects()]
    city.prepare(Configuration(home=own_home, demo="simulate"))
    assert [sense.streams_of_project(project.code) for project in found.projects()] == before
