"""Files of readings are read row by row, and what is wrong is told with its number."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.sense.stream.bulk.files import ColumnsMissingError, FileKindError, pieces_of
from cityloop.sense.stream.bulk.rows import (
    JSON,
    NUMBER,
    QUALITY,
    RESULT,
    STREAM,
    TIME,
    UNIT,
    WHOLE,
    WIDTH,
    RowReader,
    Rows,
)  # fmt: skip
from cityloop.sense.stream.readings import NO_TIME

BEIJING = ZoneInfo("Asia/Shanghai")


def _streams(_: object, by: str) -> dict[str, tuple[int, str]]:
    known = {"datastream_id": {"1": (1, "m"), "2": (2, "")}, "datastream_code": {"wells/a": (1, "m"), "井": (2, "")}}
    return known[by]


def _read(path: Path, *, zone: ZoneInfo | None = None) -> Rows:
    (piece,) = pieces_of(path)
    return RowReader(_streams, zone=zone).read(piece)


def _csv(folder: Path, text: str) -> Path:
    path = folder / "some.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plain_file_is_read_as_it_stands(tmp_path: Path) -> None:
    rows = _read(
        _csv(tmp_path, "datastream_id,phenomenon_time,result\n1,2026-01-01T00:00:00Z,1.5\n2,2026-01-01T00:00:01Z,-2\n")
    )
    assert (rows.datastream_id.tolist(), rows.result.tolist(), rows.row.tolist()) == ([1, 2], [1.5, -2.0], [1, 2])
    assert rows.time_us.tolist() == [1_767_225_600_000_000, 1_767_225_601_000_000]
    assert (rows.refused, rows.others, rows.quality.tolist()) == ([], {}, [0, 0])


def test_what_is_wrong_is_told_with_the_number_of_its_row(tmp_path: Path) -> None:
    lines = [
        "datastream_id,phenomenon_time,result,unit,quality,feature_id,parameters",
        "1,2026-01-01T00:00:00Z,1,m,good,,",
        "7,2026-01-01T00:00:00Z,1,m,,,",
        "1,2026-13-01T00:00:00Z,1,m,,,",
        "1,2026-01-01T00:00:00,1,m,,,",
        "1,2026-01-01T00:00:00Z,x,m,,,",
        "1,2026-01-01T00:00:00Z,inf,m,,,",
        "1,2026-01-01T00:00:00Z,,m,,,",
        "1,2026-01-01T00:00:00Z,1,kPa,,,",
        "1,2026-01-01T00:00:00Z,1,m,best,,",
        "1,2026-01-01T00:00:00Z,1,m,,a,",
        "1,2026-01-01T00:00:00Z,1,m,,,{",
        "1,2026-01-01T00:00:00Z,1,m",
        "2,2026-01-01T00:00:00+08:00,1,,7,9,",
    ]
    rows = _read(_csv(tmp_path, "\n".join(lines) + "\n"))
    expected = {
        2: STREAM, 3: TIME, 4: TIME, 5: NUMBER, 6: NUMBER, 7: RESULT, 8: UNIT, 9: QUALITY, 10: WHOLE, 11: JSON,
        12: WIDTH,
    }  # fmt: skip
    assert {one.row: one.reason for one in rows.refused} == expected
    assert rows.row.tolist() == [1, 13]
    assert (rows.feature_id.tolist(), rows.quality.tolist()) == ([0, 9], [0, 7])
    assert "kPa" in next(one.text for one in rows.refused if one.row == 8)


def test_times_without_a_zone_are_of_the_given_one(tmp_path: Path) -> None:
    text = "datastream_code,phenomenon_time,result\n井,2026-01-01 08:00:00,1\nwells/a,2026-01-01 08:00:00.5,2\n"
    for ending in ("", "井,2026-01-01T09:00:00+09:00,3\n"):
        rows = _read(_csv(tmp_path, text + ending), zone=BEIJING)
        assert rows.time_us.tolist()[:2] == [1_767_225_600_000_000, 1_767_225_600_500_000]
        assert set(rows.time_us[2:].tolist()) <= {1_767_225_600_000_000}
    assert [one.reason for one in _read(_csv(tmp_path, text)).refused] == [TIME, TIME]


@given(
    st.lists(st.datetimes(timezones=st.just(BEIJING)), min_size=1, max_size=9),
    st.sampled_from(["Z", "", "+08:00", "mixed"]),
)
def test_a_column_of_times_is_read_as_one_by_one(moments: list, ending: str) -> None:
    local = [moment.replace(tzinfo=None).isoformat(timespec="microseconds") for moment in moments]
    plain = RowReader(_streams, zone=BEIJING)
    texts = [text + (ending if ending != "mixed" else ("Z" if number % 2 else "")) for number, text in enumerate(local)]
    faults: dict[int, str] = {}
    assert plain._from_texts(texts, faults).tolist() == plain._one_by_one(texts, faults).tolist()
    assert not faults


def test_other_results_and_parts_travel_beside(tmp_path: Path) -> None:
    text = (
        "datastream_id,phenomenon_time,phenomenon_end,result,result_json,valid_from,result_quality,parameters,result_time\n"
        '1,2026-01-01T00:00:00Z,2026-01-01T01:00:00Z,,"""offline""",,,"{""a"": 1}",2026-01-01T02:00:00Z\n'
        "1,2026-01-01T00:00:00Z,,3,,2026-01-01T00:00:00Z,7,,\n"
    )
    rows = _read(_csv(tmp_path, text))
    assert (rows.others[0].result_json, rows.others[0].parameters_json) == (b'"offline"', b'{"a": 1}')
    assert rows.others[0].phenomenon_end_us == rows.time_us[0] + 3_600_000_000
    assert (rows.others[1].valid_from_us, rows.others[1].result_quality_json) == (rows.time_us[1], b"7")
    assert rows.result_us.tolist() == [rows.time_us[0] + 7_200_000_000, NO_TIME]
    assert np.isnan(rows.result).tolist() == [True, False]


def test_a_parquet_file_may_have_times_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / "some.parquet"
    for times, zone in (
        (pa.array([1_767_225_600_000], pa.timestamp("ms", tz="Asia/Tokyo")), None),
        (pa.array([1_767_225_600 + 8 * 3600], pa.timestamp("s")), BEIJING),
        (pa.array(["2026-01-01T00:00:00Z"]), None),
    ):
        table = pa.table(
            {"datastream_id": pa.array([1], pa.int32()), "phenomenon_time": times, "result": pa.array([1])}
        )
        pa_parquet.write_table(table, path)
        assert _read(path, zone=zone).time_us.tolist() == [1_767_225_600_000_000]
    naive = pa.table(
        {"datastream_id": [1], "phenomenon_time": pa.array([5], pa.timestamp("s")), "result": [float("inf")]}
    )
    pa_parquet.write_table(naive, path)
    assert [one.reason for one in _read(path).refused] == [TIME]


def test_a_file_of_another_kind_or_without_the_needed_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileKindError):
        next(pieces_of(tmp_path / "some.xlsx"))
    for header in ("datastream_id,result", "phenomenon_time,result", "datastream_id,phenomenon_time"):
        with pytest.raises(ColumnsMissingError):
            next(pieces_of(_csv(tmp_path, f"{header}\n1,2\n")))


def test_a_file_of_nothing_but_broken_rows_tells_each(tmp_path: Path) -> None:
    rows = _read(_csv(tmp_path, "datastream_id,phenomenon_time,result\n1\n2\n"))
    assert [(one.row, one.reason) for one in rows.refused] == [(1, WIDTH), (2, WIDTH)]
