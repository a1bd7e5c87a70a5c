"""Photos of reports: known by their bytes, bounded, stripped of what they carry, served without a trick."""

import io
import stat
from typing import Any

import httpx
import pytest
from PIL import Image

from cityloop.respond.stream.open311.photos import PIXELS_MAX, SIDE_MAX
from tests.conformance.open311_city import LAMP, Door

HERE = {1: "N", 2: (39.0, 55.0, 44.0), 3: "E", 4: (116.0, 24.0, 59.0)}
"""A position as a phone writes it: in Dongcheng."""

WITHOUT_PLACE = {name: value for name, value in LAMP.items() if name not in ("lat", "long")}


def photo(kind: str = "JPEG", *, size: tuple[int, int] = (64, 48), position: dict[int, Any] | None = None) -> bytes:
    picture, exif = Image.new("RGB", size, (200, 30, 30)), Image.Exif()
    exif[0x010E] = "SECRET-DESCRIPTION"
    exif[0x0110] = "SECRET-CAMERA"
    if position:
        exif[0x8825] = position
    out = io.BytesIO()
    picture.save(out, kind, exif=exif)
    return out.getvalue()


def sent(door: Door, body: bytes, *, name: str = "lamp.jpg", as_field: str = "media", **fields: str) -> httpx.Response:
    return door.client.post("v2/requests.json", data=fields, files={as_field: (name, body, "image/jpeg")})


def url_of(door: Door, answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    (told,) = door.get(f"requests/{answer.json()[0]['service_request_id']}")
    found: str = told["media_url"]
    return found


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_served_as_a_picture_and_nothing_else(door: Door, kind: str) -> None:
    served = door.client.get(url_of(door, sent(door, photo(kind), **LAMP)))
    assert served.status_code == 200
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    with Image.open(io.BytesIO(served.content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (64, 48))


def test_what_a_photo_carries_is_stripped(door: Door) -> None:
    served = door.client.get(url_of(door, sent(door, photo(position=HERE), **LAMP))).content
    with Image.open(io.BytesIO(served)) as picture:
        assert dict(picture.getexif()) == {}
    assert b"SECRET" not in served
    assert b"Exif" not in served


def test_its_position_counts_where_the_reporter_consents(door: Door) -> None:
    answer = sent(door, photo(position=HERE), **WITHOUT_PLACE, use_photo_position="true")
    (told,) = door.get(f"requests/{answer.json()[0]['service_request_id']}")
    assert (told["lat"], told["long"]) == pytest.approx((39.928889, 116.416389), abs=1e-6)
    assert told["service_request_id"].startswith("110101-")


def test_its_position_counts_for_nothing_without_consent(door: Door) -> None:
    answer = sent(door, photo(position=HERE), **WITHOUT_PLACE)
    assert answer.status_code == 400
    assert "Say where it is" in answer.text
    answer = sent(door, photo(position=HERE), **WITHOUT_PLACE, address_string="somewhere")
    assert door.get(f"requests/{answer.json()[0]['service_request_id']}")[0]["lat"] is None


def test_what_the_reporter_says_outweighs_the_photo(door: Door) -> None:
    answer = sent(door, photo(position=HERE), **{**LAMP, "lat": "39.93"}, use_photo_position="true")
    assert door.get(f"requests/{answer.json()[0]['service_request_id']}")[0]["lat"] == 39.93


@pytest.mark.parametrize(
    "body",
    [
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\0" * 100,
        b"\xff\xd8\xff\xe0" + b"<script>alert(1)</script>" * 10,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"RIFF\0\0\0\0WEBP",
        photo()[:200],
        b"%PDF-1.7",
        b"#!/bin/sh\n",
    ],
)
def test_what_is_no_photo_is_refused(door: Door, body: bytes) -> None:
    answer = sent(door, body, **LAMP)
    assert answer.status_code == 400
    assert answer.json()[0]["description"].startswith("media: ")
    assert door.city.sql("SELECT count(*) FROM respond_signal") == [(0,)]


def test_a_script_behind_a_photo_does_not_come_through(door: Door) -> None:
    served = door.client.get(url_of(door, sent(door, photo() + b"<script>alert(1)</script><?php x ?>", **LAMP))).content
    assert b"script" not in served
    assert b"php" not in served


def test_a_photo_of_too_many_pixels_is_refused_before_it_is_decoded(door: Door) -> None:
    side = int(PIXELS_MAX**0.5) + 1
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG")
    answer = sent(door, out.getvalue(), **LAMP)
    assert (answer.status_code, answer.json()[0]["description"]) == (400, "media: the photo has too many pixels")


def test_a_large_photo_is_kept_smaller(door: Door) -> None:
    served = door.client.get(url_of(door, sent(door, photo(size=(4000, 1000)), **LAMP))).content
    with Image.open(io.BytesIO(served)) as picture:
        assert picture.size == (SIDE_MAX, SIDE_MAX // 4)


def test_a_body_beyond_the_bound_is_refused(door: Door) -> None:
    assert sent(door, photo() + b"\0" * (11 * 2**20), **LAMP).status_code == 413


@pytest.mark.parametrize("name", ["../../etc/passwd", "a.php", 'x"\r\nX-Evil: 1', "照片.jpg", "con.jpg\0.exe"])
def test_the_name_of_a_file_means_nothing(door: Door, name: str) -> None:
    before = {file for file in door.city.photos.rglob("*") if file.is_file()}
    url = url_of(door, sent(door, photo(), name=name, **LAMP))
    (new,) = {file for file in door.city.photos.rglob("*") if file.is_file()} - before
    assert url.rpartition("/")[2] == new.name
    assert new.suffix == ".jpg"
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/x.jpg", "0" * 32 + ".php", "0" * 32 + ".jpg", "x", ""],
)
def test_no_path_leads_out_of_the_folder(door: Door, name: str) -> None:
    raw_path = f"/open311/v2/photos/{name}".encode()
    answer = door.client.get(door.client.base_url.copy_with(raw_path=raw_path))
    assert answer.status_code == 404


def test_a_file_comes_as_media_and_alone(door: Door) -> None:
    assert sent(door, photo(), as_field="upload", **LAMP).status_code == 400
    files = [("media", ("a.jpg", photo(), "image/jpeg")), ("media", ("b.jpg", photo(), "image/jpeg"))]
    assert door.client.post("v2/requests.json", data=LAMP, files=files).status_code == 400


def test_the_same_photo_sent_again_by_a_device_is_one_report(door: Door) -> None:
    first, again = (sent(door, photo(), **LAMP, device_id="d").json() for _ in range(2))
    assert first == again
    assert sent(door, photo(size=(65, 48)), **LAMP, device_id="d").json() != first
