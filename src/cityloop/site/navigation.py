"""The pages a person may open: one table, in the order of the loop; a page that no room serves is not offered."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _

from cityloop.kernel.text import Text
from cityloop.registry.facade import Right, person_of
from cityloop.site.found import projects


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the navigation.

    Attributes:
        path: where it leads.
        title: its name, in both languages or translated when shown.
        right: what a person needs to open it.
    """

    path: str
    title: Any
    right: Right


PAGES = (
    Page("/wall/", _("Wall"), Right.SEE_WALL),
    Page("/alarms/", _("Alarms"), Right.SEE_WALL),
    Page("/tasks/", _("Device tasks"), Right.SEE_DEVICES),
    Page("/shift/", _("Shift"), Right.HAND_OVER_SHIFT),
    Page("/cases/", _("Cases"), Right.SEE_CASES),
    Page("/devices/", _("Devices"), Right.SEE_DEVICES),
    Page("/indicators/", _("Indicators"), Right.SEE_INDICATORS),
    Page("/catalogue/", _("Data catalogue"), Right.SEE_CATALOGUE),
    Page("/contracts/", _("Data contracts"), Right.SEE_CATALOGUE),
    Page("/watches/", _("Watches"), Right.EDIT_WATCHES),
    Page("/forecasts/", _("Forecasts"), Right.SEE_PROJECTS),
    Page("/platform/", _("Platform"), Right.OPERATE_PLATFORM),
    Page("/nodes/", _("Nodes"), Right.OPERATE_PLATFORM),
    Page("/tokens/", _("Keys of machines"), Right.OPERATE_PLATFORM),
    Page("/people/", _("People"), Right.MANAGE_PEOPLE),
    Page("/audit/", _("Audit"), Right.READ_AUDIT),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link as it is shown."""

    path: str
    title: Any
    current: bool


@cache
def _is_served(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def project_pages() -> tuple[Page, ...]:
    """Return one page for every project found on disk."""
    return tuple(Page(f"/projects/{project.code}/", project.title, Right.SEE_PROJECTS) for project in projects())


def entries_for(request: HttpRequest) -> list[Entry]:
    """Return the links of the person who asks; none for nobody."""
    rights = person_of(request).rights
    language = getattr(request, "LANGUAGE_CODE", "zh-hans")
    return [
        Entry(
            page.path,
            page.title.in_language(language) if isinstance(page.title, Text) else page.title,
            request.path.startswith(page.path),
        )
        for page in (*PAGES, *project_pages())
        if page.right in rights and _is_served(page.path)
    ]
