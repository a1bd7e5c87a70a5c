"""GeoReport v2, what it must answer: discovery, services, definitions, requests, in JSON and in XML."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from georeport import GeoReport

from cityloop.registry.stream import Rights
from cityloop.respond.stream.open311.application import build_open311
from cityloop.respond.stream.open311.pools import READING_SIZE_MAX, open_pools
from tests.conformance.open311_city import LAMP, Door, Open311City

OF_A_REQUEST = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode",
    "lat", "long", "media_url",
}  # fmt: skip


def test_discovery_leads_to_the_endpoint_in_both_formats(door: Door) -> None:
    told = door.client.get("discovery.json").json()
    assert set(told) == {"changeset", "contact", "key_service", "endpoints"}
    (endpoint,) = told["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["type"] == "production"
    assert set(endpoint["formats"]) == {"text/xml", "application/json"}
    assert door.client.get(f"{endpoint['url']}/services.xml").status_code == 200
    root = door.xml("discovery")
    assert root.tag == "discovery"
    assert root.findtext("endpoints/endpoint/url") == endpoint["url"]
    assert [one.text for one in root.findall("endpoints/endpoint/formats/format")] == endpoint["formats"]


def test_services_are_listed_with_the_fields_of_the_standard(door: Door) -> None:
    services = door.get("services")
    assert len(services) >= 20
    assert {frozenset(one) for one in services} == {
        frozenset({"service_code", "service_name", "description", "metadata", "type", "keywords", "group"})
    }
    assert {one["type"] for one in services} == {"realtime"}
    cover = next(one for one in services if one["service_code"] == "manhole-cover-missing")
    assert (cover["service_name"], cover["metadata"], cover["group"]) == (
        "Manhole cover missing",
        True,
        "Public facilities",
    )


def test_services_in_xml_say_the_same(door: Door) -> None:
    root = door.xml("services")
    assert root.tag == "services"
    codes = [one.findtext("service_code") for one in root.findall("service")]
    assert codes == [one["service_code"] for one in door.get("services")]
    assert {one.findtext("metadata") for one in root.findall("service")} == {"true", "false"}


def test_xml_begins_with_its_declaration(door: Door) -> None:
    text = door.client.get("v2/services.xml").text
    assert text.lower().startswith('<?xml version="1.0" encoding="utf-8"?>')


def test_services_speak_the_language_of_their_reader(door: Door) -> None:
    answer = door.client.get("v2/services.json", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "井盖丢失" in [one["service_name"] for one in answer.json()]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_a_definition_tells_each_question_in_order(door: Door) -> None:
    told = door.get("services/manhole-cover-missing")
    assert told["service_code"] == "manhole-cover-missing"
    assert [one["order"] for one in told["attributes"]] == [1, 2]
    danger = told["attributes"][1]
    assert (danger["variable"], danger["datatype"], danger["required"]) == (True, "singlevaluelist", True)
    assert {"key": "yes", "name": "yes"} in danger["values"]


def test_a_definition_in_xml_says_the_same(door: Door) -> None:
    root = door.xml("services/manhole-cover-missing")
    assert root.tag == "service_definition"
    assert [one.text for one in root.findall("attributes/attribute/values/value/key")] == ["yes", "no", "unknown"]


def test_a_service_without_questions_has_an_empty_definition(door: Door) -> None:
    assert door.get("services/exposed-rubbish") == {"service_code": "exposed-rubbish", "attributes": []}


def test_a_request_has_the_fields_of_the_standard(door: Door) -> None:
    number = door.report(address_string="东四三条12号", address_id="7")
    (told,) = door.get(f"requests/{number}")
    assert set(told) == OF_A_REQUEST
    assert (told["service_request_id"], told["status"]) == (number, "open")
    assert (told["service_name"], told["service_code"]) == ("Street lamp out", "street-lamp-out")
    assert (told["lat"], told["long"]) == (39.9289, 116.4164)
    assert (told["address"], told["address_id"]) == ("东四三条12号", "7")
    assert told["description"] == "路灯不亮三天了"
    assert "working day" in told["service_notice"]
    requested = datetime.fromisoformat(told["requested_datetime"])
    assert abs(datetime.now(UTC) - requested) < timedelta(minutes=5)
    assert told["requested_datetime"].endswith("Z")


def test_a_request_in_xml_says_the_same(door: Door) -> None:
    number = door.report()
    root = door.xml(f"requests/{number}")
    assert root.tag == "service_requests"
    (told,) = root.findall("request")
    assert {one.tag for one in told} == OF_A_REQUEST
    assert told.findtext("service_request_id") == number
    assert told.findtext("requested_datetime") == door.get(f"requests/{number}")[0]["requested_datetime"]


def test_what_stands_in_a_request_stays_text_in_xml(door: Door) -> None:
    number = door.report(description="<script>&]]></script>\x0b\x01 ok")
    assert door.xml(f"requests/{number}").findtext("request/description") == "<script>&]]></script> ok"


def test_requests_come_newest_first_and_page_by_page(door: Door) -> None:
    numbers = [door.report(description=f"lamp {n}") for n in range(5)]
    assert [one["service_request_id"] for one in door.get("requests")] == numbers[::-1]
    first = door.client.get("v2/requests.json", params={"page_size": "2"})
    assert [one["service_request_id"] for one in first.json()] == [numbers[4], numbers[3]]
    second = door.client.get(first.links["next"]["url"])
    assert [one["service_request_id"] for one in second.json()] == [numbers[2], numbers[1]]
    last = door.client.get(second.links["next"]["url"])
    assert [one["service_request_id"] for one in last.json()] == [numbers[0]]
    assert "next" not in last.links


def test_numbers_override_every_other_argument(door: Door) -> None:
    numbers = [door.report(description=f"lamp {n}") for n in range(3)]
    asked = ",".join([numbers[0], numbers[2], "no-such"])
    told = door.get("requests", service_request_id=asked, status="closed", service_code="graffiti")
    assert {one["service_request_id"] for one in told} == {numbers[0], numbers[2]}


def test_codes_narrow_the_list_and_may_be_several(door: Door) -> None:
    lamp, tree = door.report(), door.report(service_code="exposed-rubbish")
    door.report(service_code="graffiti")
    told = door.get("requests", service_code="street-lamp-out,exposed-rubbish")
    assert {one["service_request_id"] for one in told} == {lamp, tree}
    assert door.get("requests", service_code="no-such-code") == []


def test_dates_narrow_the_list_both_ends_included(door: Door) -> None:
    number = door.report()
    old = door.report(description="older")
    door.city.sql("UPDATE respond_signal SET received_at = received_at - interval '10 days' WHERE number = %s", old)
    (told,) = door.get("requests", service_request_id=old)
    at = told["requested_datetime"]
    assert [one["service_request_id"] for one in door.get("requests", start_date=at, end_date=at)] == [old]
    later = (datetime.fromisoformat(at) + timedelta(seconds=1)).isoformat()
    assert [one["service_request_id"] for one in door.get("requests", start_date=later)] == [number]
    assert [one["service_request_id"] for one in door.get("requests", end_date=at)] == [old]


def test_without_dates_the_last_90_days_are_told(door: Door) -> None:
    number, old = door.report(), door.report(description="older")
    door.city.sql("UPDATE respond_signal SET received_at = received_at - interval '91 days' WHERE number = %s", old)
    assert [one["service_request_id"] for one in door.get("requests")] == [number]
    assert [one["service_request_id"] for one in door.get("requests", service_request_id=old)] == [old]


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:00Z"},
        {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
        {"start_date": "yesterday"},
        {"start_date": "9999-12-31T00:00:00Z"},
        {"end_date": "0001-01-01T00:00:00Z"},
        {"status": "perhaps"},
        {"page": "0"},
        {"page_size": "1001"},
        {"page_size": "²"},
        {"page": "51"},
        {"page": "501", "page_size": "100"},
        {"page": "9" * 400},
    ],
)
def test_a_question_that_cannot_be_meant_is_refused_in_both_formats(door: Door, query: dict[str, str]) -> None:
    for form in ("json", "xml"):
        answer = door.client.get(f"v2/requests.{form}", params=query)
        assert answer.status_code == 400
        assert "400" in answer.text


def test_empty_arguments_are_as_if_not_sent(door: Door) -> None:
    number = door.report()
    empty = dict.fromkeys(("status", "service_code", "start_date", "end_date", "jurisdiction_id", "page"), "")
    assert [one["service_request_id"] for one in door.get("requests", **empty)] == [number]


def test_a_jurisdiction_is_a_place_code_of_the_city(door: Door) -> None:
    number = door.report()
    assert len(door.get("requests", jurisdiction_id="110000")) == 1
    assert [one["service_request_id"] for one in door.get("requests", jurisdiction_id="110101")] == [number]
    assert door.get("requests", jurisdiction_id="110105") == []
    for path in ("services", "services/graffiti", "requests", f"requests/{number}", f"tokens/{number}"):
        for form in ("json", "xml"):
            assert door.client.get(f"v2/{path}.{form}", params={"jurisdiction_id": "city.gov"}).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [("services/no-such", 404), ("requests/no-such", 404), ("tokens/no-such", 404), ("no-such", 404)],
)
def test_what_is_not_there_is_404_in_the_format_asked_for(door: Door, path: str, status: int) -> None:
    answer = door.client.get(f"v2/{path}.json")
    assert answer.status_code == status
    if path != "no-such":
        (error,) = answer.json()
        assert set(error) == {"code", "description"}
    answer = door.client.get(f"v2/{path}.xml")
    assert answer.status_code == status
    assert f"<errors><error><code>{status}</code><description>" in answer.text


def test_an_address_without_a_format_is_not_there(door: Door) -> None:
    assert door.client.get("v2/services").status_code == 404
    assert door.client.get("v2/services.csv").status_code == 404


def test_only_the_methods_of_the_standard_are_taken(door: Door) -> None:
    assert door.client.delete("v2/requests.json").status_code == 405
    assert door.client.post("v2/services.json").status_code == 405
    head = door.client.head("v2/services.json")
    assert (head.status_code, head.content) == (200, b"")


def test_a_token_leads_to_its_request(door: Door) -> None:
    number = door.report()
    assert door.get(f"tokens/{number}") == [{"service_request_id": number, "token": number}]


def test_the_independent_client_reads_it_in_both_formats(door: Door) -> None:
    number = door.report()
    door.report(service_code="graffiti")
    address = f"{str(door.client.base_url).rstrip('/')}/v2"
    for form in ("json", "xml"):
        client = GeoReport(address, output_format=form)
        assert len(client.get_service_list()) == len(door.get("services"))
        assert client.get_service_definition("fallen-tree")["service_code"] == "fallen-tree"
        found = client.get_service_request(number)
        assert found["service_request_id"] == number
        assert found["service_code"] == LAMP["service_code"]
        assert len(client.get_service_requests()) == 2


def test_an_address_that_reads_too_fast_is_told_when_to_come_again(open311_city: Open311City) -> None:
    with open311_city.serving(OPEN311_PACE="slow readers") as address, httpx.Client(base_url=f"{address}/") as client:
        answers = [client.get("v2/services.json") for _ in range(101)]
        assert answers[0].status_code == 200
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert client.get("v2/services.json", params={"api_key": open311_city.keys["reader"]}).status_code == 200
        assert client.post("v2/requests.json", data=LAMP).status_code == 201


async def _report_beside_readers(city: Open311City) -> int:
    """Take every connection of the readers and report."""
    async with contextlib.AsyncExitStack() as stack:
        pools = await open_pools(stack, city.dsn)
        for _ in range(READING_SIZE_MAX):
            await stack.enter_async_context(pools.reading.connection())
        application: Any = build_open311(pools=pools, keys=Rights(), photos=city.photos)
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost/open311/") as client:
            return (await client.post("v2/requests.json", data=LAMP)).status_code


def test_readers_leave_reports_their_connections(open311_city: Open311City) -> None:
    assert asyncio.run(_report_beside_readers(open311_city)) == 201
