"""A small city of several owners, and clients with tokens of theirs, for the tests of rights."""

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from tests.city import eventually
from tests.conformance.conftest import TABLES
from tests.conformance.sta_service import Sta, location_body, stream_body, thing_body

CITY, EAST = "110000", "110101"
SECRETS = ("AIRSECRET", "CITYSECRET", "777.25", "555.25")
"""What no reader of the water group's data may ever see: names and results of other owners."""

COLLECTIONS = (
    "Things",
    "Locations",
    "HistoricalLocations",
    "Datastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
)


@dataclass
class Owners:
    """The city.

    Attributes:
        dsn: of its database.
        address: of the API with rights.
        open: a client that may do everything.
        ids: of the entities, by a short name.
    """

    dsn: str
    address: str
    open: Sta
    ids: dict[str, int] = field(default_factory=dict)

    @contextlib.contextmanager
    def client(self, name: str, **rights: Any) -> Iterator[httpx.Client]:
        """Give a client with a token of its own."""
        issue(self.dsn, name, **rights)
        headers = {"Authorization": f"Bearer {name}", "Accept-Language": "en"}
        with httpx.Client(base_url=f"{self.address}/", timeout=30, headers=headers) as client:
            eventually(lambda: client.get("Things").status_code != 401, what="the token is known", within_s=20)
            yield client

    def path(self, template: str) -> str:
        """Return an address with the ids of entities filled in."""
        return template.format(**self.ids)


def issue(dsn: str, name: str, **rights: Any) -> None:
    """Put a token into the book: `organisation`, `area`, `thing_id`, `may_read`, `may_write`, `datasets`."""
    given = {"may_read": True, "may_write": False, "area": CITY, "organisation": "", "thing_id": None, "datasets": ()}
    given |= rights
    with psycopg.connect(dsn, autocommit=True) as connection:
        for code, level, parent in ((CITY, 0, None), (EAST, 1, CITY)):
            connection.execute(
                "INSERT INTO registry_area (code, level, name_zh, name_en, romanised, kind, parent_id) "
                "VALUES (%s, %s, %s, %s, FALSE, '', %s) ON CONFLICT DO NOTHING",
                (code, level, code, code, parent),
            )
        connection.execute(
            "INSERT INTO registry_apitoken (name, digest, may_read, may_write, area_id, issued_at, organisation, "
            "thing_id) VALUES (%s, %s, %s, %s, %s, now(), %s, %s) ON CONFLICT DO NOTHING",
            (
                name,
                hashlib.sha256(name.encode()).hexdigest(),
                given["may_read"],
                given["may_write"],
                given["area"],
                given["organisation"],
                given["thing_id"],
            ),
        )
        for dataset in given["datasets"]:
            connection.execute(
                "INSERT INTO registry_grant (contract_id, organisation, dataset, valid_from, valid_until) "
                "VALUES (1, %s, %s, now() - interval '1 day', now() + interval '1 day')",
                (given["organisation"], dataset),
            )
        connection.execute("NOTIFY cityloop_rights")


def built(dsn: str, address: str, open_sta: Sta) -> Owners:
    """Make the city anew: the water group's, the environment bureau's and the city's own things, partly entangled."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        connection.execute("DELETE FROM registry_apitoken")
        connection.execute("DELETE FROM registry_grant")
    city = Owners(dsn, address, open_sta)
    _water(city)
    _others(city)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for owner, names in (("water", ("W", "Wq")), ("air", ("A",))):
            things = [city.ids[name] for name in names]
            connection.execute("UPDATE sense_thing SET owner = %s WHERE id = ANY(%s)", (owner, things))
        for owner, dataset, names in (
            ("water", "levels", ("w1", "wn")),
            ("water", "", ("w2",)),
            ("air", "quality", ("a1", "aw")),
        ):
            streams = [city.ids[name] for name in names]
            connection.execute(
                "UPDATE sense_datastream SET owner = %s, dataset = %s WHERE id = ANY(%s)", (owner, dataset, streams)
            )
        connection.execute("UPDATE sense_datastream SET area = %s WHERE id = %s", (EAST, city.ids["w1"]))
    return city


def _water(city: Owners) -> None:
    """Make the water group's: thing W with the streams w1 and w2, of which w1 and wn (of thing Wn) are a data set."""
    sta, ids = city.open, city.ids
    ids["W"] = sta.create("Things", thing_body("water works", at=(116.4, 39.9)))
    ids["Wq"] = sta.create("Things", thing_body("water pump"))
    ids["L"] = sta.get(f"Things({ids['W']})/Locations")["value"][0]["@iot.id"]
    for name, thing in (("w1", "W"), ("w2", "W"), ("wn", "Wq")):
        ids[name] = sta.create(f"Things({ids[thing]})/Datastreams", stream_body(f"water {name}"))
    sta.create(f"Things({ids['Wq']})/Locations", location_body("yard", at=(116.5, 39.8)))
    for number in range(3):
        ids[f"ow1{number}"] = sta.observe(ids["w1"], number, f"2026-01-0{number + 1}T00:00:00Z")
        ids[f"ow2{number}"] = sta.observe(ids["w2"], 10 + number, f"2026-01-0{number + 1}T00:00:00Z")
    sta.observe(ids["wn"], 21, "2026-01-02T12:00:00Z", FeatureOfInterest=_feature("pipe"))
    for name in ("w1", "w2"):
        ids[f"S{name}"] = sta.get(f"Datastreams({ids[name]})/Sensor")["@iot.id"]
        ids[f"P{name}"] = sta.get(f"Datastreams({ids[name]})/ObservedProperty")["@iot.id"]
    ids["F"] = sta.get(f"Observations({ids['ow10']})/FeatureOfInterest")["@iot.id"]
    ids["H"] = sta.get(f"Things({ids['W']})/HistoricalLocations")["value"][0]["@iot.id"]


def _others(city: Owners) -> None:
    """Make what others own: air's thing A at the same place, air's stream aw on the water group's thing, the city's."""
    sta, ids = city.open, city.ids
    ids["A"] = sta.create("Things", {**thing_body("AIRSECRET"), "Locations": [{"@iot.id": ids["L"]}]})
    shared = {"ObservedProperty": {"@iot.id": ids["Pw1"]}}
    ids["a1"] = sta.create(f"Things({ids['A']})/Datastreams", stream_body("AIRSECRET one", **shared))
    ids["aw"] = sta.create(f"Things({ids['W']})/Datastreams", stream_body("AIRSECRET two"))
    ids["C"] = sta.create("Things", thing_body("CITYSECRET", at=(116.3, 39.7)))
    ids["c1"] = sta.create(f"Things({ids['C']})/Datastreams", stream_body("CITYSECRET"))
    for name, result in (("a1", 777.25), ("aw", 777.25), ("c1", 555.25)):
        own = {"FeatureOfInterest": _feature("AIRSECRET smoke")} if name == "a1" else {}
        ids[f"o{name}"] = sta.observe(ids[name], result, "2026-01-02T06:00:00Z", **own)
        ids[f"F{name}"] = sta.get(f"Observations({ids[f'o{name}']})/FeatureOfInterest")["@iot.id"]
        ids[f"S{name}"] = sta.get(f"Datastreams({ids[name]})/Sensor")["@iot.id"]


def _feature(name: str) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [116.41, 39.91]}
    return {"name": name, "description": name, "encodingType": "application/geo+json", "feature": point}


def ids_in(text: str) -> dict[str, set[int]]:
    """Return the ids of all entities a text names by address, by entity set."""
    found: dict[str, set[int]] = {name: set() for name in COLLECTIONS}
    for name, key in re.findall(r"/([A-Za-z]+)\((\d+)\)", text):
        found[name].add(int(key))
    return found
