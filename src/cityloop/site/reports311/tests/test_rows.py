"""Published extracts are read as they are, and what is wrong with a row is said."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cityloop.site.reports311.rows import Dirt, Row, read_rows
from cityloop.site.reports311.sending import Mover, Sent, Tally, categories, fields_of

SF_HEAD = (
    "unique_key,created_date,closed_date,resolution_action_updated_date,status,status_notes,agency_name,category,"
    "complaint_type,descriptor,incident_address,supervisor_district,neighborhood,location,source,media_url,latitude,"
    "longitude,police_district\n"
)
NYC_HEAD = (
    "Unique Key,Created Date,Closed Date,Complaint Type,Descriptor,Location Type,Incident Address,Borough,Status,"
    "Resolution Description,Latitude,Longitude\n"
)


def sf(tmp_path: Path, *rows: tuple[str, str, str, str, str]) -> list[Row]:
    """Read rows of key, created, closed, status, and place with the police district behind it."""
    lines = [
        f"{key},{created},{closed},,{status},done,DPW,Sewer Issues,Odor,Odor,1 Main St,,,,Web,,{place}\n"
        for key, created, closed, status, place in rows
    ]
    file = tmp_path / "sf.csv.gz"
    file.write_bytes(gzip.compress((SF_HEAD + "".join(lines)).encode()))
    return list(read_rows(file, "sf-311"))


HERE, NOWHERE = "37.7,-122.4,", "0.0,0.0,"
OPENED, LATER, EARLIER = "2016-07-13 15:11:07+00:00", "2016-07-14 12:13:22+00:00", "2016-07-12 12:00:00+00:00"


ENDED_1900 = "1900-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    ("told", "dirt", "closed_at"),
    [
        ((OPENED, LATER, "Closed", HERE), set(), LATER),
        ((OPENED, "", "Open", HERE), set(), None),
        ((OPENED, LATER, "Closed", NOWHERE), {Dirt.NO_PLACE}, LATER),
        ((OPENED, EARLIER, "Closed", HERE), {Dirt.CLOSED_BEFORE_OPENED}, OPENED),
        ((OPENED, ENDED_1900, "Closed", HERE), {Dirt.UNBELIEVABLE_YEAR}, OPENED),
        ((OPENED, ENDED_1900, "Open", HERE), {Dirt.UNBELIEVABLE_YEAR}, None),
        ((OPENED, "", "Closed", HERE), {Dirt.CLOSED_WITHOUT_TIME}, OPENED),
        (("yesterday", "", "Open", HERE), {Dirt.BROKEN_ROW}, None),
    ],
)
def test_what_is_wrong_with_a_row_is_said_and_its_end_makes_sense(
    tmp_path: Path, told: tuple[str, str, str, str], dirt: set[Dirt], closed_at: str | None
) -> None:
    (row,) = sf(tmp_path, ("1", *told))
    assert row.dirt == dirt
    assert row.closed_at == (datetime.fromisoformat(closed_at) if closed_at else None)


def test_a_key_that_comes_again_is_told(tmp_path: Path) -> None:
    rows = sf(tmp_path, *[("7", OPENED, "", "Open", HERE)] * 2)
    assert [row.dirt for row in rows] == [set(), {Dirt.REPEATED_KEY}]


def test_new_york_writes_its_own_time(tmp_path: Path) -> None:
    file = tmp_path / "nyc.csv"
    file.write_text(NYC_HEAD + "9,07/20/2020 10:51:12 AM,01/01/1900 12:00:00 AM,Elevator,,,1 St,BRONX,Closed,x,,\n")
    (row,) = read_rows(file, "nyc-311")
    assert row.opened_at == datetime(2020, 7, 20, 14, 51, 12, tzinfo=UTC)
    assert row.dirt == {Dirt.UNBELIEVABLE_YEAR, Dirt.NO_PLACE}
    assert row.address == "1 St, BRONX"


def test_torn_rows_of_the_extract_without_a_head_are_broken(tmp_path: Path) -> None:
    file = tmp_path / "short.csv"
    file.write_text('1,07/20/2020 10:51:12 AM,,Sewer,BRONX\n fish and meat markets,x\n2,07/20/2020,,Sewer,"a, b"\n')
    rows = list(read_rows(file, "nyc-311-2020"))
    assert [Dirt.BROKEN_ROW in row.dirt for row in rows] == [False, True, True]
    assert [Dirt.STRANGE_ADDRESS in row.dirt for row in rows] == [False, True, True]


def test_a_form_names_its_extract_and_leaves_the_foreign_place_out(tmp_path: Path) -> None:
    (row,) = sf(tmp_path, ("1", OPENED, LATER, "Closed", HERE))
    form = fields_of(row, layout="sf-311", mover=None)
    assert form == {
        "service_code": "sewer-overflow",
        "description": "Sewer Issues, Odor",
        "address_string": "[sf-311] 1 Main St",
        "requested_datetime": "2016-07-13T15:11:07+00:00",
        "closed_datetime": "2016-07-14T12:13:22+00:00",
        "status_notes": "done",
    }
    row.category = "MUNI Feedback"
    assert fields_of(row, layout="sf-311", mover=None)["service_code"] == "other-matter"
    assert Dirt.UNKNOWN_CATEGORY in row.dirt


def test_a_moved_place_lies_in_the_city_and_says_that_it_is_moved(tmp_path: Path) -> None:
    (row,) = sf(tmp_path, ("1", OPENED, LATER, "Closed", HERE))
    mover = Mover([(-122.5, 37.6), (-122.3, 37.8), (-122.4, 37.7)])
    form = fields_of(row, layout="sf-311", mover=mover)
    assert (form["long"], form["lat"]) == ("116.400000", "39.925000")
    assert form["address_string"].startswith("[sf-311, moved] ")
    assert mover.moved((0.0, 0.0)) == (116.55, 39.83)


def test_a_tally_adds_up(tmp_path: Path) -> None:
    rows = sf(tmp_path, ("1", OPENED, LATER, "Closed", NOWHERE), ("x", OPENED, "", "Open", HERE))
    tally = Tally()
    for sent in (Sent(rows[0], number="n"), Sent(rows[1]), Sent(rows[0], reason="full")):
        tally.add(sent)
    assert (tally.rows, tally.taken, tally.closed, tally.refused) == (3, 1, 1, 1)
    assert tally.dirt == {Dirt.NO_PLACE: 2, Dirt.BROKEN_ROW: 1}


def test_categories_are_known_by_extract() -> None:
    assert set(categories()) == {"sf-311", "nyc-311"}
