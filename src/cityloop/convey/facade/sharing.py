"""The door of shared data: the catalogue, contracts, subscriptions, the log of reads, exchange statistics.

Whoever acts does so for an organisation: a right to share data counts where one of the person's posts gives it for that
organisation. Every change is in the audit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from cityloop.convey.facade.sharing_acts import (
    add_own_dataset,
    ask_for_contract,
    bodies_of,
    bodies_sharing,
    change_own_dataset,
    contract_for,
    decide_contract,
    end_own_contract,
    issue_own_token,
    may_share_for,
    must_share_for,
    redeliver,
    renew_key,
    revoke_own_token,
    stop_webhook,
    subscribe,
)
from cityloop.convey.rules import dcat
from cityloop.convey.rules.catalogue import DatasetView, Description, Frequency, Openness, Selection, Theme
from cityloop.convey.rules.contracts import ContractState, ContractStepKind, Times
from cityloop.convey.rules.harvest import FORMATS as HARVEST_FORMATS
from cityloop.convey.rules.harvest import CatalogueUnreadableError, Harvest, harvest
from cityloop.convey.rules.terms import TermView
from cityloop.convey.selectors.sharing_access import (
    READ_KIND_TITLES,
    READS_CSV_ROWS_MAX,
    READS_PAGE_ROWS,
    Exchange,
    ReadFilter,
    ReadView,
    exchanges,
    read_number,
    reads,
)
from cityloop.convey.selectors.sharing_catalogue import (
    ExternalView,
    dataset,
    dataset_titles,
    datasets,
    external_sets,
    sharing_term,
)
from cityloop.convey.selectors.sharing_contracts import (
    ContractStepView,
    ContractView,
    DeadLetterView,
    SubscriptionView,
    contract,
    contract_steps,
    contracts,
    dead_letters,
    subscriptions,
)
from cityloop.convey.services.sharing_catalogue import (
    DatasetChangedError,
    DatasetCodeError,
    DatasetUnderContractError,
    add_dataset,
    keep_external_sets,
)
from cityloop.convey.services.sharing_contracts import AskedAlreadyError, NotOfferedError, follow_clock
from cityloop.convey.services.sharing_subscriptions import (
    ContractNotInForceError,
    SubscriptionsFullError,
    trim_reads,
)
from cityloop.kernel.areas import CITY
from cityloop.kernel.errors import NotFoundError
from cityloop.kernel.text import Text
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right
from cityloop.sense import facade as sense

TOPICS_SHOWN = 3
"""Topics the catalogue's DCAT names as examples."""

DECLARATION = "system:declaration"
"""Who declares the data sets of the demo city."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A data set as something else than a person declares it."""

    code: str
    owner: str
    about: Description
    selection: Selection


def declare_datasets(specs: Iterable[DatasetSpec]) -> int:
    """Enter the data sets that do not stand yet; return how many. What people changed since stays as they left it."""
    known = {one.code for one in datasets(internal_of=frozenset(spec.owner for spec in specs))}
    fresh = [spec for spec in specs if spec.code not in known]
    for spec in fresh:
        add_dataset(spec.code, owner=spec.owner, about=spec.about, selection=spec.selection, actor=DECLARATION)
    return len(fresh)


def apply_selections() -> None:
    """Put streams that have come since into the data sets whose conditions they meet."""
    owners = frozenset(sense.owner_tallies())
    for view in datasets(internal_of=owners):
        chosen = view.selection
        choice = sense.StreamChoice(
            project=chosen.project,
            property_ids=chosen.property_ids,
            area=chosen.area,
            datastream_ids=chosen.datastream_ids,
        )
        sense.assign_dataset(view.code, owner=view.owner, choice=choice)


def visible_datasets(person: PersonView, *, text: str = "", owner: str = "", theme: str = "") -> list[DatasetView]:
    """Return the data sets a person may know of: all but other organisations' internal ones."""
    return datasets(text=text, owner=owner, theme=theme, internal_of=bodies_of(person))


def dataset_for(person: PersonView, code: str) -> DatasetView:
    """Return a data set a person may know of.

    Raises:
        NotFoundError: if there is none, or it is another organisation's internal one.
    """
    found = dataset(code)
    if found.about.openness is Openness.INTERNAL and found.owner not in bodies_of(person):
        raise NotFoundError(what=code)
    return found


def may_see_values(person: PersonView, view: DatasetView) -> bool:
    """Return whether a person is shown the values of a data set.

    Open ones everybody; one's own organisation's; those a contract in force lets it read; and whoever watches the
    whole city's wall sees them there already.
    """
    mine = bodies_of(person)
    if view.about.openness is Openness.OPEN or view.owner in mine:
        return True
    if registry.may(person, Right.SEE_WALL, area=CITY):
        return True
    running = (one for one in contracts(dataset=view.code) if one.state is ContractState.RUNNING)
    return any(one.asker in mine for one in running)


def dcat_offers(*, only_open: bool) -> list[dcat.Offer]:
    """Return the data sets as DCAT offers them; internal ones never.

    Args:
        only_open: only those that are open to everybody.
    """
    counts = sense.dataset_stream_counts()
    found = [one for one in datasets() if not only_open or one.about.openness is Openness.OPEN]
    return [_offer(view, counts.get(view.code, 0)) for view in found]


def _offer(view: DatasetView, streams: int) -> dcat.Offer:
    placed = [one for one in sense.streams_of_dataset(view.code) if one.longitude is not None]
    east, north = [one.longitude or 0.0 for one in placed], [one.latitude or 0.0 for one in placed]
    topics = tuple(f"v1.1/Datastreams({one.datastream_id})/Observations" for one in placed[:TOPICS_SHOWN])
    return dcat.Offer(
        dataset=view,
        owner_name=registry.organisation_name(view.owner),
        area_name=registry.area_name(view.about.area),
        box=(min(east), min(north), max(east), max(north)) if placed else None,
        topics=topics,
        streams=streams,
    )


def site_at(base: str, *, mqtt: str) -> dcat.Site:
    """Return the city as its DCAT names it.

    Args:
        base: scheme and host of its pages.
        mqtt: address of its MQTT listener.
    """
    title = Text("城市数据集目录", "The city's catalogue of data sets")
    return dcat.Site(base=base, mqtt=mqtt, title=title, publisher=registry.organisation_name("city-government"))


def dcat_document(kind: str, *, site: dcat.Site, only_open: bool) -> tuple[bytes, str]:
    """Return the catalogue as DCAT 3, and its content type.

    Args:
        kind: `ttl` or `jsonld`.
        site: where the city stands on the web.
        only_open: only data sets that are open to everybody.
    """
    graph = dcat.catalogue_graph(dcat_offers(only_open=only_open), site=site, now=timezone.now())
    return dcat.written(graph, kind), dcat.CONTENT_TYPES[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes:
        source: the catalogue.
        added: entries that are new.
        renewed: entries that were known.
        gone: entries the catalogue does not offer any more.
        left: what could not be taken, and why.
    """

    source: str
    added: int
    renewed: int
    gone: int
    left: tuple[tuple[str, Text], ...]


def import_catalogue(document: bytes, *, kind: str, source: str) -> ImportReport:
    """Read another catalogue's DCAT and keep its data sets as external entries.

    Args:
        document: as it was read.
        kind: what its file name ends with: `ttl`, `jsonld`, `rdf`, `xml`, `json`.
        source: what the catalogue is called where it does not say.

    Raises:
        CatalogueUnreadableError: if it is none that can be read; nothing is changed then.
    """
    read: Harvest = harvest(document, kind=kind)
    name = read.catalogue or source
    added, renewed, gone = keep_external_sets(name, read.found, now=timezone.now())
    return ImportReport(source=name, added=added, renewed=renewed, gone=gone, left=read.left)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityTally:
    """What one authority gives and takes.

    Attributes:
        organisation: its code.
        datasets: data sets it offers, internal ones not counted.
        streams: its streams that are in data sets.
        streams_all: all its streams.
        contracts_running: contracts by which others read its data now.
        contracts_all: contracts others have asked of it.
        given_reads: how often others read its data.
        given_rows: how many readings that were.
        taken_reads: how often its machines read others' data.
        taken_rows: how many readings that were.
    """

    organisation: str
    datasets: int
    streams: int
    streams_all: int
    contracts_running: int
    contracts_all: int
    given_reads: int
    given_rows: int
    taken_reads: int
    taken_rows: int


def exchange_statistics(*, days: int, now: datetime) -> tuple[list[AuthorityTally], list[Exchange]]:
    """Return what every authority gives and takes, and the exchange by day.

    Args:
        days: how far back.
        now: the present.
    """
    by_day = exchanges(now - timedelta(days=days), now + timedelta(minutes=1))
    offered, asked, owned = datasets(), contracts(), sense.owner_tallies()
    bodies = {one.owner for one in offered} | set(owned) | {one.reader for one in by_day if one.reader}
    bodies |= {code for one in asked for code in (one.owner, one.asker)}
    tallies = []
    for code in sorted(bodies):
        mine = owned.get(code)
        others = [one for one in asked if one.owner == code]
        tallies.append(
            AuthorityTally(
                organisation=code,
                datasets=sum(one.owner == code for one in offered),
                streams=mine.in_datasets if mine else 0,
                streams_all=mine.streams if mine else 0,
                contracts_running=sum(one.state is ContractState.RUNNING for one in others),
                contracts_all=len(others),
                given_reads=sum(one.reads for one in by_day if one.owner == code),
                given_rows=sum(one.rows for one in by_day if one.owner == code),
                taken_reads=sum(one.reads for one in by_day if one.reader == code),
                taken_rows=sum(one.rows for one in by_day if one.reader == code),
            )
        )
    return tallies, by_day


Site = dcat.Site

__all__ = [
    "HARVEST_FORMATS",
    "READS_CSV_ROWS_MAX",
    "READS_PAGE_ROWS",
    "READ_KIND_TITLES",
    "AskedAlreadyError",
    "AuthorityTally",
    "CatalogueUnreadableError",
    "ContractNotInForceError",
    "ContractState",
    "ContractStepKind",
    "ContractStepView",
    "ContractView",
    "DatasetChangedError",
    "DatasetCodeError",
    "DatasetSpec",
    "DatasetUnderContractError",
    "DatasetView",
    "DeadLetterView",
    "Description",
    "Exchange",
    "ExternalView",
    "Frequency",
    "Harvest",
    "ImportReport",
    "NotOfferedError",
    "Openness",
    "ReadFilter",
    "ReadView",
    "Selection",
    "Site",
    "SubscriptionView",
    "SubscriptionsFullError",
    "TermView",
    "Theme",
    "Times",
    "add_own_dataset",
    "apply_selections",
    "ask_for_contract",
    "bodies_of",
    "bodies_sharing",
    "change_own_dataset",
    "contract",
    "contract_for",
    "contract_steps",
    "contracts",
    "dataset",
    "dataset_for",
    "dataset_titles",
    "datasets",
    "dcat_document",
    "dcat_offers",
    "dead_letters",
    "decide_contract",
    "declare_datasets",
    "end_own_contract",
    "exchange_statistics",
    "external_sets",
    "follow_clock",
    "import_catalogue",
    "issue_own_token",
    "may_see_values",
    "may_share_for",
    "must_share_for",
    "read_number",
    "reads",
    "redeliver",
    "renew_key",
    "revoke_own_token",
    "sharing_term",
    "site_at",
    "stop_webhook",
    "subscribe",
    "subscriptions",
    "trim_reads",
    "visible_datasets",
]
