"""Independent clients create, query and delete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.sta_service import Sta

STAPY_PYTHON = Path(os.environ.get("CITYLOOP_STAPY_PYTHON", Path(sys.prefix) / "stapy" / "bin" / "python"))
"""Python of an environment of its own that holds stapy: it pins `requests`."""

_STAPY = """
import sys
from stapy import Entity, Post, Patch, Delete, Query, set_sta_url
set_sta_url(sys.argv[1])
thing = Post.thing("gate", "a sluice gate", properties={"river": "Yongding"})
point = {"type": "Point", "coordinates": [116.2, 39.9]}
Post.location("bank", "the bank", "application/geo+json", point, thing_id=thing)
sensor = Post.sensor("gauge", "a gauge", "application/pdf", "http://example.org/g.pdf")
quantity = Post.observed_property("level", "water level", "http://example.org/level")
unit = {"name": "metre", "symbol": "m", "definition": "http://qudt.org/vocab/unit/M"}
kind = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
stream = Post.datastream("level", "level", unit, kind, thing, quantity, sensor)
for value in range(3):
    Post.observation(f"2026-01-01T0{value}:00:00Z", value, datastream_id=stream)
print("results", Query(Entity.Observation).filter("result gt 0").select("result").order("result").get_data_sets())
Patch.thing(thing, name="weir")
print("name", Query(Entity.Thing).entity_id(thing).select("name").get_data_sets())
Delete.entity(Entity.Thing, thing)
print("done")
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_frost_client_creates_queries_and_deletes(sta: Sta) -> None:
    fsc = pytest.importorskip("frost_sta_client", reason="frost-sta-client is not installed")
    geojson = pytest.importorskip("geojson")
    service = fsc.SensorThingsService(sta.address)
    place = fsc.Location(
        name="p", description="place", encoding_type="application/geo+json", location=geojson.Point((116.4, 39.9))
    )
    thing = fsc.Thing(name="pump", description="a pump", properties={"power_kw": 5}, locations=[place])
    service.create(thing)
    unit = fsc.UnitOfMeasurement(name="kilopascal", symbol="kPa", definition="http://qudt.org/vocab/unit/KiloPA")
    stream = fsc.Datastream(
        name="pressure",
        description="pressure",
        observation_type="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        unit_of_measurement=unit,
        thing=fsc.Thing(id=thing.id),
        sensor=fsc.Sensor(name="s", description="s", encoding_type="application/pdf", metadata="http://example.org"),
        observed_property=fsc.ObservedProperty(name="pressure", definition="http://example.org/p", description="p"),
    )
    service.create(stream)
    for hour in range(5):
        service.create(
            fsc.Observation(
                result=hour, phenomenon_time=f"2026-01-01T0{hour}:00:00Z", datastream=fsc.Datastream(id=stream.id)
            )
        )
    found = service.things().query().filter("name eq 'pump' and properties/power_kw gt 4").expand("Datastreams").list()
    assert [item.id for item in found] == [thing.id]
    observations = service.observations().query().filter("result ge 2").orderby("result", "desc").top(2).list()
    assert [item.result for item in observations] == [4, 3, 2]
    known = service.things().find(thing.id)
    known.name = "booster"
    service.update(known)
    assert service.things().find(thing.id).name == "booster"
    service.delete(known)
    assert sta.get("Observations")["value"] == []


@pytest.mark.skipif(
    not STAPY_PYTHON.exists(), reason="no environment with stapy (CITYLOOP_STAPY_PYTHON names its Python)"
)
def test_stapy_creates_queries_and_deletes(sta: Sta) -> None:
    done = subprocess.run(
        [STAPY_PYTHON, "-W", "ignore", "-c", _STAPY, sta.address],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("results") and "1" in line and "2" in line for line in lines), done.stdout
    assert any(line.startswith("name") and "weir" in line for line in lines), done.stdout
    assert sta.get("Things")["value"] == []
