"""Reads of the catalogue: data sets of the city, and those other catalogues offer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from cityloop.convey.models.sharing import Dataset, ExternalSet, SharingTerm
from cityloop.convey.rules.catalogue import DatasetView, Description, Frequency, Openness, Selection, Theme
from cityloop.convey.rules.terms import TERMS, TermView
from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalView:
    """A data set that another catalogue offers.

    Attributes:
        uri: its name on the web.
        source: the catalogue it was read from.
        title: its name, in whichever language it is told.
        description: what it holds.
        publisher: who offers it.
        licence: under which conditions.
        landing_page: address of its page, empty where none.
        keywords: search words.
        distributions: address and format of each way to get it.
        harvested_at: when it was read.
    """

    uri: str
    source: str
    title: str
    description: str
    publisher: str
    licence: str
    landing_page: str
    keywords: tuple[str, ...]
    distributions: tuple[tuple[str, str], ...]
    harvested_at: datetime


def description_of(row: Dataset) -> Description:
    """Return what the owner says of a data set's row."""
    return Description(
        title=Text(row.title_zh, row.title_en),
        description=Text(row.description_zh, row.description_en),
        theme=Theme(row.theme),
        keywords_zh=tuple(row.keywords_zh),
        keywords_en=tuple(row.keywords_en),
        area=AreaCode(row.area),
        since=row.since,
        until=row.until,
        frequency=Frequency(row.frequency),
        licence=Text(row.licence_zh, row.licence_en),
        licence_uri=row.licence_uri,
        openness=Openness(row.openness),
        contact_name=row.contact_name,
        contact_email=row.contact_email,
    )


def view_of(row: Dataset) -> DatasetView:
    """Return a data set's row as others see it."""
    chosen: dict[str, Any] = row.selection
    return DatasetView(
        code=row.code,
        owner=row.owner,
        about=description_of(row),
        selection=Selection(
            project=chosen.get("project", ""),
            property_ids=tuple(chosen.get("property_ids", ())),
            area=chosen.get("area", ""),
            datastream_ids=tuple(chosen.get("datastream_ids", ())),
        ),
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def datasets(
    *, text: str = "", owner: str = "", theme: str = "", internal_of: frozenset[str] = frozenset()
) -> list[DatasetView]:
    """Return data sets by code; internal ones only of some owners.

    Args:
        text: part of a title, a description or the code.
        owner: only of this organisation.
        theme: only of this theme.
        internal_of: organisations whose internal data sets the reader may know of.
    """
    rows = Dataset.objects.filter(~Q(openness=Openness.INTERNAL) | Q(owner__in=internal_of))
    for word in text.split():
        parts = ("code", "title_zh", "title_en", "description_zh", "description_en", "keywords_zh", "keywords_en")
        found = Q()
        for part in parts:
            found |= Q(**{f"{part}__icontains": word})
        rows = rows.filter(found)
    if owner:
        rows = rows.filter(owner=owner)
    if theme:
        rows = rows.filter(theme=theme)
    return [view_of(row) for row in rows.order_by("code")]


def dataset(code: str) -> DatasetView:
    """Return a data set.

    Raises:
        NotFoundError: if there is none.
    """
    row = Dataset.objects.filter(code=code).first()
    if row is None:
        raise NotFoundError(what=code)
    return view_of(row)


def dataset_titles(codes: frozenset[str] | set[str]) -> dict[str, Text]:
    """Return the names of those of some data sets that exist."""
    rows = Dataset.objects.filter(code__in=codes).values_list("code", "title_zh", "title_en")
    return {code: Text(zh, en) for code, zh, en in rows}


def external_sets(*, text: str = "", limit: int = 500) -> list[ExternalView]:
    """Return what other catalogues offer, by title."""
    rows = ExternalSet.objects.order_by("title", "uri")
    for word in text.split():
        rows = rows.filter(Q(title__icontains=word) | Q(description__icontains=word) | Q(keywords__icontains=word))
    return [
        ExternalView(
            uri=row.uri,
            source=row.source,
            title=row.title,
            description=row.description,
            publisher=row.publisher,
            licence=row.licence,
            landing_page=row.landing_page,
            keywords=tuple(row.keywords),
            distributions=tuple((address, kind) for address, kind in row.distributions),
            harvested_at=row.harvested_at,
        )
        for row in rows[:limit]
    ]


def sharing_term(code: str) -> TermView:
    """Return a limit of sharing as it is in force: the newest version the authority has set, else the default.

    Raises:
        NotFoundError: if there is none of this code.
    """
    row = SharingTerm.objects.filter(code=code).order_by("-version").first()
    if row is None and code in TERMS:
        return TERMS[code]
    if row is None:
        raise NotFoundError(what=code)
    basis = Text(row.basis_zh, row.basis_en)
    return TermView(code=row.code, amount=row.amount, unit=row.unit, basis=basis, confirmed=row.confirmed)
