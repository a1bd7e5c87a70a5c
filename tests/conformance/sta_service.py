"""A client of the SensorThings API under test, and bodies of entities to create."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

DATA = Path(os.environ.get("CITYLOOP_DATA", Path(__file__).parents[3] / "shared" / "data"))
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
KELVIN = {"name": "kelvin", "symbol": "K", "definition": "http://qudt.org/vocab/unit/K"}


@dataclass
class Sta:
    """A client of the service under test."""

    client: httpx.Client

    @property
    def address(self) -> str:
        return str(self.client.base_url).rstrip("/")

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, path, json=body, headers=names)

    def get(self, path: str, **options: Any) -> Any:
        answer = self.ask(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, path: str, **options: Any) -> httpx.Response:
        query = "&".join(f"${name}={quote(str(value))}" for name, value in options.items())
        return self.client.get(f"{path}?{query}" if query else path)

    def names(self, path: str, **options: Any) -> list[str]:
        return [item["name"] for item in self.get(path, **options)["value"]]

    def create(self, path: str, body: Any, **headers: str) -> int:
        answer = self.send("POST", path, body, **headers)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"].startswith("http://")
        key = int(answer.headers["location"].rpartition("(")[2].rstrip(")"))
        assert answer.json()["@iot.id"] == key
        return key

    def stream(self, name: str = "stream", *, at: tuple[float, float] | None = (116.4, 39.9), **more: Any) -> int:
        """Create a datastream with a thing, sensor and property of its own; return its id."""
        return self.create("Datastreams", {**stream_body(name), "Thing": thing_body(name, at=at), **more})

    def observe(self, stream: int, result: Any, phenomenon: str = "", **more: Any) -> int:
        body = {"result": result, "Datastream": {"@iot.id": stream}, **more}
        return self.create("Observations", body | ({"phenomenonTime": phenomenon} if phenomenon else {}))


def location_body(name: str = "place", *, at: tuple[float, float] = (116.4, 39.9), **more: Any) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": list(at)}
    return {"name": name, "description": "a place", "encodingType": "application/geo+json", "location": point, **more}


def thing_body(name: str = "thing", *, at: tuple[float, float] | None = None, **more: Any) -> dict[str, Any]:
    places = {"Locations": [location_body(name, at=at)]} if at else {}
    return {"name": name, "description": "a thing", **places, **more}


def sensor_body(name: str = "sensor") -> dict[str, Any]:
    return {
        "name": name,
        "description": "a sensor",
        "encodingType": "application/pdf",
        "metadata": "http://example.org/s",
    }


def property_body(name: str = "temperature") -> dict[str, Any]:
    return {"name": name, "description": "a quantity", "definition": f"http://example.org/{name}"}


def stream_body(name: str = "stream", **more: Any) -> dict[str, Any]:
    own = {"name": name, "description": "a stream", "observationType": MEASUREMENT, "unitOfMeasurement": KELVIN}
    return {**own, "Sensor": sensor_body(name), "ObservedProperty": property_body(name), **more}
