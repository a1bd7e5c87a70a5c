"""A.6 Data array on reading, and the result formats CSV and GeoJSON."""

import csv
import io
from typing import Any

import pytest

from tests.conformance.sta_service import Sta, thing_body


@pytest.fixture
def streams(sta: Sta) -> tuple[int, int]:
    first, second = sta.stream("first"), sta.stream("second")
    for number in range(3):
        sta.observe(first, number, f"2026-01-0{number + 1}T00:00:00Z")
    sta.observe(second, "-text", "2026-01-02T12:00:00Z/2026-01-02T13:00:00Z", parameters={"a": 1})
    return first, second


def rows(sta: Sta, address: str) -> list[list[str]]:
    answer = sta.client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), answer.text
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


def test_a_data_array_is_grouped_by_datastream(sta: Sta, streams: tuple[int, int]) -> None:
    body = sta.get("Observations", resultFormat="dataArray", select="id,phenomenonTime,result")
    assert set(body) == {"value"}
    newest, other = body["value"]
    assert newest["Datastream@iot.navigationLink"] == f"{sta.address}/Datastreams({streams[0]})"
    assert newest["components"] == ["id", "phenomenonTime", "result"]
    assert newest["dataArray@iot.count"] == len(newest["dataArray"]) == 3
    assert [row[1:] for row in newest["dataArray"]] == [
        ["2026-01-03T00:00:00Z", 2],
        ["2026-01-02T00:00:00Z", 1],
        ["2026-01-01T00:00:00Z", 0],
    ]
    assert other["dataArray"][0][1:] == ["2026-01-02T12:00:00Z/2026-01-02T13:00:00Z", "-text"]
    assert sta.get(f"Observations({newest['dataArray'][0][0]})")["result"] == 2


def test_a_data_array_has_all_components_where_none_are_selected(sta: Sta, streams: tuple[int, int]) -> None:
    group = sta.get(f"Datastreams({streams[1]})/Observations", resultFormat="dataArray")["value"][0]
    assert group["components"] == [
        "id",
        "phenomenonTime",
        "resultTime",
        "result",
        "resultQuality",
        "validTime",
        "parameters",
    ]
    assert group["dataArray"][0][2:] == [None, "-text", None, None, {"a": 1}]


def test_a_data_array_is_counted_filtered_ordered_and_paged(sta: Sta, streams: tuple[int, int]) -> None:
    address = (
        "Observations?$resultFormat=dataArray&$count=true&$orderby=result&$top=2&$filter=result ge 0&$select=result"
    )
    seen: list[Any] = []
    while address:
        body = sta.client.get(address).json()
        assert body["@iot.count"] == 3
        seen += [value for group in body["value"] for (value,) in group["dataArray"]]
        address = body.get("@iot.nextLink", "")
    assert seen == [0, 1, 2]
    feature = sta.get(f"Datastreams({streams[0]})/Observations", top=1)["value"][0]["@iot.id"]
    below = sta.get(f"Observations({feature})/FeatureOfInterest/Observations", resultFormat="dataArray")
    assert below["value"][0]["dataArray@iot.count"] == 3


def test_a_data_array_goes_back_in_as_it_came_out(sta: Sta, streams: tuple[int, int]) -> None:
    group = sta.get(
        f"Datastreams({streams[0]})/Observations", resultFormat="dataArray", select="phenomenonTime,resultTime,result"
    )["value"][0]
    given = {"Datastream": {"@iot.id": streams[1]}, "components": group["components"], "dataArray": group["dataArray"]}
    answer = sta.send("POST", "CreateObservations", [given])
    assert answer.status_code == 201
    assert all(link.startswith(sta.address) for link in answer.json())
    assert sta.get(f"Datastreams({streams[1]})/Observations", count="true")["@iot.count"] == 4


def test_a_data_array_of_nothing_is_empty(sta: Sta) -> None:
    stream = sta.stream()
    assert sta.get("Observations", resultFormat="dataArray", count="true") == {"@iot.count": 0, "value": []}
    assert sta.get(f"Datastreams({stream})/Observations", resultFormat="dataArray") == {"value": []}
    assert sta.ask("Datastreams(999999)/Observations", resultFormat="dataArray").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "Things?$resultFormat=dataArray",
        "Observations(1)?$resultFormat=dataArray",
        "Observations/$ref?$resultFormat=dataArray",
        "Observations?$resultFormat=dataArray&$expand=Datastream",
        "Observations?$resultFormat=XML",
        "Observations?$resultFormat=CSV&$resultFormat=CSV",
        "Things?$expand=Datastreams($resultFormat=CSV)",
        "Things?$resultFormat=CSV&$expand=Datastreams",
        "Things(1)/name?$resultFormat=CSV",
        "Sensors?$resultFormat=GeoJSON",
        "ObservedProperties(1)?$resultFormat=GeoJSON",
    ],
)
def test_a_format_that_cannot_be_is_refused(sta: Sta, address: str) -> None:
    answer = sta.client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


@pytest.mark.parametrize(
    "collection",
    [
        "Things",
        "Locations",
        "HistoricalLocations",
        "Datastreams",
        "Sensors",
        "ObservedProperties",
        "Observations",
        "FeaturesOfInterest",
    ],
)
@pytest.mark.usefixtures("streams")
def test_every_entity_set_can_be_csv(sta: Sta, collection: str) -> None:
    head, *body = rows(sta, f"{collection}?$resultFormat=CSV")
    entities = sta.get(collection)["value"]
    assert head[0] == "@iot.id"
    assert [int(row[0]) for row in body] == [entity["@iot.id"] for entity in entities]
    assert all(len(row) == len(head) for row in body)


def test_csv_names_its_columns_by_their_path(sta: Sta, streams: tuple[int, int]) -> None:
    select = "$select=phenomenonTime,result&$orderby=phenomenonTime&$filter=result ge 0"
    nested = "$expand=Datastream($select=name,unitOfMeasurement;$expand=Thing($select=id))"
    head, *body = rows(sta, f"Observations?$resultFormat=CSV&{select}&{nested}")
    assert head == [
        "phenomenonTime",
        "result",
        "Datastream/name",
        "Datastream/unitOfMeasurement/name",
        "Datastream/unitOfMeasurement/symbol",
        "Datastream/unitOfMeasurement/definition",
        "Datastream/Thing/@iot.id",
    ]
    thing = sta.get(f"Datastreams({streams[0]})/Thing")["@iot.id"]
    kelvin = ["kelvin", "K", "http://qudt.org/vocab/unit/K"]
    assert body[0] == ["2026-01-01T00:00:00Z", "0", "first", *kelvin, str(thing)]


def test_csv_quotes_what_must_be_and_disarms_formulas(sta: Sta) -> None:
    names = ["=1+1", "+x", "-x", "@x", "\tx", 'say "hi", you', "line\nbreak", "水泵"]
    for name in names:
        sta.create("Things", thing_body(name, properties={"of": name}))
    read = rows(sta, "Things?$resultFormat=CSV&$select=name,properties&$orderby=id")[1:]
    assert [row[0] for row in read] == ["'=1+1", "'+x", "'-x", "'@x", "'\tx", *names[5:]]
    stream = sta.stream()
    sta.observe(stream, -5)
    sta.observe(stream, "-5")
    values = rows(sta, "Observations?$resultFormat=CSV&$select=result&$orderby=id")[1:]
    assert values == [["-5"], ["'-5"]]


def test_csv_tells_the_next_page_in_a_header(sta: Sta) -> None:
    for number in range(5):
        sta.create("Things", thing_body(f"t{number}"))
    address, names = "Things?$resultFormat=CSV&$select=name&$top=2&$orderby=name", []
    while address:
        answer = sta.client.get(address)
        names += answer.text.splitlines()[1:]
        address = answer.links.get("next", {}).get("url", "")
    assert names == ["t0", "t1", "t2", "t3", "t4"]
    only = sta.client.get("Things?$resultFormat=csv&$filter=name eq 'none'&$select=name")
    assert (only.text, "link" in only.headers) == ("name\r\n", False)


def test_one_entity_can_be_csv(sta: Sta) -> None:
    key = sta.create("Things", thing_body("one"))
    assert rows(sta, f"Things({key})?$resultFormat=CSV&$select=name") == [["name"], ["one"]]
    assert sta.client.get("Things(999999)?$resultFormat=CSV").status_code == 404


def features(sta: Sta, address: str) -> list[dict[str, Any]]:
    answer = sta.client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/geo+json"), answer.text
    assert answer.json()["type"] == "FeatureCollection"
    found: list[dict[str, Any]] = answer.json()["features"]
    return found


@pytest.mark.usefixtures("streams")
@pytest.mark.parametrize(
    "collection",
    ["Things", "Locations", "HistoricalLocations", "Datastreams", "Observations", "FeaturesOfInterest"],
)
def test_entities_with_a_place_can_be_geojson(sta: Sta, collection: str) -> None:
    found = features(sta, f"{collection}?$resultFormat=GeoJSON")
    entities = sta.get(collection)["value"]
    assert [feature["id"] for feature in found] == [entity["@iot.id"] for entity in entities]
    for feature in found:
        assert feature["type"] == "Feature"
        assert feature["geometry"] == {"type": "Point", "coordinates": [116.4, 39.9]}
        assert feature["properties"]["@iot.id"] == feature["id"]


@pytest.mark.usefixtures("streams")
def test_geojson_shows_what_is_selected_and_expanded(sta: Sta) -> None:
    found = features(sta, "Locations?$resultFormat=GeoJSON&$select=name")
    assert found[0]["properties"] in ({"name": "first"}, {"name": "second"})
    assert found[0]["geometry"]["type"] == "Point"
    nested = "$select=result&$expand=Datastream($select=name),FeatureOfInterest($select=name)"
    found = features(sta, f"Observations?$resultFormat=GeoJSON&{nested}&$filter=result eq 2")
    assert found[0]["properties"] == {"result": 2, "Datastream/name": "first", "FeatureOfInterest/name": "first"}
    things = features(sta, "Things?$resultFormat=GeoJSON&$select=name&$expand=Locations&$orderby=name desc")
    assert [thing["properties"] for thing in things] == [{"name": "second"}, {"name": "first"}]
    assert all(thing["geometry"] for thing in things)


def test_geojson_of_one_entity_is_a_feature_and_pages_link_on(sta: Sta) -> None:
    keys = [sta.create("Things", thing_body(f"t{number}")) for number in range(3)]
    single = sta.client.get(f"Things({keys[0]})?$resultFormat=GeoJSON").json()
    assert (single["type"], single["id"], single["geometry"]) == ("Feature", keys[0], None)
    page = sta.get("Things", resultFormat="GeoJSON", top=2, count="true")
    assert (page["@iot.count"], len(page["features"])) == (3, 2)
    assert len(sta.client.get(page["@iot.nextLink"]).json()["features"]) == 1


def test_several_places_and_places_in_features_make_one_geometry(sta: Sta) -> None:
    point = {"type": "Point", "coordinates": [1, 2]}
    feature = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, "properties": {}}
    place = {"name": "p", "description": "d", "encodingType": "application/geo+json"}
    places = [{**place, "location": point}, {**place, "location": feature}]
    places.append({**place, "encodingType": "text/plain", "location": "round the corner"})
    key = sta.create("Things", {**thing_body(), "Locations": places})
    geometry = sta.client.get(f"Things({key})?$resultFormat=GeoJSON").json()["geometry"]
    assert geometry["type"] == "GeometryCollection"
    assert {part["type"] for part in geometry["geometries"]} == {"Point", "LineString"}
