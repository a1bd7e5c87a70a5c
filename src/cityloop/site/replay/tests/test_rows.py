"""Rows become readings, and what is left out is counted with its reason."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityloop.kernel.instants import to_us
from cityloop.site.replay.mapping import Mapping, MappingError, TimeColumns, parsed
from cityloop.site.replay.rows import NoReadingsError, files_present, instant_us, read_recording

MAPPING = """
title = { zh = "温度", en = "Temperature" }
[[source]]
files = "*.csv*"
time = { column = "at", zone = "UTC" }
columns = { t = { stream = "heat.{stem}", scale = 2, drop = [-39.9], minimum = -100, maximum = 300 } }
"""


def mapping() -> Mapping:
    return parsed(MAPPING, name="heat.toml")


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    rows = [
        "at,t",
        "2024-01-01T00:00:00,1",
        "2024-01-01T01:00:00,-39.9",
        "2024-01-01T02:00:00,",
        "2024-01-01T03:00:00,warm",
        "2024-01-01T04:00:00,999",
        "someday,3",
        "2024-01-01T00:00:00,7",
        "2024-01-01T05:00:00",
        "2024-01-01T06:00:00,nan",
    ]
    (tmp_path / "L4.csv").write_text("\n".join(rows), encoding="utf-8")
    recording = read_recording(mapping(), tmp_path)
    assert recording.streams == ("heat.l4",)
    assert recording.events.value.tolist() == [2.0]
    assert dict(recording.dropped) == {
        "fault value": 1,
        "empty": 2,
        "not a number": 2,
        "out of range": 1,
        "unreadable time": 1,
        "repeated time": 1,
    }


def test_rows_newest_first_and_packed_files_are_put_in_order(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "b.csv.gz", "wt", encoding="utf-8") as stream:
        stream.write("at,t\n2024-01-02T00:00:00,2\n2024-01-01T00:00:00,1\n")
    (tmp_path / "a.csv").write_text("\ufeffat,t\n2024-01-01T12:00:00,3\n", encoding="utf-8")
    events = read_recording(mapping(), tmp_path).events
    assert events.value.tolist() == [2.0, 6.0, 4.0]
    assert (np.diff(events.time_us) > 0).all()


def test_a_missing_file_and_a_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such file"):
        read_recording(mapping(), tmp_path)
    assert not files_present(mapping(), tmp_path)
    (tmp_path / "a.csv").write_text("at,other\n", encoding="utf-8")
    assert files_present(mapping(), tmp_path)
    with pytest.raises(MappingError, match="has no such column") as caught:
        read_recording(mapping(), tmp_path)
    assert caught.value.field == "columns.t"


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"not an archive")
    with pytest.raises(MappingError, match="cannot be read"):
        read_recording(mapping(), tmp_path)


def test_files_without_readings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("at,t\n2024-01-01T00:00:00,\n", encoding="utf-8")
    with pytest.raises(NoReadingsError):
        read_recording(mapping(), tmp_path)


def test_the_clock_on_the_wall_is_carried_over_to_the_city() -> None:
    rome = ZoneInfo("Europe/Rome")
    time = TimeColumns(columns=("at",), format="iso", zone=ZoneInfo("UTC"), local_zone=rome)
    assert instant_us("2022-07-01T06:00:00Z", time) == to_us(datetime(2022, 7, 1, 0, tzinfo=UTC))
    exact = TimeColumns(columns=("at",), format="%Y %m %d %H", zone=rome, local_zone=None)
    assert instant_us("2022 7 1 8", exact) == to_us(datetime(2022, 7, 1, 6, tzinfo=UTC))
