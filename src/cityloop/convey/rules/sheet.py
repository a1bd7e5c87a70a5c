"""Reads a list of devices as people send it: CSV in UTF-8, UTF-16 or GBK, headed in either language."""

import csv
import io
from dataclasses import dataclass

from cityloop.kernel.errors import CityloopError

ROWS_MAX = 20_000
"""Most rows of one list; larger lists are sent in parts."""

BYTES_MAX = 8 * 2**20
"""Largest list, bytes: 20,000 rows of 400 bytes."""

CELL_CHARACTERS_MAX = 200
"""Longest cell, characters."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("设备编码",),
    "title_zh": ("中文名称", "设备名称"),
    "title_en": ("英文名称",),
    "organisation": ("权属单位",),
    "longitude": ("经度",),
    "latitude": ("纬度",),
    "datum": ("坐标系",),
    "project": ("应用项目",),
    "vendor": ("厂商",),
    "model": ("型号",),
    "serial_number": ("出厂编号",),
    "protocol": ("协议",),
    "address": ("协议地址",),
    "endpoint": ("轮询地址",),
    "secret": ("协议口令",),
    "installed_on": ("安装日期",),
    "calibrated_on": ("检定日期",),
    "calibration_due_on": ("检定到期",),
    "period_s": ("上报周期（秒）", "上报周期"),
    "channel": ("通道",),
    "property": ("监测指标",),
    "unit": ("单位",),
    "scale": ("倍率",),
    "offset": ("偏移",),
    "valid_min": ("量程下限",),
    "valid_max": ("量程上限",),
}
"""Columns of a list and what they may be called in Chinese."""

NEEDED = ("code", "title_zh", "organisation", "longitude", "latitude", "channel", "property", "unit")
"""Columns no list can do without."""

_NAMES = {name.casefold(): column for column, also in COLUMNS.items() for name in (column, *also)}
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")


class SheetUnreadableError(CityloopError):
    """A list cannot be read at all."""

    key = "The list cannot be read: %(reason)s"


class SheetTooLargeError(CityloopError):
    """A list is larger than one list may be."""

    key = "The list is too large: at most %(rows)s rows and %(megabytes)s MB. Send it in parts."
    status = 413


class ColumnsMissingError(CityloopError):
    """A list lacks columns."""

    key = "The list lacks these columns: %(columns)s"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a list.

    Attributes:
        number: its line, the heading being line 1.
        cells: by column, without blanks around; absent columns are empty.
    """

    number: int
    cells: dict[str, str]


def lines_of(data: bytes) -> list[Line]:
    """Return the rows of a list; empty rows are left out.

    Args:
        data: the file.

    Raises:
        SheetTooLargeError: if it is larger than one list may be.
        SheetUnreadableError: if it is no text, or no table.
        ColumnsMissingError: if a needed column is missing.
    """
    if len(data) > BYTES_MAX:
        raise SheetTooLargeError(rows=ROWS_MAX, megabytes=BYTES_MAX // 2**20)
    rows = _rows(_text(data))
    columns = [_NAMES.get(name.strip().casefold(), "") for name in (rows[0] if rows else [])]
    if missing := [name for name in NEEDED if name not in columns]:
        raise ColumnsMissingError(columns=", ".join(missing))
    if len(rows) > ROWS_MAX + 1:
        raise SheetTooLargeError(rows=ROWS_MAX, megabytes=BYTES_MAX // 2**20)
    lines = [Line(number, _cells(columns, row)) for number, row in enumerate(rows[1:], start=2)]
    return [line for line in lines if any(line.cells.values())]


def _text(data: bytes) -> str:
    encoding = "utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig"
    for name in (encoding, "gb18030"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise SheetUnreadableError(reason="neither UTF-8, UTF-16 nor GBK")


def _rows(text: str) -> list[list[str]]:
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        raise SheetUnreadableError(reason=str(error)) from error


def _cells(columns: list[str], row: list[str]) -> dict[str, str]:
    cells = dict.fromkeys(COLUMNS, "")
    for column, cell in zip(columns, row, strict=False):
        if column:
            cells[column] = cell.strip()
    return cells


def written_sheet(rows: list[list[str]]) -> bytes:
    """Return rows as CSV that a spreadsheet opens: UTF-8 with its mark, and no cell that would be run as a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([_harmless(cell) for cell in row] for row in rows)
    return _UTF8_MARK + out.getvalue().encode()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
