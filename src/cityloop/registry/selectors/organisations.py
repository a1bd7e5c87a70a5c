"""Organisations."""

from dataclasses import dataclass

from cityloop.kernel.areas import AreaCode
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry.models import Organisation
from cityloop.registry.rules.bodies import OrganisationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationView:
    """A body that people work for."""

    code: str
    name: Text
    kind: OrganisationKind
    area: AreaCode
    parent: str


def _view(row: Organisation) -> OrganisationView:
    return OrganisationView(
        code=row.code,
        name=Text(row.name_zh, row.name_en),
        kind=OrganisationKind(row.kind),
        area=AreaCode(row.area_id),
        parent=row.parent_id or "",
    )


def organisation(code: str) -> OrganisationView:
    """Return an organisation.

    Raises:
        NotFoundError: if the register does not hold it.
    """
    row = Organisation.objects.filter(code=code).first()
    if row is None:
        raise NotFoundError(what=code)
    return _view(row)


def organisation_name(code: str) -> Text:
    """Return an organisation's name, its code where the register does not hold it."""
    row = Organisation.objects.filter(code=code).values_list("name_zh", "name_en").first()
    return Text(*row) if row else Text(code or "?", code or "?")


def organisations(*, kind: OrganisationKind | None = None, area: AreaCode | None = None) -> list[OrganisationView]:
    """Return organisations by area and code, of one kind or of exactly one area where those are given."""
    rows = Organisation.objects.order_by("area", "code")
    if kind is not None:
        rows = rows.filter(kind=kind)
    if area is not None:
        rows = rows.filter(area=area)
    return [_view(row) for row in rows]
