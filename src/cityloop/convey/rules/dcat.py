"""The catalogue as DCAT 3: one graph of catalogue, data sets, their distributions and the services behind them.

Source:
    W3C, Data Catalog Vocabulary (DCAT) Version 3; access rights, frequencies and themes by the European authority
    tables that DCAT-AP harvesters know.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rdflib import DCAT, DCTERMS, FOAF, ODRL2, RDF, XSD, BNode, Graph, Literal, Namespace, URIRef

from cityloop.convey.rules.catalogue import DatasetView, Openness
from cityloop.kernel.text import Text

VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
LOCN = Namespace("http://www.w3.org/ns/locn#")
GEOSPARQL_WKT = URIRef("http://www.opengis.net/ont/geosparql#wktLiteral")
FORMATS = {"ttl": "turtle", "jsonld": "json-ld"}
"""How the graph can be written: what ends the address, and rdflib's name for it."""

CONTENT_TYPES = {"ttl": "text/turtle; charset=utf-8", "jsonld": "application/ld+json; charset=utf-8"}

_VERSION = URIRef(f"{DCAT}version")
_MEDIA = "https://www.iana.org/assignments/media-types/"
_STA = URIRef("http://www.opengis.net/spec/iot_sensing/1.1")
_FEATURES = URIRef("http://www.opengis.net/spec/ogcapi-features-1/1.0")
_MQTT = URIRef("https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A data set as the catalogue offers it.

    Attributes:
        dataset: what its owner says.
        owner_name: name of the owner.
        area_name: name of the area it covers.
        box: west, south, east, north of its places, None where it has none.
        topics: MQTT topics of the first of its streams, as examples.
        streams: how many streams it has.
    """

    dataset: DatasetView
    owner_name: Text
    area_name: Text
    box: tuple[float, float, float, float] | None
    topics: tuple[str, ...]
    streams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the city stands on the web.

    Attributes:
        base: scheme and host.
        mqtt: address of the MQTT listener.
        title: name of the catalogue.
        publisher: who runs it.
    """

    base: str
    mqtt: str
    title: Text
    publisher: Text


def catalogue_graph(offers: Iterable[Offer], *, site: Site, now: datetime) -> Graph:
    """Return the graph of the whole catalogue.

    Args:
        offers: the data sets.
        site: where the city stands.
        now: when it is asked for.
    """
    graph = Graph()
    for prefix, space in (("dcat", DCAT), ("dct", DCTERMS), ("foaf", FOAF), ("vcard", VCARD), ("odrl", ODRL2)):
        graph.bind(prefix, space)
    catalogue = URIRef(f"{site.base}/catalogue/dcat")
    graph.add((catalogue, RDF.type, DCAT.Catalog))
    _say(graph, catalogue, DCTERMS.title, site.title)
    about = Text("城市物联网数据集目录", "Data sets of the city's Internet of Things")
    _say(graph, catalogue, DCTERMS.description, about)
    graph.add((catalogue, DCTERMS.publisher, _agent(graph, f"{site.base}/catalogue/#publisher", site.publisher)))
    graph.add((catalogue, DCTERMS.modified, _instant(now)))
    graph.add((catalogue, FOAF.homepage, URIRef(f"{site.base}/catalogue/")))
    for language in ("ZHO", "ENG"):
        table = "http://publications.europa.eu/resource/authority/language/"
        graph.add((catalogue, DCTERMS.language, URIRef(table + language)))
    services = _services(graph, catalogue, site)
    for offer in offers:
        _dataset(graph, catalogue, offer, site=site, services=services)
    return graph


def written(graph: Graph, kind: str) -> bytes:
    """Return a graph as a document: `ttl` or `jsonld`."""
    return graph.serialize(format=FORMATS[kind], encoding="utf-8")


def _say(graph: Graph, about: URIRef | BNode, what: URIRef, text: Text) -> None:
    graph.add((about, what, Literal(text.zh, lang="zh")))
    graph.add((about, what, Literal(text.en, lang="en")))


def _instant(at: datetime) -> Literal:
    return Literal(at.strftime("%Y-%m-%dT%H:%M:%SZ"), datatype=XSD.dateTime)


def _agent(graph: Graph, uri: str, name: Text) -> URIRef:
    agent = URIRef(uri)
    graph.add((agent, RDF.type, FOAF.Agent))
    _say(graph, agent, FOAF.name, name)
    return agent


def _services(graph: Graph, catalogue: URIRef, site: Site) -> dict[str, URIRef]:
    known = {
        "sta": (f"{site.base}/sta/v1.1", "OGC SensorThings API 1.1", _STA, f"{site.base}/sta/v1.1"),
        "features": (
            f"{site.base}/ogc/features/v1/",
            "OGC API Features 1.0",
            _FEATURES,
            f"{site.base}/ogc/features/v1/api",
        ),
    }
    found = {}
    for code, (address, title, standard, description) in known.items():
        service = found[code] = URIRef(f"{site.base}/catalogue/#service-{code}")
        graph.add((service, RDF.type, DCAT.DataService))
        graph.add((service, DCTERMS.title, Literal(title)))
        graph.add((service, DCAT.endpointURL, URIRef(address)))
        graph.add((service, DCAT.endpointDescription, URIRef(description)))
        graph.add((service, DCTERMS.conformsTo, standard))
        graph.add((catalogue, DCAT.service, service))
    return found


def _dataset(graph: Graph, catalogue: URIRef, offer: Offer, *, site: Site, services: dict[str, URIRef]) -> None:
    view, about = offer.dataset, offer.dataset.about
    page = f"{site.base}/catalogue/{view.code}/"
    entry = URIRef(f"{page}#dataset")
    graph.add((catalogue, DCAT.dataset, entry))
    graph.add((entry, RDF.type, DCAT.Dataset))
    graph.add((entry, DCTERMS.identifier, Literal(view.code)))
    _say(graph, entry, DCTERMS.title, about.title)
    _say(graph, entry, DCTERMS.description, about.description)
    owner = _agent(graph, f"{site.base}/catalogue/#owner-{view.owner}", offer.owner_name)
    graph.add((entry, DCTERMS.publisher, owner))
    graph.add((entry, DCAT.theme, URIRef(about.theme.uri)))
    for language, words in (("zh", about.keywords_zh), ("en", about.keywords_en)):
        for word in words:
            graph.add((entry, DCAT.keyword, Literal(word, lang=language)))
    graph.add((entry, DCTERMS.issued, _instant(view.created_at)))
    graph.add((entry, DCTERMS.modified, _instant(view.changed_at)))
    graph.add((entry, _VERSION, Literal(str(view.version))))
    graph.add((entry, DCTERMS.accrualPeriodicity, URIRef(about.frequency.uri)))
    graph.add((entry, DCTERMS.accessRights, URIRef(about.openness.uri)))
    graph.add((entry, DCAT.landingPage, URIRef(page)))
    graph.add((entry, DCAT.contactPoint, _contact(graph, page, offer)))
    graph.add((entry, DCTERMS.spatial, _place(graph, page, offer)))
    if about.since is not None:
        graph.add((entry, DCTERMS.temporal, _span(graph, page, offer)))
    _conditions(graph, entry, page, offer)
    for way in _ways(offer, site):
        graph.add((entry, DCAT.distribution, _distribution(graph, page, offer, way, services)))
    for service in services.values():
        graph.add((service, DCAT.servesDataset, entry))


def _contact(graph: Graph, page: str, offer: Offer) -> URIRef:
    contact = URIRef(f"{page}#contact")
    graph.add((contact, RDF.type, VCARD.Organization))
    graph.add((contact, VCARD.fn, Literal(offer.dataset.about.contact_name)))
    graph.add((contact, VCARD.hasEmail, URIRef(f"mailto:{offer.dataset.about.contact_email}")))
    return contact


def _place(graph: Graph, page: str, offer: Offer) -> URIRef:
    place = URIRef(f"{page}#place")
    graph.add((place, RDF.type, DCTERMS.Location))
    _say(graph, place, LOCN.geographicName, offer.area_name)
    graph.add((place, DCTERMS.identifier, Literal(offer.dataset.about.area)))
    if offer.box is not None:
        west, south, east, north = offer.box
        ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
        graph.add((place, DCAT.bbox, Literal(f"POLYGON(({ring}))", datatype=GEOSPARQL_WKT)))
    return place


def _span(graph: Graph, page: str, offer: Offer) -> URIRef:
    about, span = offer.dataset.about, URIRef(f"{page}#span")
    graph.add((span, RDF.type, DCTERMS.PeriodOfTime))
    for what, day in ((DCAT.startDate, about.since), (DCAT.endDate, about.until)):
        if day is not None:
            graph.add((span, what, Literal(day.isoformat(), datatype=XSD.date)))
    return span


def _conditions(graph: Graph, entry: URIRef, page: str, offer: Offer) -> None:
    """Say under which conditions a data set is given, in words, and as an ODRL policy."""
    about = offer.dataset.about
    rights = URIRef(f"{page}#conditions")
    graph.add((rights, RDF.type, DCTERMS.RightsStatement))
    _say(graph, rights, DCTERMS.description, about.licence)
    graph.add((entry, DCTERMS.rights, rights))
    policy = URIRef(f"{page}#policy")
    graph.add((entry, ODRL2.hasPolicy, policy))
    graph.add((policy, RDF.type, ODRL2.Offer))
    permission = URIRef(f"{page}#permission")
    graph.add((policy, ODRL2.permission, permission))
    graph.add((permission, RDF.type, ODRL2.Permission))
    graph.add((permission, ODRL2.target, entry))
    graph.add((permission, ODRL2.action, ODRL2.read))
    if about.openness is not Openness.OPEN:
        duty = URIRef(f"{page}#duty")
        graph.add((permission, ODRL2.duty, duty))
        graph.add((duty, RDF.type, ODRL2.Duty))
        graph.add((duty, ODRL2.action, ODRL2.obtainConsent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to get a data set."""

    code: str
    title: Text
    access: str
    media: str
    download: str = ""
    standard: URIRef | None = None
    service: str = ""
    about: Text | None = None


def _ways(offer: Offer, site: Site) -> tuple[Way, ...]:
    code = offer.dataset.code
    feed = f"{site.base}/feeds/datasets/{code}/"
    topics = ", ".join(offer.topics)
    found = (
        Way(code="sta", title=Text("SensorThings 接口", "SensorThings API"), access=f"{site.base}/sta/v1.1/Datastreams",
            media="application/json", standard=_STA, service="sta"),
        Way(code="features", title=Text("地点与最新值（OGC 要素接口）", "Places and latest values (OGC Features)"),
            access=f"{site.base}/ogc/features/v1/collections/{code}", media="application/geo+json",
            standard=_FEATURES, service="features"),
        Way(code="csv", title=Text("历史读数（CSV）", "Readings of a span (CSV)"), access=f"{feed}readings.csv",
            download=f"{feed}readings.csv", media="text/csv"),
        Way(code="feed", title=Text("实时推送流（SSE）", "Live feed (server-sent events)"), access=feed,
            media="text/event-stream"),
    )  # fmt: skip
    if not topics:
        return found
    about = Text(f"订阅主题，例如 {topics}", f"Topics to subscribe to, such as {topics}")
    title = Text("MQTT 订阅", "MQTT subscription")
    mqtt = Way(code="mqtt", title=title, access=site.mqtt, media="application/json", standard=_MQTT, about=about)
    return (*found, mqtt)


def _distribution(graph: Graph, page: str, offer: Offer, way: Way, services: dict[str, URIRef]) -> URIRef:
    entry = URIRef(f"{page}#{way.code}")
    about = offer.dataset.about
    graph.add((entry, RDF.type, DCAT.Distribution))
    _say(graph, entry, DCTERMS.title, way.title)
    graph.add((entry, DCAT.accessURL, URIRef(way.access)))
    graph.add((entry, DCAT.mediaType, URIRef(_MEDIA + way.media)))
    graph.add((entry, DCTERMS.rights, URIRef(f"{page}#conditions")))
    if about.licence_uri:
        graph.add((entry, DCTERMS.license, URIRef(about.licence_uri)))
    if way.download:
        graph.add((entry, DCAT.downloadURL, URIRef(way.download)))
    if way.standard is not None:
        graph.add((entry, DCTERMS.conformsTo, way.standard))
    if way.service:
        graph.add((entry, DCAT.accessService, services[way.service]))
    if way.about is not None:
        _say(graph, entry, DCTERMS.description, way.about)
    return entry
