"""OGC API Features: what the standard demands, what independent readers make of it, and who sees what."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from geojson_pydantic import Feature, FeatureCollection
from owslib.ogcapi.features import Features

from cityloop.convey.facade import sharing
from cityloop.convey.stream.sharing.features.questions import question_of
from cityloop.convey.stream.sharing.http import QueryError
from cityloop.convey.tests.sharing.conftest import PLACES, Api, SharedCity, aside

ROOT = "/ogc/features/v1"
AIR = f"{ROOT}/collections/air/items"
WATER = f"{ROOT}/collections/water/items"


async def codes(api: Api, path: str = AIR, *, token: str = "", **query: Any) -> list[str]:
    answer = await api.get(path, token=token, **query)
    return [one["properties"]["code"] for one in answer.json()["features"]]


async def water_token(shared: SharedCity) -> str:
    await aside(shared.contract, "water")
    return await aside(shared.token, "environment-bureau")


async def test_the_landing_page_leads_to_everything(shared: SharedCity, api: Api) -> None:
    assert shared.people
    for path in ("", "/"):
        landing = (await api.get(f"{ROOT}{path}")).json()
        for link in landing["links"]:
            answer = await api.get(link["href"])
            assert answer.headers["content-type"] == link["type"]
    assert len((await api.get(f"{ROOT}/conformance")).json()["conformsTo"]) == 3
    assert (await api.get(f"{ROOT}/api")).json()["openapi"].startswith("3.0")
    for path in ("/x", "/collections/x/items", "/collections/x"):
        await api.get(f"{ROOT}{path}", status=401 if "collections" in path else 404)
    assert (await api.client.post(ROOT)).status_code == 405


async def test_a_collection_is_seen_by_whom_its_data_set_is_for(shared: SharedCity, api: Api) -> None:
    async def seen(token: str = "") -> set[str]:
        answer = await api.get(f"{ROOT}/collections", token=token)
        return {one["id"] for one in answer.json()["collections"]}

    assert await seen() == {"districts", "air"}
    token = await aside(shared.token, "environment-bureau")
    assert await seen(token) == {"districts", "air"}
    await api.get(WATER, token=token, status=404)
    await aside(shared.contract, "water")
    assert await seen(token) == {"districts", "air", "water"}
    assert await codes(api, WATER, token=token) == ["specimen/water-a", "specimen/water-b"]
    assert await seen(await aside(shared.token, "heat-group")) == {"districts", "air", "heat"}
    assert await seen(await aside(shared.token)) == {"districts", "air", "water", "heat"}


async def test_a_token_of_a_district_sees_that_district_only(shared: SharedCity, api: Api) -> None:
    token = await aside(shared.token, "water-group", area="110105")
    assert await codes(api, WATER, token=token) == ["specimen/water-a"]


async def test_a_device_sees_what_everybody_sees(shared: SharedCity, api: Api) -> None:
    token = await aside(shared.token, thing_id=1)
    await api.get(WATER, token=token, status=404)


async def test_places_carry_their_latest_values(shared: SharedCity, api: Api) -> None:
    at = datetime.now(UTC) - timedelta(minutes=1)
    await shared.keep("air-a", 35, at=at)
    answer = await api.get(AIR)
    assert answer.headers["content-type"] == "application/geo+json"
    FeatureCollection.model_validate(answer.json())
    (feature,) = answer.json()["features"]
    assert feature["geometry"]["coordinates"] == list(PLACES["air-a"])
    (latest,) = feature["properties"]["latest"]
    assert (latest["result"], latest["unit"], latest["origin"], latest["quality"]) == (35, "m", "simulated", "good")
    one = await api.get(f"{AIR}/{feature['id']}")
    Feature.model_validate(one.json())
    assert {link["rel"] for link in one.json()["links"]} == {"self", "collection"}
    for number in ("0", "x", "999999", "9" * 30):
        await api.get(f"{AIR}/{number}", status=404)


async def test_features_are_filtered_by_box_time_and_properties(shared: SharedCity, api: Api) -> None:
    token = await water_token(shared)
    at = datetime.now(UTC) - timedelta(minutes=10)
    await shared.keep("water-a", 1, at=at)
    await shared.keep("water-b", 1, at=at - timedelta(days=1))

    async def found(**query: Any) -> set[str]:
        return {code[-1] for code in await codes(api, WATER, token=token, **query)}

    assert await found(bbox="116.4,39.9,116.5,40") == {"a"}
    assert await found(bbox="116.4,39.9,0,116.5,40,100") == {"a"}
    assert await found(bbox="170,-10,-170,80") == set()
    assert await found(area="110108") == {"b"}
    assert await found(code="specimen/water-b") == {"b"}
    assert await found(owner="water-group", project="specimen", name="water-a站") == {"a"}
    hour = timedelta(hours=1)
    assert await found(datetime=f"{(at - hour).isoformat()}/..") == {"a"}
    assert await found(datetime=f"/{(at - hour).isoformat()}") == {"b"}
    assert await found(datetime=at.isoformat()) == {"a"}


async def test_what_has_no_reading_fits_every_time(shared: SharedCity, api: Api) -> None:
    assert shared.streams
    assert await codes(api, datetime="2020-01-01T00:00:00Z") == ["specimen/air-a"]


async def test_pages_follow_one_another_and_keep_the_question(shared: SharedCity, api: Api) -> None:
    token, path, seen = await water_token(shared), f"{WATER}?limit=1&project=specimen", []
    while path:
        page = (await api.get(path, token=token)).json()
        assert (page["numberMatched"], page["numberReturned"]) == (2, 1)
        seen += [one["properties"]["code"] for one in page["features"]]
        path = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
        assert not path or "project=specimen" in path
    assert seen == ["specimen/water-a", "specimen/water-b"]


async def test_districts_are_seen_by_everybody(shared: SharedCity, api: Api) -> None:
    assert shared.people
    path = f"{ROOT}/collections/districts/items"
    answer = (await api.get(path)).json()
    FeatureCollection.model_validate(answer)
    assert (len(answer["features"]), answer["numberMatched"]) == (16, 16)
    assert await codes(api, path, code="110105") == ["110105"]
    assert "110105" in await codes(api, path, bbox="116.47,39.94,116.49,39.96")
    first = await codes(api, path, limit=10)
    assert [*first, *await codes(api, path, limit=10, after=first[-1])] == await codes(api, path)
    assert (await api.get(f"{path}/110105")).json()["properties"]["name"] == "朝阳区"
    await api.get(f"{path}/1", status=404)


UNREADABLE = (
    "bbox=1,2,3",
    "bbox=a,b,c,d",
    "bbox=1,9,2,8",
    "bbox=nan,1,2,3",
    "bbox=-200,1,2,3",
    "datetime=x",
    "datetime=2026-01-02/2026-01-01",
    "datetime=2026-13-01",
    "limit=0",
    "limit=x",
    "limit=-1",
    "after=x",
    "f=xml",
    "unknown=1",
    "code=%00",
    "limit=1&limit=2",
)


@pytest.mark.parametrize("query", UNREADABLE)
async def test_what_cannot_be_read_is_refused_with_its_name(shared: SharedCity, api: Api, query: str) -> None:
    assert shared.people
    answer = (await api.get(f"{AIR}?{query}", status=400)).json()
    assert answer["code"] == "400"
    assert answer["field"] == query.partition("=")[0]


def test_a_greater_limit_than_the_greatest_is_that() -> None:
    assert question_of({"limit": "100000"}, ()).limit == 1000
    with pytest.raises(QueryError):
        question_of({"name": "x"}, ())


async def test_every_read_but_the_citys_own_is_in_the_owners_log(shared: SharedCity, api: Api) -> None:
    token = await water_token(shared)
    await api.get(WATER, token=token)
    await api.get(WATER, token=await aside(shared.token))
    await api.get(AIR)
    told = await aside(sharing.reads, sharing.ReadFilter(owners=("water-group",)))
    assert [(one.kind, one.path, one.rows, one.datasets) for one in told] == [("features", WATER, 2, ("water",))]
    told = await aside(sharing.reads, sharing.ReadFilter(owners=("environment-bureau",)))
    assert [(one.token_id, one.organisation) for one in told] == [(None, "")]


@pytest.fixture
async def served(api: Api) -> AsyncIterator[str]:
    """Serve the application on a port of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(api.application, log_level="warning", lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await running
    listening.close()


async def test_an_independent_reader_finds_its_way(shared: SharedCity, api: Api, served: str) -> None:
    await shared.keep("air-a", 35)
    token = await water_token(shared)
    await api.reload()

    def read() -> None:
        assert set(Features(f"{served}{ROOT}/").feature_collections()) == {"districts", "air"}
        reader = Features(f"{served}{ROOT}/", headers={"Authorization": f"Bearer {token}"})
        assert reader.conformance()["conformsTo"]
        assert reader.api()["paths"]
        assert set(reader.feature_collections()) == {"districts", "air", "water"}
        items = reader.collection_items("water", limit=1)
        assert items["numberMatched"] == 2
        assert reader.collection_items("air", bbox=[116, 39, 117, 41])["numberReturned"] == 1
        assert reader.collection_item("water", items["features"][0]["id"])["type"] == "Feature"

    await asyncio.to_thread(read)


async def test_the_open_api_document_names_every_parameter_that_is_read(shared: SharedCity, api: Api) -> None:
    assert shared.people
    document = (await api.get(f"{ROOT}/api")).json()
    named = {one["name"] for one in document["paths"]["/collections/{collectionId}/items"]["get"]["parameters"]}
    assert named == {"collectionId", "bbox", "datetime", "limit", "after", "code", "name", "project", "owner", "area"}
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references <= set(document["components"]["schemas"])
