"""GeoReport v2, what may be reported: the fields, the keys, what is refused and kept, what stays unsaid."""

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from lxml import etree

from cityloop.respond.stream.open311.bodies import Bodies
from cityloop.respond.stream.open311.errors import ComeAgainSoonError
from tests.city import eventually
from tests.conformance.open311_city import LAMP, Door, Open311City


def test_a_report_gets_its_number_at_once_and_its_case_later(door: Door) -> None:
    answer = door.post(LAMP)
    assert answer.status_code == 201
    (told,) = answer.json()
    assert set(told) == {"service_request_id", "service_notice", "account_id"}
    number = told["service_request_id"]
    assert answer.headers["location"].endswith(f"/open311/v2/requests/{number}.json")
    assert door.city.sql("SELECT case_id FROM respond_signal WHERE number = %s", number) == [(None,)]
    door.city.turn()
    assert door.city.sql("SELECT number, state FROM respond_case") == [(number, "reported")]
    assert door.get(f"requests/{number}", extensions="true")[0]["extended_attributes"]["case_number"] == number


def test_a_report_is_answered_in_xml_where_that_is_asked(door: Door) -> None:
    root = etree.fromstring(door.post(LAMP, form="xml").content)
    assert root.tag == "service_requests"
    assert root.findtext("request/service_request_id").startswith("110101-")


def test_every_field_of_the_standard_is_kept(door: Door) -> None:
    person = {"first_name": "Li", "last_name": "Ming", "email": "li@example.org", "phone": "13800138000"}
    person |= {"account_id": "a1", "device_id": "d1"}
    number = door.report(
        **person,
        jurisdiction_id="110101",
        address_string="东四三条12号",
        address_id="7",
        media_url="https://example.org/lamp.jpg",
        **{"attribute[pole]": "D-17"},
    )
    (row,) = door.city.sql(
        "SELECT address, address_id, media_url, answers, source, area FROM respond_signal WHERE number = %s", number
    )
    assert row == ("东四三条12号", "7", "https://example.org/lamp.jpg", {"pole": "D-17"}, "citizen", "110101")
    (told,) = door.city.sql("SELECT first_name, last_name, email, phone, account_id, device_id FROM respond_reporter")
    assert told == tuple(person.values())
    assert door.get(f"requests/{number}")[0]["media_url"] == "https://example.org/lamp.jpg"


def test_nothing_that_is_read_tells_who_reported(door: Door) -> None:
    number = door.report(
        first_name="Wangjing", last_name="Secretname", email="who@example.org", phone="13800138000",
        account_id="account-77", device_id="device-88",
        description="路灯坏了，请打13912345678或写信到me@example.org，身份证110101199003071234",
    )  # fmt: skip
    door.city.turn()
    said = ""
    for path in ("requests", f"requests/{number}", f"tokens/{number}"):
        for form in ("json", "xml"):
            said += door.client.get(f"v2/{path}.{form}", params={"extensions": "true"}).text
    said += door.client.get("v2/similar.json", params={k: LAMP[k] for k in ("service_code", "lat", "long")}).text
    hidden = (
        "Wangjing", "Secretname", "who@example.org", "13800138000", "account-77", "device-88", "13912345678",
        "me@example.org", "110101199003071234",
    )  # fmt: skip
    assert [one for one in hidden if one in said] == []
    assert "路灯坏了" in said


def test_no_telephone_in_an_address_or_an_answer_is_told(door: Door) -> None:
    number = door.report(
        address_string="找１３８１２３４５６７８",
        address_id="01088886666",
        **{"attribute[pole]": "D-17 张三 13812345678"},
    )
    (told,) = door.get(f"requests/{number}", extensions="true")
    assert (told["address"], told["address_id"]) == ("找•••", "•••")
    assert told["extended_attributes"]["answers"] == {"pole": "D-17 张三 •••"}
    assert door.city.sql("SELECT address FROM respond_signal") == [("找１３８１２３４５６７８",)]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"service_code": None}, 400, "service_code was not given"),
        ({"service_code": "no-such"}, 404, "no-such"),
        ({"service_code": "rectification"}, 404, "rectification"),
        ({"jurisdiction_id": "sfgov.org"}, 404, "sfgov.org"),
        ({"lat": None, "long": None}, 400, "Say where it is"),
        ({"lat": None}, 400, "both or none"),
        ({"lat": "0", "long": "0"}, 400, "0, 0"),
        ({"lat": "91"}, 400, "degrees"),
        ({"lat": "nan"}, 400, "degrees"),
        ({"lat": "1e400"}, 400, "degrees"),
        ({"lat": "31.2", "long": "121.5"}, 400, "outside the city"),
        ({"description": "x" * 4001}, 400, "too long"),
        ({"media_url": "javascript:alert(1)"}, 400, "http"),
        ({"media_url": 'https://x/"onload=alert(1)'}, 400, "http"),
        ({"email": "nobody"}, 400, "mail"),
        ({"attribute[no-such]": "1"}, 400, "does not ask"),
        ({"attribute[pole]": ["a", "b"]}, 400, "one answer"),
        ({"attribute[pole]": "a\nb"}, 400, "line"),
        ({"service_code": "fallen-tree"}, 400, "needs an answer"),
        ({"service_code": "fallen-tree", "attribute[blocked]": "perhaps"}, 400, "none of the answers"),
        ({"service_code": "water-on-road", "attribute[depth_cm]": "deep"}, 400, "no number"),
        ({"service_code": "construction-noise", "attribute[since]": "long ago"}, 400, "ISO 8601"),
    ],
)  # fmt: skip
def test_a_wrong_report_is_refused_with_its_reason(
    door: Door, fields: dict[str, str | None], status: int, words: str
) -> None:
    got = door.refused(**fields)
    assert got[0] == status
    assert words in got[1]
    assert door.city.sql("SELECT count(*) FROM respond_signal") == [(0,)]


def test_answers_of_every_kind_are_kept(door: Door) -> None:
    several = {"service_code": "road-damaged", "attribute[part][]": ["footpath", "tactile", "footpath"]}
    number, figure = door.report(**several), door.report(service_code="water-on-road", **{"attribute[depth_cm]": "27"})
    since = door.report(service_code="construction-noise", **{"attribute[since]": "2026-11-30T22:00:00+08:00"})
    kept = dict(door.city.sql("SELECT number, answers FROM respond_signal"))
    assert kept[number] == {"part": ["footpath", "tactile"]}
    assert kept[figure] == {"depth_cm": 27.0}
    assert kept[since] == {"since": "2026-11-30T22:00:00+08:00"}


def test_an_address_alone_will_do_and_names_its_district(door: Door) -> None:
    answer = door.post({"service_code": "graffiti", "address_string": "朝阳区建国路88号"})
    number = answer.json()[0]["service_request_id"]
    assert number.startswith("110105-")
    assert door.post({"service_code": "graffiti", "address_id": "17"}).json()[0]["service_request_id"][:6] == "110000"
    door.city.turn()
    assert len(door.get("requests")) == 2


def test_hostile_strings_stay_what_they_are(door: Door) -> None:
    hostile = "'; DROP TABLE respond_case; -- %s %(x)s \\ {{7*7}} ${jndi:x} \U0001f4a5 <b>"
    number = door.report(description=hostile + "\x00\x1b\u202e", address_string=hostile, first_name=hostile[:50])
    door.city.turn()
    (told,) = door.get(f"requests/{number}")
    assert (told["description"], told["address"]) == (hostile, hostile)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 400),
        ("", b"service_code=graffiti", 400),
        ("application/x-www-form-urlencoded", b"description=%ff%fe", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(300)), 400),
        ("application/x-www-form-urlencoded", b"description=" + b"x" * 70_000, 413),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=B", b"--B\r\nnothing\r\n--B--", 400),
        ("multipart/form-data; boundary=B", b"--B--", 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(door: Door, content_type: str, body: bytes, status: int) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert door.client.post("v2/requests.json", content=body, headers=headers).status_code == status


def test_what_is_refused_is_counted_and_kept_without_the_person(door: Door) -> None:
    door.refused(service_code="no-such", first_name="Secretname", phone="13800138000", description="call 13912345678")
    rows = eventually(
        lambda: door.city.sql("SELECT payload FROM sense_rejected WHERE reason = 'ServiceUnknown'"),
        what="the refusal is set aside",
    )
    payload = bytes(rows[0][0]).decode()
    assert "no-such" in payload
    assert not any(one in payload for one in ("Secretname", "13800138000", "13912345678"))
    assert door.city.sql("SELECT sum(count) > 0 FROM sense_rejectedcount WHERE mouth = 'open311'") == [(True,)]


def test_the_same_report_of_one_device_is_kept_once(door: Door) -> None:
    assert door.report(device_id="phone-1") == door.report(device_id="phone-1")
    assert door.report(device_id="phone-1", description="another") != door.report(device_id="phone-1")
    assert door.report(device_id="phone-2") != door.report(device_id="phone-1")
    assert door.city.sql("SELECT count(*) FROM respond_signal") == [(3,)]


def test_a_retry_with_its_key_is_kept_once_and_a_key_serves_one_report(door: Door) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first, again = (door.post(LAMP, headers=headers).json()[0]["service_request_id"] for _ in range(2))
    assert first == again
    other = door.post({**LAMP, "description": "another"}, headers=headers)
    assert other.status_code == 400
    assert "Idempotency-Key" in other.json()[0]["description"]


def test_many_at_once_get_numbers_without_gap_or_double(door: Door) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: door.report(description=f"lamp {n}"), range(200)))
    assert sorted(int(one.rpartition("-")[2]) for one in numbers) == list(range(1, 201))


def test_the_same_sent_at_once_by_one_device_is_kept_once(door: Door) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = set(pool.map(lambda _n: door.report(device_id="hasty"), range(40)))
    assert len(numbers) == 1
    assert door.city.sql("SELECT count(*) FROM respond_signal") == [(1,)]


def test_a_key_must_be_valid_and_may_be_limited_to_a_district(door: Door) -> None:
    keys = door.city.keys
    assert door.report(api_key=keys["app"])
    assert door.report(api_key=keys["dongcheng"])
    assert door.refused(api_key="wrong") == (403, "This api_key is not valid for reports.")
    assert door.refused(api_key=keys["reader"])[0] == 403
    assert door.refused(api_key=keys["dongcheng"], lat="39.9219", long="116.4436")[0] == 403
    actors = {row[0].partition(":")[0] for row in door.city.sql("SELECT reporter FROM respond_signal")}
    assert actors == {"token"}


def test_where_a_key_is_needed_reading_needs_none(open311_city: Open311City) -> None:
    with open311_city.serving(OPEN311_KEY_NEEDED="yes") as address, httpx.Client(base_url=f"{address}/") as client:
        assert client.get("v2/services.xml").status_code == 200
        refused = client.post("v2/requests.xml", data=LAMP)
        assert refused.status_code == 403
        assert "<code>403</code>" in refused.text
        assert client.post("v2/requests.xml", data={**LAMP, "api_key": open311_city.keys["app"]}).status_code == 201


def test_an_address_that_reports_too_fast_is_told_when_to_come_again(open311_city: Open311City) -> None:
    with open311_city.serving(OPEN311_PACE="anybody") as address, httpx.Client(base_url=f"{address}/") as client:
        answers = [client.post("v2/requests.json", data=LAMP) for _ in range(22)]
        assert [one.status_code for one in answers[:20]] == [201] * 20
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert _refused_before_its_body(client.base_url) == b"HTTP/1.1 429"
        keyed = client.post("v2/requests.json", data=LAMP, params={"api_key": open311_city.keys["app"]})
        assert keyed.status_code == 201


def _refused_before_its_body(address: httpx.URL) -> bytes:
    head = f"POST {address.path}v2/requests.json HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n"
    with socket.create_connection((address.host, address.port or 80), timeout=10) as line:
        line.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode())
        return line.recv(12)


def test_a_key_in_the_body_is_a_key(open311_city: Open311City) -> None:
    with open311_city.serving(OPEN311_PACE="anybody") as address, httpx.Client(base_url=f"{address}/") as client:
        keyed = {**LAMP, "api_key": open311_city.keys["app"]}
        answers = {client.post("v2/requests.json", data=keyed).status_code for _ in range(30)}
        assert answers == {201}


def test_a_report_that_cannot_be_read_counts_as_one(open311_city: Open311City) -> None:
    with open311_city.serving(OPEN311_PACE="anybody") as address, httpx.Client(base_url=f"{address}/") as client:
        answers = [client.post("v2/requests.json", json=LAMP).status_code for _ in range(22)]
        assert (answers[0], answers[-1]) == (400, 429)


async def _half(bodies: Bodies, sender: str, *, is_keyed: bool, enough: asyncio.Event) -> bytes:
    """Send one half, wait, and send the other."""
    parts = [{"type": "http.request", "body": b"x" * 30, "more_body": more} for more in (True, False)]

    async def receive() -> dict[str, object]:
        if len(parts) == 1:
            await enough.wait()
        return parts.pop(0)

    return await bodies.read(receive, b"60", sender=sender, is_keyed=is_keyed, bytes_max=100)


async def _sent_together(*senders: tuple[str, bool]) -> list[bytes | BaseException]:
    bodies, enough = Bodies(bytes_max=100, sender_bytes_max=50), asyncio.Event()
    sending = [asyncio.create_task(_half(bodies, name, is_keyed=is_keyed, enough=enough)) for name, is_keyed in senders]
    await asyncio.sleep(0.01)
    enough.set()
    outcome = await asyncio.gather(*sending, return_exceptions=True)
    assert await _half(bodies, "again", is_keyed=True, enough=enough) == b"x" * 60
    return outcome


def test_bodies_on_their_way_are_bounded_together_and_by_sender() -> None:
    keyless, keyed, many = (
        asyncio.run(_sent_together(*senders))
        for senders in ([("a", False)], [("a", True)], [(name, True) for name in "abcd"])
    )
    assert isinstance(keyless[0], ComeAgainSoonError)
    assert keyed == [b"x" * 60]
    assert any(isinstance(one, ComeAgainSoonError) for one in many)


def test_signals_of_one_matter_are_one_case_with_many_reporters(door: Door) -> None:
    first = door.report(service_code="manhole-cover-missing", **{"attribute[danger]": "no"})
    near = door.report(service_code="manhole-cover-damaged", lat="39.92895")
    far = door.report(service_code="manhole-cover-missing", lat="39.9299", **{"attribute[danger]": "no"})
    door.city.turn()
    told = {one["service_request_id"]: one["extended_attributes"] for one in door.get("requests", extensions="true")}
    assert {number: one["case_number"] for number, one in told.items()} == {first: first, near: first, far: far}
    assert (told[first]["merged"], told[near]["merged"]) == (False, True)
    due = door.city.sql("SELECT s.number, d.news FROM respond_answerdue d JOIN respond_signal s ON s.id = d.signal_id")
    assert due == [(near, "merged")]


def test_who_is_about_to_report_sees_what_was_reported_nearby(door: Door) -> None:
    number = door.report()
    place = {"service_code": "street-lamp-out", "lat": "39.9293", "long": "116.4164"}
    (found,) = door.get("similar", **place)
    assert found["service_request_id"] == number
    assert found["distance_m"] == pytest.approx(44.5, abs=1.0)
    assert door.get("similar", **{**place, "service_code": "graffiti"}) == []
    assert door.get("similar", **{**place, "lat": "39.94"}) == []
    assert door.client.get("v2/similar.json", params={"service_code": "graffiti"}).status_code == 400


def test_a_request_is_open_until_its_case_has_ended(door: Door) -> None:
    numbers = {state: door.report(description=state, lat=f"39.{9200 + 9 * n}") for n, state in enumerate(STATES)}
    door.city.turn()
    for state, number in numbers.items():
        door.city.sql("UPDATE respond_case SET state = %s WHERE number = %s", state, number)
    closed = {one["service_request_id"] for one in door.get("requests", status="closed")}
    opened = {one["service_request_id"] for one in door.get("requests", status="open")}
    ended = {numbers[state] for state in ("closed", "evaluated", "rejected", "void")}
    assert closed == ended
    assert opened == set(numbers.values()) - ended
    assert len(door.get("requests", status="open,closed")) == len(numbers)


STATES = (
    "reported", "accepted", "verifying", "filed", "dispatched", "handling", "delay_pending", "suspended", "answered",
    "checking", "rework", "closed", "evaluated", "rejected", "void",
)  # fmt: skip


PAST = {"requested_datetime": "2016-07-13T15:11:07Z", "closed_datetime": "2016-07-14T12:13:22Z"}


def test_a_key_of_the_city_hands_over_what_was_finished_elsewhere(door: Door) -> None:
    key = {"api_key": door.city.keys["app"]}
    closed = door.report(**key, **PAST, status_notes="done, call 13800138000")
    still_open = door.report(**key, requested_datetime="2016-07-13T15:11:08Z")
    assert closed == "110101-20160713-0001"
    door.city.turn()
    told = {one["service_request_id"]: one for one in door.get("requests", service_request_id=f"{closed},{still_open}")}
    assert (told[closed]["status"], told[closed]["status_notes"]) == ("closed", "done, call •••")
    assert told[closed]["requested_datetime"] == PAST["requested_datetime"]
    assert told[closed]["updated_datetime"] == PAST["closed_datetime"]
    assert told[still_open]["status"] == "open"
    assert door.city.sql("SELECT count(*) FROM respond_steptaken WHERE step = 'take_over'") == [(1,)]
    assert door.city.sql("SELECT count(*) FROM journal_fact WHERE kind = 'responded.CaseClosed'") == [(0,)]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"requested_datetime": "2016-07-13T15:11:07"}, 400),
        ({"requested_datetime": "1900-01-01T00:00:00Z"}, 400),
        ({"requested_datetime": "2999-01-01T00:00:00Z"}, 400),
        ({"closed_datetime": "2016-07-14T12:13:22Z"}, 400),
        ({"requested_datetime": PAST["closed_datetime"], "closed_datetime": PAST["requested_datetime"]}, 400),
        ({"requested_datetime": "long ago"}, 400),
    ],
)
def test_a_past_that_cannot_be_is_refused(door: Door, fields: dict[str, str], status: int) -> None:
    assert door.refused(api_key=door.city.keys["app"], **fields)[0] == status


def test_nobody_else_hands_over_a_past(door: Door) -> None:
    assert door.refused(**PAST)[0] == 403
    assert door.refused(**PAST, api_key=door.city.keys["dongcheng"])[0] == 403


def test_updates_can_be_asked_for(door: Door) -> None:
    number, other = door.report(), door.report(service_code="graffiti")
    door.city.turn()
    door.city.sql("UPDATE respond_case SET moved_at = '2026-03-01T08:00:00Z', opened_at = '2026-01-01T08:00:00Z'"
                  " WHERE number = %s", number)  # fmt: skip
    span = {"updated_after": "2026-02-28T00:00:00Z", "updated_before": "2026-03-02T00:00:00Z"}
    assert [one["service_request_id"] for one in door.get("requests", **span)] == [number]
    assert [one["service_request_id"] for one in door.get("requests", updated_after="2026-11-01T00:00:00Z")] == [other]


def test_a_preflight_lets_web_pages_report(door: Door) -> None:
    answer = door.client.options("v2/requests.json", headers={"Origin": "https://example.org"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


def test_errors_speak_chinese_to_who_reads_it(door: Door) -> None:
    answer = door.post({"service_code": "graffiti"}, headers={"Accept-Language": "zh-CN"})
    assert json.loads(answer.content)[0]["description"].startswith("请说明位置")
