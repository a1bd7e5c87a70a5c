"""Writes of the catalogue: data sets declared and changed by their owners, entries harvested elsewhere."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from cityloop.convey.models.sharing import Dataset, ExternalSet
from cityloop.convey.rules.catalogue import DatasetView, Description, Openness, Selection
from cityloop.convey.rules.harvest import HarvestedSet
from cityloop.convey.selectors.sharing_catalogue import view_of
from cityloop.convey.stream.sharing.features.service import DISTRICTS
from cityloop.kernel.errors import CityloopError
from cityloop.sense import facade as sense

_CODE = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,78}[a-z0-9])?")
_TAKEN_PATHS = frozenset({DISTRICTS, "new", "dcat", "dcat.ttl", "dcat.jsonld", "statistics", "reads", "external"})


class DatasetCodeError(CityloopError):
    """A code cannot be a data set's."""

    key = "A code has small Latin letters, digits, dots, hyphens and underscores, and is not in use yet."

    def __init__(self) -> None:
        """Blame the field."""
        super().__init__(field="code")


class DatasetChangedError(CityloopError):
    """Somebody else has changed a data set meanwhile."""

    key = "Somebody has changed this data set meanwhile; look at it again."
    status = 409


class DatasetUnderContractError(CityloopError):
    """A data set that contracts are about cannot become internal."""

    key = "Contracts about this data set are in force; end them first."
    status = 409


@transaction.atomic
def add_dataset(
    code: str, *, owner: str, about: Description, selection: Selection, actor: str
) -> tuple[DatasetView, sense.Assigned]:
    """Enter a data set into the catalogue and put the chosen streams into it.

    Args:
        code: in paths and topics.
        owner: the organisation whose it is; only its streams are taken.
        about: what it says of it.
        selection: which of its streams.
        actor: who does it, an actor code.

    Raises:
        DatasetCodeError: if the code cannot be one, or is taken.
    """
    if not _CODE.fullmatch(code) or code in _TAKEN_PATHS or Dataset.objects.filter(code=code).exists():
        raise DatasetCodeError
    row = Dataset.objects.create(
        code=code, owner=owner, changed_at=timezone.now(), changed_by=actor, **_columns(about, selection)
    )
    row.refresh_from_db()
    return view_of(row), _assign(row, selection)


@transaction.atomic
def change_dataset(
    code: str, *, about: Description, selection: Selection, actor: str, version: int
) -> tuple[DatasetView, sense.Assigned]:
    """Change what is said of a data set and which streams are in it.

    Args:
        code: the data set.
        about: what its owner says of it now.
        selection: which streams are in it now.
        actor: who does it.
        version: of the data set that was looked at.

    Raises:
        DatasetChangedError: if it has another version by now.
        DatasetUnderContractError: if it would become internal while contracts about it are in force.
    """
    row = Dataset.objects.select_for_update().get(code=code)
    if row.version != version:
        raise DatasetChangedError
    in_force = row.contracts.filter(contract__state__in=["asked", "approved", "running"])
    if about.openness is Openness.INTERNAL and in_force.exists():
        raise DatasetUnderContractError(field="openness")
    for name, value in _columns(about, selection).items():
        setattr(row, name, value)
    row.version, row.changed_at, row.changed_by = version + 1, timezone.now(), actor
    row.save()
    return view_of(row), _assign(row, selection)


def _assign(row: Dataset, selection: Selection) -> sense.Assigned:
    choice = sense.StreamChoice(
        project=selection.project,
        property_ids=selection.property_ids,
        area=selection.area,
        datastream_ids=selection.datastream_ids,
    )
    return sense.assign_dataset(row.code, owner=row.owner, choice=choice)


def _columns(about: Description, selection: Selection) -> dict[str, Any]:
    return {
        "title_zh": about.title.zh,
        "title_en": about.title.en,
        "description_zh": about.description.zh,
        "description_en": about.description.en,
        "theme": about.theme,
        "keywords_zh": list(about.keywords_zh),
        "keywords_en": list(about.keywords_en),
        "area": about.area,
        "since": about.since,
        "until": about.until,
        "frequency": about.frequency,
        "licence_zh": about.licence.zh,
        "licence_en": about.licence.en,
        "licence_uri": about.licence_uri,
        "openness": about.openness,
        "contact_name": about.contact_name,
        "contact_email": about.contact_email,
        "selection": asdict(selection),
    }


@transaction.atomic
def keep_external_sets(source: str, found: Iterable[HarvestedSet], *, now: datetime) -> tuple[int, int, int]:
    """Keep what another catalogue offers; what it offered before and does not any more goes.

    Args:
        source: the catalogue.
        found: what it offers.
        now: when it was read.

    Returns:
        How many are new, were known already, and have gone.
    """
    entries = {one.uri: one for one in found}
    known = set(ExternalSet.objects.filter(uri__in=entries).values_list("uri", flat=True))
    gone, _ = ExternalSet.objects.filter(source=source).exclude(uri__in=entries).delete()
    rows = [
        ExternalSet(
            uri=one.uri,
            source=source,
            title=one.title,
            description=one.description,
            publisher=one.publisher,
            licence=one.licence,
            landing_page=one.landing_page,
            keywords=list(one.keywords),
            distributions=[list(pair) for pair in one.distributions],
            harvested_at=now,
        )
        for one in entries.values()
    ]
    columns = [field.name for field in ExternalSet._meta.fields if field.name not in {"id", "uri"}]  # noqa: SLF001  Django's own way to the columns
    ExternalSet.objects.bulk_create(rows, update_conflicts=True, unique_fields=["uri"], update_fields=columns)
    return len(entries) - len(known), len(known), gone
