"""A citizen's photo and report travel the loop: number, case, work, check, and the answer at the public door."""

import io
import re
from typing import Any

import httpx
from PIL import Image

from tests.city import City, eventually

COVER = {
    "service_code": "manhole-cover-missing",
    "lat": "39.9219",
    "long": "116.4436",
    "description": "井盖没了，电话13800138000",
    "attribute[danger]": "no",
    "phone": "13800138000",
}


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), (90, 90, 90)).save(out, "JPEG")
    return out.getvalue()


def told(client: httpx.Client, number: str) -> dict[str, Any]:
    (found,) = client.get(f"requests/{number}.json?extensions=true").json()
    return dict(found)


def take(city: City, username: str, case: str, step: str, **fields: Any) -> None:
    answer = city.person(username).submit(case, at=f"{case}step/", step=step, **fields)
    assert answer.status_code == 200, answer.text[-3000:]


def test_a_report_of_a_missing_cover_is_closed_and_answered(city: City) -> None:
    with httpx.Client(base_url=f"{city.address}/open311/v2/", timeout=30, headers={"Accept-Language": "zh"}) as client:
        sent = client.post("requests.json", data=COVER, files={"media": ("a.jpg", photo(), "image/jpeg")})
        number = sent.json()[0]["service_request_id"]
        again = client.post("requests.json", data={**COVER, "lat": "39.92195"}).json()[0]["service_request_id"]
        eventually(lambda: told(client, again)["extended_attributes"]["case_number"], what="the reports have a case")
        assert told(client, again)["extended_attributes"]["case_number"] == number
        assert client.get(told(client, number)["media_url"]).headers["content-type"] == "image/jpeg"

        supervisor = city.person("supervisor")
        queue = supervisor.get(f"/cases/?tab=accept&text={number}").text
        (case,) = set(re.findall(r'href="(/cases/\d+/)"', queue))
        take(city, "supervisor", case, "accept")
        take(city, "supervisor", case, "order_verification")
        take(city, "checker", case, "confirm")
        assert told(client, number)["expected_datetime"]
        take(city, "dispatcher", case, "dispatch", organisation="110105-city-management")
        assert told(client, number)["agency_responsible"]
        take(city, "chaoyang", case, "sign")
        take(city, "chaoyang", case, "finish", note="已补装新井盖，联系13900139000")
        take(city, "supervisor", case, "order_check")
        take(city, "checker", case, "pass_check", note="现场核实")

        for one in (number, again):
            closed = told(client, one)
            assert (closed["status"], closed["status_notes"]) == ("closed", "已补装新井盖，联系•••")
            assert "13800138000" not in str(closed)
        page = supervisor.get(case).text
        assert page.count("已结案") >= 2
        assert "待答复上报人" in page
