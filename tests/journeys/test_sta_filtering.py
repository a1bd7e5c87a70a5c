"""SensorThings 1.1, A.2 Filtering: options in their order, operators, functions, paging."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.journeys.sta import Sta

TIMES = [f"2026-11-20T{hour:02}:30:15.250Z" for hour in range(6)]


@pytest.fixture(scope="module")
def readings(city: Any, token: str) -> Any:
    """Six readings 0..5, one an hour, on stream 0; three words on stream 1."""
    with city.machine(token) as client:
        sta = Sta(client)
        thing = sta.city(streams=2)
        sta.number, sta.thing_id = thing["Datastreams"][0]["@iot.id"], thing["@iot.id"]
        sta.words = thing["Datastreams"][1]["@iot.id"]
        for hour, time in enumerate(TIMES):
            sta.observe(sta.number, hour, time, resultTime=time, parameters={"n": hour, "name": f"p{hour}"})
        for result in ("alpha", True, None, {"a": {"b": 3}}):
            sta.observe(sta.words, result)
        yield sta


def results(sta: Any, **options: str) -> list[Any]:
    options.setdefault("orderby", "phenomenonTime")
    return [row["result"] for row in sta.get(f"Datastreams({sta.number})/Observations", **options)["value"]]


NUMERIC = [
    ("result eq 3", [3]),
    ("result ne 3", [0, 1, 2, 4, 5]),
    ("result gt 3", [4, 5]),
    ("result ge 3", [3, 4, 5]),
    ("result lt 2", [0, 1]),
    ("result le 2", [0, 1, 2]),
    ("result gt 1 and result lt 4", [2, 3]),
    ("result lt 1 or result gt 4", [0, 5]),
    ("not (result lt 4)", [4, 5]),
    ("not result lt 4", [4, 5]),
    ("result eq 1 or result eq 2 and result eq 3", [1]),
    ("(result eq 1 or result eq 2) and result eq 2", [2]),
    ("result add 1 eq 3", [2]),
    ("result sub 1 eq 3", [4]),
    ("result mul 2 eq 4", [2]),
    ("result div 2 eq 2", [4]),
    ("result mod 2 eq 1", [1, 3, 5]),
    ("result add 1 mul 2 eq 4", [2]),
    ("(result add 1) mul 2 eq 4", [1]),
    ("2 lt result", [3, 4, 5]),
    ("result eq 3.0", [3]),
    ("result gt -1 and result lt 1e0", [0]),
    ("round(result add 0.5) eq 3", [2]),
    ("floor(result div 2) eq 1", [2, 3]),
    ("ceiling(result div 2) eq 1", [1, 2]),
    ("phenomenonTime eq 2026-11-20T02:30:15.250Z", [2]),
    ("phenomenonTime gt '2026-11-20T03:30:15.250Z'", [4, 5]),
    ("phenomenonTime lt 2026-11-20T09:30:15.250+08:00", [0]),
    ("resultTime ge 2026-11-20T04:30:15.250Z", [4, 5]),
    ("year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 11 and day(phenomenonTime) eq 20", [0, 1, 2, 3, 4, 5]),
    ("hour(phenomenonTime) eq 3", [3]),
    ("minute(phenomenonTime) eq 30 and second(phenomenonTime) eq 15 and hour(phenomenonTime) lt 1", [0]),
    ("fractionalseconds(phenomenonTime) gt 0.2 and hour(phenomenonTime) eq 1", [1]),
    ("date(phenomenonTime) eq date(2026-11-20T00:00:00Z) and result lt 2", [0, 1]),
    ("time(phenomenonTime) lt time(2026-11-20T01:00:00Z)", [0]),
    ("totaloffsetminutes(phenomenonTime) eq 0 and result eq 5", [5]),
    ("phenomenonTime lt now() and result eq 0", [0]),
    ("phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime() and result eq 0", [0]),
    ("phenomenonTime add duration'PT1H' eq 2026-11-20T02:30:15.250Z", [1]),
    ("before(phenomenonTime,2026-11-20T01:00:00Z)", [0]),
    ("after(phenomenonTime,2026-11-20T05:00:00Z)", [5]),
    ("during(phenomenonTime,2026-11-20T01:00:00Z/2026-11-20T03:00:00Z)", [1, 2]),
    ("parameters/n eq 4", [4]),
    ("parameters/name eq 'p2'", [2]),
    ("parameters/none eq null and result eq 1", [1]),
    ("Datastream/name eq 'stream 0' and result eq 1", [1]),
    ("Datastream/ObservedProperty/name eq 'pressure' and result eq 2", [2]),
    ("Datastream/Thing/Locations/name eq 'yard' and result eq 2", [2]),
    ("FeatureOfInterest/name ne 'nothing' and result eq 2", [2]),
    ("validTime eq null and result eq 2", [2]),
    (
        "st_within(FeatureOfInterest/feature,geography'POLYGON((116 39,117 39,117 40,116 40,116 39))') and result eq 2",
        [2],
    ),
]


@pytest.mark.parametrize(("condition", "expected"), NUMERIC, ids=[row[0] for row in NUMERIC])
def test_a_filter_keeps_what_it_says(condition: str, expected: list[int], readings: Any) -> None:
    assert results(readings, filter=condition) == expected


WORDS = [
    ("substringof('pump',description)", True),
    ("endswith(description,'pump')", True),
    ("startswith(description,'a ')", True),
    ("startswith(description,'pump')", False),
    ("length(description) eq 6", True),
    ("indexof(description,'pump') eq 2", True),
    ("substring(description,2) eq 'pump'", True),
    ("substring(description,2,2) eq 'pu'", True),
    ("tolower(description) eq 'a pump'", True),
    ("toupper(description) eq 'A PUMP'", True),
    ("trim(concat(' ',description)) eq 'a pump'", True),
    ("concat(concat(description,'-'),'x') eq 'a pump-x'", True),
    ("properties/floors eq 3", True),
    ("properties/floors gt 2.5 and properties/floors lt 4", True),
    ("properties/floors eq '3'", False),
    ("properties/none eq null", True),
    ("description eq 'o''clock'", False),
    ("description ne null", True),
    ("Datastreams/name eq 'stream 1'", True),
    ("Datastreams/unitOfMeasurement/symbol eq 'kPa'", True),
    ("Datastreams/Observations/result eq 5", True),
    ("geo.distance(Locations/location,geography'POINT(116.3975 39.9087)') lt 0.001", True),
    ("geo.distance(Locations/location,geography'POINT(110 39.9087)') lt 1", False),
    ("geo.intersects(Locations/location,geography'POLYGON((116 39,117 39,117 40,116 40,116 39))')", True),
    ("st_equals(Locations/location,geography'POINT(116.3975 39.9087)')", True),
    ("st_disjoint(Locations/location,geography'POINT(0 0)')", True),
    ("st_touches(Locations/location,geography'POINT(0 0)')", False),
    ("st_within(Locations/location,geography'POLYGON((116 39,117 39,117 40,116 40,116 39))')", True),
    ("st_overlaps(Locations/location,geography'POLYGON((116 39,117 39,117 40,116 40,116 39))')", False),
    ("st_crosses(Locations/location,geography'LINESTRING(0 0,1 1)')", False),
    ("st_intersects(Locations/location,geography'POINT(116.3975 39.9087)')", True),
    ("st_contains(geography'POLYGON((116 39,117 39,117 40,116 40,116 39))',Locations/location)", True),
    ("st_relate(Locations/location,geography'POINT(116.3975 39.9087)','0FFFFFFF2')", True),
    ("not st_within(Locations/location,geography'POLYGON((0 0,1 0,1 1,0 1,0 0))')", True),
    ("geo.length(geography'LINESTRING(0 0,3 4)') eq 5", True),
]


@pytest.mark.parametrize(("condition", "kept"), WORDS, ids=[row[0] for row in WORDS])
def test_a_function_answers_as_the_standard_says(condition: str, *, kept: bool, readings: Any) -> None:
    mine = f"properties/tag eq '{readings.tag}' and ({condition})"
    assert bool(readings.names("Things", filter=mine)) is kept


def test_a_result_is_compared_in_its_own_type(readings: Any) -> None:
    def count(condition: str) -> int:
        return int(
            readings.get(f"Datastreams({readings.words})/Observations", filter=condition, count="true")["@iot.count"]
        )

    assert count("result eq 'alpha'") == 1
    assert count("result eq 'alph'") == 0
    assert count("result gt 0") == 0
    assert count("result eq true") == 1
    assert count("result/a/b eq 3") == 1


@pytest.mark.parametrize(
    "option",
    [
        {"filter": "result eq"},
        {"filter": "result eq 1)"},
        {"filter": "result foo 1"},
        {"filter": "nothing(result) eq 1"},
        {"filter": "result eq 'open"},
        {"filter": "length(result,1,2) eq 1"},
        {"filter": "(" * 5000 + "1 eq 1" + ")" * 5000},
        {"orderby": "result sideways"},
        {"top": "-1"},
        {"top": "many"},
        {"skip": "-1"},
        {"count": "maybe"},
        {"expand": "Nothing"},
        {"expand": "Datastream($top=x)"},
        {"filter": "result eq 1; drop table sense_thing"},
        {"nothing": "1"},
    ],
    ids=str,
)
def test_bad_syntax_is_400_and_says_where(option: dict[str, str], readings: Any) -> None:
    body = readings.get(f"Datastreams({readings.number})/Observations", status=400, **option)
    assert body["message"]


@pytest.mark.parametrize("option", [{"filter": "nothing eq 1"}, {"orderby": "nothing"}, {"select": "nothing"}], ids=str)
def test_an_unknown_property_is_refused(option: dict[str, str], readings: Any) -> None:
    answer = readings.client.get(
        f"Datastreams({readings.number})/Observations", params={f"${k}": v for k, v in option.items()}
    )
    assert answer.status_code in {400, 404}


def test_order_top_skip_and_count_come_in_their_order(readings: Any) -> None:
    assert results(readings, orderby="result desc", top="2", skip="1", filter="result gt 0") == [4, 3]
    page = readings.get(
        f"Datastreams({readings.number})/Observations", count="true", top="1", skip="3", filter="result gt 1"
    )
    assert page["@iot.count"] == 4
    assert len(page["value"]) == 1
    two = readings.get(f"Things({readings.thing_id})/Datastreams", orderby="description asc,name desc")
    assert [row["name"] for row in two["value"]] == ["stream 1", "stream 0"]
    assert results(readings, orderby="Datastream/name,result desc", top="1") == [5]


def test_top_zero_gives_none(readings: Any) -> None:
    assert results(readings, top="0") == []


def test_select_shows_only_what_is_asked(readings: Any) -> None:
    row = readings.get(f"Datastreams({readings.number})/Observations", select="result,phenomenonTime", top="1")[
        "value"
    ][0]
    assert {key for key in row if not key.startswith("@")} == {"result", "phenomenonTime"}
    one = readings.get(f"Things({readings.thing_id})", select="name,@iot.id")
    assert one["@iot.id"] == readings.thing_id
    assert "description" not in one


def test_expand_nests_with_options_of_its_own(readings: Any) -> None:
    thing = readings.get(
        f"Things({readings.thing_id})",
        expand="Datastreams($filter=name eq 'stream 0';$select=name;"
        "$expand=Observations($top=2;$orderby=result desc;$count=true)),Locations",
    )
    (stream,) = thing["Datastreams"]
    assert [row["result"] for row in stream["Observations"]] == [5, 4]
    assert stream["Observations@iot.count"] == 6
    assert stream["Observations@iot.nextLink"]
    assert thing["Locations"][0]["name"] == "yard"
    path = readings.get(f"Things({readings.thing_id})", expand="Datastreams/ObservedProperty,Datastreams/Sensor")
    assert all(row["ObservedProperty"]["name"] == "pressure" for row in path["Datastreams"])
    assert all(row["Sensor"]["name"] == "gauge" for row in path["Datastreams"])
    observation = readings.get(
        f"Datastreams({readings.number})/Observations", expand="Datastream/Thing,FeatureOfInterest", top="1"
    )
    assert observation["value"][0]["Datastream"]["Thing"]["@iot.id"] == readings.thing_id


def test_pages_follow_one_another_and_keep_every_option(readings: Any) -> None:
    seen, path = [], f"Datastreams({readings.number})/Observations"
    page = readings.get(path, top="4", orderby="result", filter="result ge 0", select="result", count="true")
    while True:
        seen += [row["result"] for row in page["value"]]
        if "@iot.nextLink" not in page:
            break
        kept = parse_qs(urlsplit(page["@iot.nextLink"]).query)
        assert kept["$select"] == ["result"]
        assert kept["$filter"] == ["result ge 0"]
        page = readings.client.get(page["@iot.nextLink"]).json()
        assert "phenomenonTime" not in page["value"][0]
    assert seen == [0, 1, 2, 3, 4, 5]


def test_a_set_is_paged_even_when_nobody_asks(readings: Any) -> None:
    rows = [[n, f"2026-11-18T{n // 60:02}:{n % 60:02}:00Z"] for n in range(250)]
    stream = readings.city()["Datastreams"][0]["@iot.id"]
    body = [{"Datastream": {"@iot.id": stream}, "components": ["result", "phenomenonTime"], "dataArray": rows}]
    readings.client.post("CreateObservations", json=body)
    seen, page = [], readings.get(f"Datastreams({stream})/Observations", orderby="result")
    assert len(page["value"]) < 250
    while True:
        seen += [row["result"] for row in page["value"]]
        if "@iot.nextLink" not in page:
            break
        page = readings.client.get(page["@iot.nextLink"]).json()
    assert seen == list(range(250))


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE sense_thing; --", "\\'", "%", "_", "\u202e", "名'称", "$1", "{0}", "%s"]
)
def test_a_hostile_string_is_only_a_string(text: str, readings: Any) -> None:
    made = readings.post("Things", readings.thing(name=text))
    quoted = text.replace("'", "''")
    assert readings.names("Things", filter=f"name eq '{quoted}' and properties/tag eq '{readings.tag}'") == [text]
    readings.send("DELETE", f"Things({made['@iot.id']})")
