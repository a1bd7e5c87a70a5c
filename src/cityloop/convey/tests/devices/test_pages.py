"""The pages of the ledger as people meet them."""

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cityloop.convey.facade import devices as facade
from cityloop.convey.facade.devices import DeviceState
from cityloop.convey.models.devices import Device

from .conftest import asked, row, sheet

EAST = "demo-east-1"
SignIn = Callable[[str], Client]


def shown(browser: Client, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, path
    return str(answer.content.decode())


def sent(browser: Client, data: bytes, **fields: str) -> str:
    file = SimpleUploadedFile("list.csv", data, content_type="text/csv")
    return str(browser.post("/devices/import/", {"file": file, **fields}).content.decode())


@pytest.mark.parametrize(
    "path",
    [
        "/devices/",
        "/devices/?state=online&needs=clock&text=x&page=2",
        "/devices/?page=x",
        f"/devices/{EAST}/",
        "/devices/import/",
    ],
)
def test_every_page_opens(sign_in: SignIn, path: str) -> None:
    shown(sign_in("operator"), path)


def test_the_ledger_shows_rates_with_what_they_are_a_share_of(sign_in: SignIn) -> None:
    Device.objects.filter(code=EAST).update(state="online")
    Device.objects.exclude(code=EAST).update(state="offline")
    page = shown(sign_in("operator"), "/devices/")
    assert "50.0 %" in page
    assert "1 of 2 in service" in page
    assert "simulated" in page
    assert '"level": 3' in page


def test_an_empty_ledger_says_what_to_do(sign_in: SignIn) -> None:
    page = shown(sign_in("air.data"), "/devices/")
    assert "No device is in the ledger" in page
    assert "Take in a list of devices" in page


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("citizen", "/devices/", 403),
        ("assessor", f"/devices/{EAST}/", 403),
        ("air.data", f"/devices/{EAST}/", 403),
        ("chaoyang.duty", f"/devices/{EAST}/", 200),
        ("chaoyang.duty", "/devices/demo-west-2/", 403),
        ("duty1", "/devices/import/", 403),
        ("operator", "/devices/nothing/", 404),
        ("operator", "/devices/import/999.csv", 404),
    ],
)
def test_boundaries_hold_on_every_page(sign_in: SignIn, who: str, path: str, status: int) -> None:
    shown(sign_in(who), path, status)


def test_who_may_only_look_is_offered_nothing_to_do(sign_in: SignIn) -> None:
    page = shown(sign_in("duty1"), f"/devices/{EAST}/")
    assert "Retire" not in page
    assert "key" not in re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL).lower().replace("keyboard", "")


def test_a_device_is_taken_into_maintenance_and_back(sign_in: SignIn) -> None:
    browser = sign_in("water.data")
    browser.post(f"/devices/{EAST}/act/", {"act": "maintain", "reason": "new membrane"})
    assert facade.device(EAST).state is DeviceState.MAINTENANCE
    page = shown(browser, f"/devices/{EAST}/")
    assert "new membrane" in page
    assert "end the maintenance" in page


@pytest.mark.parametrize(("act", "status"), [("retire", 422), ("restore", 422), ("heard", 404), ("fly", 404)])
def test_what_cannot_be_done_is_said(sign_in: SignIn, act: str, status: int) -> None:
    answer = sign_in("operator").post(f"/devices/{EAST}/act/", {"act": act, "reason": ""})
    assert answer.status_code == status
    assert facade.device(EAST).state is DeviceState.TESTED


@pytest.mark.parametrize("path", ["act", "key", "keys/revoke", "secret", "calibration"])
def test_acts_are_for_those_who_manage_the_device(sign_in: SignIn, path: str) -> None:
    body = {"act": "maintain", "reason": "x", "calibrated_on": "2026-01-01", "calibration_due_on": "2027-01-01"}
    for who in ("duty1", "air.data", "assessor"):
        assert sign_in(who).post(f"/devices/{EAST}/{path}/", body).status_code == 403
    assert sign_in("operator").get(f"/devices/{EAST}/{path}/").status_code == 405


def test_a_key_is_shown_once(sign_in: SignIn) -> None:
    browser = sign_in("operator")
    page = browser.post(f"/devices/{EAST}/key/").content.decode()
    (key,) = re.findall(r'id="secret-shown">([^<]+)<', page)
    assert key not in shown(browser, f"/devices/{EAST}/")
    assert key not in str(asked("SELECT * FROM registry_apitoken"))
    browser.post(f"/devices/{EAST}/keys/revoke/")
    assert "revoked" in shown(browser, f"/devices/{EAST}/")


def test_a_retired_device_gets_no_key_and_the_page_says_so(sign_in: SignIn) -> None:
    browser = sign_in("operator")
    browser.post(f"/devices/{EAST}/act/", {"act": "retire", "reason": "gone"})
    answer = browser.post(f"/devices/{EAST}/key/", follow=True)
    assert "gets no credential" in answer.content.decode()


def test_faults_of_a_device_stand_on_its_page(sign_in: SignIn) -> None:
    Device.objects.filter(code=EAST).update(
        clock_skew_s=400.0, impossible_count=500, calibration_due_on="2020-01-01", state="quarantined"
    )
    page = shown(sign_in("operator"), f"/devices/{EAST}/")
    for told in ("400 s wrong", "500 impossible readings", "was due on 2020-01-01", "release from quarantine"):
        assert told in page


def test_refused_messages_of_a_device_stand_on_its_page(sign_in: SignIn) -> None:
    stream = facade.channels_of(facade.device(EAST))[0].datastream_id
    asked(
        "INSERT INTO sense_rejected (mouth, reason, detail, source, payload) VALUES "
        "('mqtt', 'malformed', 'no JSON', %s, '<b>') RETURNING id",
        f"v1.1/Datastreams({stream})/Observations",
    )
    page = shown(sign_in("operator"), f"/devices/{EAST}/")
    assert "no JSON" in page
    assert "&lt;b&gt;" in page


def test_a_calibration_is_noted(sign_in: SignIn) -> None:
    browser = sign_in("operator")
    path = f"/devices/{EAST}/calibration/"
    assert browser.post(path, {"calibrated_on": "x", "calibration_due_on": ""}).status_code == 422
    assert browser.post(path, {"calibrated_on": "2026-01-02", "calibration_due_on": "2026-01-01"}).status_code == 422
    browser.post(path, {"calibrated_on": "2026-01-01", "calibration_due_on": "2027-01-01"})
    assert str(facade.device(EAST).calibration_due_on) == "2027-01-01"


def test_a_list_is_taken_in_and_reported(sign_in: SignIn) -> None:
    browser = sign_in("operator")
    page = sent(browser, sheet(row("NEW-1"), row("NEW-2", unit="furlong")))
    assert "1 device was made" in page
    assert "the unit furlong is not known" in page
    assert "NEW-1," in page
    (report,) = re.findall(r'href="(/devices/import/\d+\.csv)"', page.split("Earlier lists")[0])
    told = browser.get(report).content.decode("utf-8-sig").splitlines()
    assert told[1:] == ["2,NEW-1,made,,", "3,NEW-2,refused,unit,the unit furlong is not known"]
    assert sign_in("water.data").get(report).status_code == 404


@pytest.mark.parametrize("data", [b"", b"x", b"\x81\xff\xff\x00", b"a" * 1_600_000])
def test_a_file_that_is_no_list_is_refused_with_a_sentence(sign_in: SignIn, data: bytes) -> None:
    file = SimpleUploadedFile("list.csv", data)
    answer = sign_in("operator").post("/devices/import/", {"file": file})
    assert answer.status_code == 422
    assert "text-danger" in answer.content.decode()


def test_the_example_can_be_taken_in_by_who_owns_the_devices(sign_in: SignIn) -> None:
    browser = sign_in("water.data")
    example = browser.get("/devices/import/example.csv").content
    assert "1 device was made" in sent(browser, example)
