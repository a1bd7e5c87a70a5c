"""Clients of the SensorThings API of a running city."""

import uuid
from typing import Any

import httpx

POINT = {"type": "Point", "coordinates": [116.3975, 39.9087]}
UNIT = {"name": "kilopascal", "symbol": "kPa", "definition": "http://qudt.org/vocab/unit/KiloPA"}
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


class Sta:
    """The API as a client sees it; `tag` keeps the entities of one test apart from others'."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.tag = uuid.uuid4().hex[:10]

    def get(self, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.client.get(path, params={f"${name}": value for name, value in options.items()})
        assert answer.status_code == status, f"GET {path} {options}: {answer.status_code} {answer.text[:600]}"
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = self.client.post(path, json=body)
        assert answer.status_code == status, f"POST {path}: {answer.status_code} {answer.text[:600]}"
        if status != 201:
            return answer.json() if answer.content else None
        assert answer.headers["Location"].startswith("http")
        return self.client.get(answer.headers["Location"]).json()

    def send(self, method: str, path: str, body: Any = None, status: int = 200, kind: str = "application/json") -> Any:
        answer = self.client.request(method, path, json=body, headers={"Content-Type": kind})
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        return answer

    def names(self, path: str, **options: Any) -> list[str]:
        return [entity["name"] for entity in self.get(path, **options)["value"]]

    def thing(self, **parts: Any) -> dict[str, Any]:
        return {
            "name": f"thing {self.tag}",
            "description": "a pump",
            "properties": {"tag": self.tag, "floors": 3},
            **parts,
        }

    def location(self, name: str = "yard", point: Any = None, kind: str = "application/geo+json") -> dict[str, Any]:
        return {"name": name, "description": "where", "encodingType": kind, "location": point or POINT}

    def sensor(self, name: str = "gauge") -> dict[str, Any]:
        return {
            "name": name,
            "description": "a gauge",
            "encodingType": "application/pdf",
            "metadata": "http://example.org/g.pdf",
        }

    def observed(self, name: str = "pressure") -> dict[str, Any]:
        return {"name": name, "definition": f"http://example.org/{name}", "description": "how hard it presses"}

    def stream(self, name: str = "stream", **parts: Any) -> dict[str, Any]:
        whole = {"name": name, "description": "readings", "observationType": MEASUREMENT, "unitOfMeasurement": UNIT}
        return whole | {"Sensor": self.sensor(), "ObservedProperty": self.observed()} | parts

    def city(self, streams: int = 1, **parts: Any) -> dict[str, Any]:
        """Make a thing with a place and streams, and return it with its streams expanded."""
        body = self.thing(
            Locations=[self.location()], Datastreams=[self.stream(f"stream {n}") for n in range(streams)], **parts
        )
        made = self.post("Things", body)
        return self.get(f"Things({made['@iot.id']})", expand="Datastreams($orderby=name),Locations")

    def observe(self, stream: int, result: Any, time: str = "2026-11-20T08:00:00Z", **parts: Any) -> dict[str, Any]:
        return self.post(f"Datastreams({stream})/Observations", {"result": result, "phenomenonTime": time, **parts})
