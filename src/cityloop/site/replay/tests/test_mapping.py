"""Mapping files say what is wrong with them, and where."""

from pathlib import Path

import pytest

from cityloop.kernel.declarations import Origin
from cityloop.site.replay.mapping import Column, MappingError, mapping_of, parsed

GOOD = """
project = "lifelines"
origin = "replayed"
title = { zh = "用水量", en = "Water use" }
[shift]
by = "years"
keep_ahead_days = 7
[[source]]
files = "water/*.csv.gz"
time = { columns = ["day", "hour"], format = "%Y-%m-%d %H", zone = "Europe/Rome", local_zone = "Europe/Rome" }
[source.columns]
one = "zone-1"
two = { stream = "zone-2", scale = 0.5, offset = 1, drop = [-39.9], minimum = 0, maximum = 9 }
"""


def test_a_mapping_says_what_each_column_is() -> None:
    mapping = parsed(GOOD, name="water.toml")
    assert (mapping.name, mapping.project, mapping.origin) == ("water", "lifelines", Origin.REPLAYED)
    assert mapping.source_text.in_language("en") == "Water use"
    assert (mapping.shift.by, mapping.shift.keep_ahead_days) == ("years", 7.0)
    first, second = mapping.sources[0].columns
    assert first == Column(name="one", stream="zone-1")
    assert second == Column(name="two", stream="zone-2", scale=0.5, offset=1.0, drop=(-39.9,), minimum=0.0, maximum=9.0)
    assert mapping.sources[0].time.columns == ("day", "hour")


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ('project = "lifelines"', "project = 7", "project"),
        ('origin = "replayed"', 'origin = "invented"', "origin"),
        ('en = "Water use"', 'en = " "', "title"),
        ('zh = "用水量", ', "", "title.zh"),
        ('by = "years"', 'by = "moons"', "shift.by"),
        ("keep_ahead_days = 7", "keep_ahead_days = -1", "shift.keep_ahead_days"),
        ("keep_ahead_days = 7", 'keep_ahead_days = "7"', "shift.keep_ahead_days"),
        ('files = "water/*.csv.gz"', "", "source[1].files"),
        ('zone = "Europe/Rome"', 'zone = "Mars/Olympus"', "source[1].time.zone"),
        ('columns = ["day", "hour"]', "columns = []", "source[1].time.column"),
        ('one = "zone-1"', "one = 1", "source[1].columns.one"),
        ("scale = 0.5", 'scale = "half"', "source[1].columns.two.scale"),
        ("scale = 0.5", "scale = true", "source[1].columns.two.scale"),
        ("drop = [-39.9]", "drop = -39.9", "source[1].columns.two.drop"),
        ('stream = "zone-2"', "streem = 1", "source[1].columns.two.streem"),
        ("[shift]", "[shrift]", "shrift"),
        ("[[source]]", "[[source", "file"),
    ],
)
def test_a_bad_mapping_names_the_field_at_fault(before: str, after: str, field: str) -> None:
    assert before in GOOD
    with pytest.raises(MappingError) as caught:
        parsed(GOOD.replace(before, after, 1), name="water.toml")
    assert caught.value.field == field
    assert field in str(caught.value)
    assert "water.toml" in str(caught.value)


def test_a_mapping_without_a_source_is_refused() -> None:
    with pytest.raises(MappingError, match="at least one"):
        parsed('title = { zh = "水", en = "Water" }', name="water.toml")


def test_a_mapping_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"gone\.toml"):
        mapping_of(tmp_path / "gone.toml")


def test_a_mapping_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "water.toml").write_text(GOOD, encoding="utf-8")
    assert mapping_of(tmp_path / "water.toml") == parsed(GOOD, name="water.toml")
