"""The catalogue: declared by owners, told as DCAT that others accept, and other catalogues' told here."""

import warnings
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyshacl import validate
from rdflib import DCAT, DCTERMS, RDF, Graph, Literal, URIRef

from cityloop.convey.facade import sharing
from cityloop.convey.rules import harvest as harvesting
from cityloop.convey.rules.harvest import CatalogueUnreadableError, harvest
from cityloop.convey.tests.sharing.conftest import SharedCity, describe
from cityloop.kernel.errors import CityloopError, NotAllowedError, NotFoundError
from cityloop.sense import facade as sense

HERE = Path(__file__).parent
SITE_BASE = "https://city.example"
SAMPLES = HERE.parents[5] / "shared" / "data" / "dcat"
"""Catalogues of others, where they are at hand; never part of this tree."""


OLDER_CLASSES = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""The checker of shapes uses older classes of rdflib."""


def graph_of(kind: str = "ttl", *, only_open: bool = False) -> Graph:
    site = sharing.site_at(SITE_BASE, mqtt="mqtt://city.example:1883")
    body, _ = sharing.dcat_document(kind, site=site, only_open=only_open)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's own
        return Graph().parse(data=body, format={"ttl": "turtle", "jsonld": "json-ld"}[kind])


@OLDER_CLASSES
@pytest.mark.parametrize("kind", ["ttl", "jsonld"])
def test_the_catalogue_as_dcat_meets_the_shapes(shared: SharedCity, kind: str) -> None:
    assert shared.streams
    graph = graph_of(kind)
    conforms, _, words = validate(graph, shacl_graph=str(HERE / "dcat-shapes.ttl"), shacl_graph_format="turtle")
    assert conforms, words
    assert len(set(graph.subjects(RDF.type, DCAT.Dataset))) == 3


@OLDER_CLASSES
def test_the_shapes_find_what_is_missing(shared: SharedCity) -> None:
    assert shared.streams
    graph = graph_of()
    entry = next(iter(graph.subjects(RDF.type, DCAT.Dataset)))
    graph.remove((entry, DCTERMS.publisher, None))
    assert not validate(graph, shacl_graph=str(HERE / "dcat-shapes.ttl"), shacl_graph_format="turtle")[0]


def test_both_forms_say_the_same(shared: SharedCity) -> None:
    assert shared.streams
    one, other = graph_of("ttl"), graph_of("jsonld")
    for graph in (one, other):
        for at in list(graph.triples((None, DCTERMS.modified, None))):
            graph.remove(at)
    assert set(one) == set(other)


def test_internal_data_sets_are_never_told_and_strangers_hear_of_open_ones_only(shared: SharedCity) -> None:
    owner = shared.people["water.data"]
    sharing.change_own_dataset(
        owner, "water", about=describe(openness="internal"), selection=sharing.Selection(), version=1
    )
    assert {str(one) for one in graph_of().objects(None, DCTERMS.identifier)} >= {"air", "heat"}
    assert Literal("water") not in set(graph_of().objects(None, DCTERMS.identifier))
    assert set(graph_of(only_open=True).subjects(RDF.type, DCAT.Dataset)) == {
        URIRef(f"{SITE_BASE}/catalogue/air/#dataset")
    }
    assert "water" in {one.code for one in sharing.visible_datasets(owner)}
    assert "water" not in {one.code for one in sharing.visible_datasets(shared.people["air.data"])}
    with pytest.raises(NotFoundError):
        sharing.dataset_for(shared.people["air.data"], "water")
    assert sharing.dataset_for(owner, "water").about.openness is sharing.Openness.INTERNAL


def test_what_we_tell_can_be_read_in_again(shared: SharedCity) -> None:
    assert shared.streams
    site = sharing.site_at(SITE_BASE, mqtt="mqtt://city.example:1883")
    for kind in ("ttl", "jsonld"):
        body, _ = sharing.dcat_document(kind, site=site, only_open=False)
        read = harvest(body, kind=kind)
        assert {one.title for one in read.found} == {"供水", "供热", "空气"}
        assert all(len(one.distributions) >= 4 and one.publisher and one.licence == "条款" for one in read.found)


def test_a_stream_is_in_one_data_set_at_the_most(shared: SharedCity) -> None:
    owner = shared.people["water.data"]
    only_a = sharing.Selection(datastream_ids=(shared.streams["water-a"], shared.streams["heat-a"]))
    view, assigned = sharing.add_own_dataset(owner, "other", owner="water-group", about=describe(), selection=only_a)
    assert (assigned.streams, assigned.elsewhere) == (0, 1), "it is in `water` already, and heat's is another owner's"
    sharing.change_own_dataset(owner, "water", about=describe(), selection=sharing.Selection(area="110108"), version=1)
    _, assigned = sharing.change_own_dataset(owner, "other", about=describe(), selection=only_a, version=view.version)
    assert (assigned.streams, assigned.elsewhere) == (1, 0)
    found = sense.datasets_of_streams(shared.streams.values())
    assert {code: found[number] for code, number in shared.streams.items()} == {
        "water-a": ("water-group", "other"),
        "water-b": ("water-group", "water"),
        "heat-a": ("heat-group", "heat"),
        "air-a": ("environment-bureau", "air"),
    }


@pytest.mark.usefixtures("shared")
def test_streams_that_come_later_join_by_themselves() -> None:
    sense.assign_dataset("water", owner="water-group", choice=sense.StreamChoice(datastream_ids=(0,)))
    assert sense.dataset_stream_counts().get("water") is None
    sharing.apply_selections()
    assert sense.dataset_stream_counts()["water"] == 2


def test_a_data_set_is_entered_and_changed_by_its_owner_alone_and_by_one_at_a_time(shared: SharedCity) -> None:
    stranger, owner = shared.people["air.data"], shared.people["water.data"]
    values: dict[str, Any] = {"about": describe(), "selection": sharing.Selection()}
    with pytest.raises(NotAllowedError):
        sharing.add_own_dataset(stranger, "new", owner="water-group", **values)
    with pytest.raises(NotAllowedError):
        sharing.change_own_dataset(stranger, "water", version=1, **values)
    with pytest.raises(NotAllowedError):
        sharing.add_own_dataset(shared.people["operator"], "new", owner="water-group", **values)
    changed, _ = sharing.change_own_dataset(owner, "water", version=1, **values)
    assert changed.version == 2
    with pytest.raises(sharing.DatasetChangedError):
        sharing.change_own_dataset(owner, "water", version=1, **values)
    for code in ("water", "Ä", "UPPER", "", "-a", "districts", "new", "dcat", "a" * 81, "a/b"):
        with pytest.raises(sharing.DatasetCodeError):
            sharing.add_own_dataset(owner, code, owner="water-group", **values)


def test_a_data_set_under_contract_cannot_become_internal(shared: SharedCity) -> None:
    shared.ask("water")
    with pytest.raises(sharing.DatasetUnderContractError):
        sharing.change_own_dataset(
            shared.people["water.data"],
            "water",
            about=describe(openness="internal"),
            selection=sharing.Selection(),
            version=1,
        )


def test_the_catalogue_is_searched_and_narrowed(shared: SharedCity) -> None:
    person = shared.people["duty1"]
    assert [one.code for one in sharing.visible_datasets(person, text="供热 说明")] == ["heat"]
    assert [one.code for one in sharing.visible_datasets(person, text="heat")] == ["heat"]
    assert [one.code for one in sharing.visible_datasets(person, owner="heat-group")] == ["heat"]
    assert sharing.visible_datasets(person, theme="health") == []
    described = describe(since=date(2020, 1, 1), licence_uri="https://example.org/licence")
    sharing.change_own_dataset(
        shared.people["water.data"], "water", about=described, selection=sharing.Selection(), version=1
    )
    assert sharing.dataset("water").about == described
    assert set(graph_of().objects(None, DCAT.startDate)) == {Literal(date(2020, 1, 1))}


OTHER = """
@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
<https://other.example/c> a dcat:Catalog ; dcat:dataset <https://other.example/1>, <https://other.example/2> .
<https://other.example/1> a dcat:Dataset ; dct:title "Trees"@en, "树木"@zh ; dcat:keyword "tree" ;
  dct:publisher [ a foaf:Agent ; foaf:name "Parks" ] ; dcat:landingPage <javascript:alert(1)> ;
  dcat:distribution [ dcat:downloadURL <https://other.example/1.csv> ;
    dcat:mediaType <https://www.iana.org/assignments/media-types/text/csv> ] .
<https://other.example/2> a dcat:Dataset .
"""


def test_another_catalogue_is_kept_as_external_entries_and_reported(shared: SharedCity) -> None:
    assert shared.people
    report = sharing.import_catalogue(OTHER.encode(), kind="ttl", source="other.ttl")
    assert (report.source, report.added, report.renewed, report.gone) == ("https://other.example/c", 1, 0, 0)
    assert [(name, reason.en) for name, reason in report.left] == [("https://other.example/2", "it has no title")]
    (one,) = sharing.external_sets()
    assert (one.title, one.publisher, one.landing_page) == ("树木", "Parks", "")
    assert one.distributions == (("https://other.example/1.csv", "csv"),)
    again = sharing.import_catalogue(OTHER.replace("树木", "树").encode(), kind="ttl", source="other.ttl")
    assert (again.added, again.renewed, again.gone) == (0, 1, 0)
    assert [one.title for one in sharing.external_sets(text="树")] == ["树"]
    gone = sharing.import_catalogue(OTHER.replace("example/1>", "example/3>").encode(), kind="ttl", source="other.ttl")
    assert (gone.added, gone.gone) == (1, 1)


REFUSED = (
    (b"nonsense", "ttl"), (b"{", "jsonld"), (b"[]", "jsonld"), (b"{}", "xml"), (b"", "csv"),
    (b'{"@context": "https://evil.example/context.jsonld", "@type": "x"}', "jsonld"),
    (b'{"a": [{"@context": ["https://evil.example/c"]}]}', "jsonld"),
    (b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "rdf"),
    (b"[" * 100_000, "jsonld"),
)  # fmt: skip


@pytest.mark.parametrize(("document", "kind"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_catalogue_is_refused_and_nothing_is_fetched(document: bytes, kind: str) -> None:
    with pytest.raises(CatalogueUnreadableError):
        harvest(document, kind=kind)


def test_a_document_that_is_too_large_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvesting, "BYTES_MAX", 10)
    with pytest.raises(CatalogueUnreadableError):
        harvest(OTHER.encode(), kind="ttl")


@given(st.binary(max_size=300), st.sampled_from(["ttl", "jsonld", "rdf"]))
def test_any_bytes_are_a_catalogue_or_refused(document: bytes, kind: str) -> None:
    try:
        harvest(document, kind=kind)
    except CityloopError:
        return


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample catalogues at hand")
def test_real_catalogues_are_read() -> None:
    read = {}
    for file in sorted(SAMPLES.iterdir()):
        try:
            read[file.name] = len(harvest(file.read_bytes(), kind=file.suffix[1:]).found)
        except CatalogueUnreadableError:
            read[file.name] = 0
    unread = {name for name, number in read.items() if not number}
    assert unread <= {"README.md", "catalog.json", "dataset.ttl"}, "no DCAT, and one whose prefixes are not declared"
    assert read["catalog.rdf"] == 2
