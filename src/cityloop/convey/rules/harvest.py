"""Another catalogue's DCAT as entries of ours: Turtle, JSON-LD, RDF/XML; read leniently, reported exactly.

A document is data, never an instruction: remote JSON-LD contexts are not fetched, XML entities are refused.
"""

import json
import warnings
from dataclasses import dataclass
from typing import Any

from rdflib import DC, DCAT, DCTERMS, FOAF, RDF, RDFS, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
BYTES_MAX = 20 * 2**20
"""Largest document, bytes."""

SETS_MAX = 20_000
"""Most data sets of a document."""

TEXT_MAX, LINKS_MAX, URI_MAX = 20_000, 100, 500
FORMATS = {"ttl": "turtle", "jsonld": "json-ld", "json": "json-ld", "rdf": "xml", "xml": "xml"}
"""What ends a file's name, and rdflib's name for it."""


class CatalogueUnreadableError(CityloopError):
    """A document is no DCAT we can read."""

    key = "This is no catalogue that can be read: %(reason)s"

    def __init__(self, reason: Text) -> None:
        """Say why."""
        super().__init__(reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestedSet:
    """A data set of another catalogue; texts in the reader's languages where they are told in them."""

    uri: str
    title: str
    description: str
    publisher: str
    licence: str
    landing_page: str
    keywords: tuple[str, ...]
    distributions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What was found.

    Attributes:
        catalogue: the catalogue's name on the web or its title, empty where it tells neither.
        found: its data sets.
        left: what could not be taken, and why.
    """

    catalogue: str
    found: tuple[HarvestedSet, ...]
    left: tuple[tuple[str, Text], ...]


def harvest(document: bytes, *, kind: str) -> Harvest:
    """Return the data sets of a document.

    Args:
        document: as it was read.
        kind: `ttl`, `jsonld`, `json`, `rdf` or `xml`.

    Raises:
        CatalogueUnreadableError: if it is too large, cannot be read, or holds no data set.
    """
    graph = _parsed(document, kind)
    entries = sorted(set(graph.subjects(RDF.type, DCAT.Dataset)), key=str)
    if not entries:
        raise CatalogueUnreadableError(Text("没有找到数据集", "it holds no data set"))
    if len(entries) > SETS_MAX:
        raise CatalogueUnreadableError(Text("数据集过多", "it holds too many data sets"))
    found, left = [], []
    for entry in entries:
        one = _entry(graph, entry)
        if isinstance(one, Text):
            left.append((str(entry)[:URI_MAX], one))
        else:
            found.append(one)
    return Harvest(catalogue=_catalogue(graph), found=tuple(found), left=tuple(left))


def _parsed(document: bytes, kind: str) -> Graph:
    if len(document) > BYTES_MAX:
        raise CatalogueUnreadableError(Text("文件过大", "it is too large"))
    form = FORMATS.get(kind)
    if form is None:
        raise CatalogueUnreadableError(Text("不支持该文件格式", "files of this kind are not read"))
    if form == "xml" and (b"<!ENTITY" in document or b"<!DOCTYPE" in document):
        raise CatalogueUnreadableError(Text("不接受带文档类型声明的 XML", "XML with a document type is not accepted"))
    try:
        text = _with_local_contexts(document) if form == "json-ld" else document
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's own reader uses its own older classes
            return Graph().parse(data=text, format=form, publicID="urn:cityloop:harvest")
    except CityloopError:
        raise
    except Exception as error:  # rdflib's parsers raise errors of many kinds
        raise CatalogueUnreadableError(Text("格式错误", "it is not well formed")) from error


def _with_local_contexts(document: bytes) -> bytes:
    """Return a JSON-LD document; refuse one whose context lies elsewhere."""
    try:
        told = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise CatalogueUnreadableError(Text("格式错误", "it is not well formed")) from error
    if _names_remote(told):
        raise CatalogueUnreadableError(
            Text("上下文（@context）须写在文件内，不从网络读取", "its @context must stand in the file: none is fetched")
        )
    return document


def _names_remote(value: Any) -> bool:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            context = one.get("@context")
            contexts = context if isinstance(context, list) else [context]
            if "@import" in one or any(isinstance(part, str) for part in contexts):
                return True
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
    return False


def _entry(graph: Graph, entry: Node) -> HarvestedSet | Text:
    """Return a data set, or why it cannot be taken."""
    uri = str(entry) if isinstance(entry, URIRef) else _text(graph, entry, DCTERMS.identifier, DCAT.identifier)
    title = _text(graph, entry, DCTERMS.title, DC.title, RDFS.label)
    if not uri or len(uri) > URI_MAX:
        return Text("没有标识", "it has no identifier")
    if not title:
        return Text("没有标题", "it has no title")
    return HarvestedSet(
        uri=uri,
        title=title,
        description=_text(graph, entry, DCTERMS.description, DC.description),
        publisher=_named(graph, entry, DCTERMS.publisher),
        licence=_licence(graph, entry),
        landing_page=_address(graph, entry, DCAT.landingPage),
        keywords=tuple(sorted({str(word)[:200] for word in graph.objects(entry, DCAT.keyword)})[:LINKS_MAX]),
        distributions=_distributions(graph, entry),
    )


def _text(graph: Graph, about: Node, *names: URIRef) -> str:
    for name in names:
        told = list(graph.objects(about, name))
        if told:
            return str(min(told, key=_taste))[:TEXT_MAX]
    return ""


def _taste(value: Node) -> tuple[int, str]:
    """Return how gladly a text is taken: Chinese first, then English, then without a language, then any."""
    language = (value.language or "") if isinstance(value, Literal) else ""
    ranks = {"zh": 0, "en": 1, "": 2}
    return ranks.get(language.partition("-")[0].lower(), 3), str(value)


def _named(graph: Graph, about: Node, what: URIRef) -> str:
    for agent in sorted(graph.objects(about, what), key=str):
        if name := _text(graph, agent, FOAF.name, VCARD.fn, RDFS.label, DCTERMS.title):
            return name
        if isinstance(agent, URIRef | Literal):
            return str(agent)[:URI_MAX]
    return ""


def _licence(graph: Graph, entry: Node) -> str:
    places = [entry, *graph.objects(entry, DCAT.distribution)]
    for place in places:
        for what in (DCTERMS.license, DCTERMS.rights):
            for told in sorted(graph.objects(place, what), key=str):
                named = _text(graph, told, DCTERMS.title, RDFS.label, DCTERMS.description)
                if named or isinstance(told, URIRef | Literal):
                    return (named or str(told))[:TEXT_MAX]
    return ""


def _address(graph: Graph, about: Node, what: URIRef) -> str:
    """Return an address of the web, empty where there is none: nothing else is ever made a link of."""
    told = sorted(str(one) for one in graph.objects(about, what))
    return next((one for one in told if one.startswith(("https://", "http://")) and len(one) <= URI_MAX), "")


def _distributions(graph: Graph, entry: Node) -> tuple[tuple[str, str], ...]:
    found = set()
    for one in graph.objects(entry, DCAT.distribution):
        address = _address(graph, one, DCAT.downloadURL) or _address(graph, one, DCAT.accessURL)
        kind = _text(graph, one, DCAT.mediaType, DCTERMS.format) or _named(graph, one, DCTERMS.format)
        if address:
            found.add((address, kind.rpartition("/")[2][:60] if kind.startswith("http") else kind[:60]))
    return tuple(sorted(found)[:LINKS_MAX])


def _catalogue(graph: Graph) -> str:
    for one in sorted(graph.subjects(RDF.type, DCAT.Catalog), key=str):
        return str(one)[:300] if isinstance(one, URIRef) else _text(graph, one, DCTERMS.title)[:300]
    return ""
