"""The list of users as a sheet: CSV in, CSV out, with a report of what was read, line by line."""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.users import LineUser, UserKind, fault_of

COLUMNS = ("position", "name", "kind", "use", "quantity", "heat_bound", "notice_hours", "basis")
ROWS_MAX = 5_000
"""Users a list holds at the most."""
BYTES_MAX = 2_000_000
"""Size of a sheet at the most, bytes."""
NAME_MAX, BASIS_MAX = 200, 1000
QUANTITY_MAX, NOTICE_HOURS_MAX = 1e9, 8760.0
_UTF8_MARK = b"\xef\xbb\xbf"
_FORMULA = frozenset("=+-@\t\r")


class SheetUnreadableError(CityloopError):
    """A file is no sheet of users."""

    key = "This is not a sheet of users: %(reason)s"
    status = 422


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row of a sheet; `row` counts from 2, for the heading is the first."""

    row: int
    column: str
    said: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetReport:
    """What came of reading a sheet.

    Attributes:
        users: the rows that are in order.
        faults: what is wrong with the others.
        added, removed, changed: names, against the list in force.
    """

    users: tuple[LineUser, ...]
    faults: tuple[RowFault, ...]
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Return whether the sheet can become the list in force."""
        return bool(self.users) and not self.faults


def written_users(users: Iterable[LineUser]) -> bytes:
    """Return users as CSV that a spreadsheet opens: UTF-8 with its mark, and no cell that would be run as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for user in users:
        writer.writerow([_cell(getattr(user, name)) for name in COLUMNS])
    return _UTF8_MARK + out.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    text = str(value)
    return f"'{text}" if text[:1] in _FORMULA or text[:1] == "'" else text


def read_users(sheet: bytes, *, in_force: Iterable[LineUser] = ()) -> SheetReport:
    """Return what a sheet of users holds, with every fault of every row.

    Args:
        sheet: CSV as `written_users` gives it, UTF-8 or GB 18030, at most `BYTES_MAX` bytes.
        in_force: the list it would replace.

    Raises:
        SheetUnreadableError: if it cannot be read as such a sheet at all.
    """
    rows = _rows_of(sheet)
    faults: list[RowFault] = []
    read = [(row, _user_of(row, cells, faults)) for row, cells in enumerate(rows, start=2)]
    kept = [(row, user) for row, user in read if user is not None]
    faults.extend(_doubles(kept))
    users = [user for _, user in kept]
    before, after = {one.name: one for one in in_force}, {one.name: one for one in users}
    return SheetReport(
        users=tuple(sorted(users, key=lambda one: one.position)),
        faults=tuple(faults),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name, one in after.items() if name in before and before[name] != one),
    )


def _rows_of(sheet: bytes) -> list[dict[str, str]]:
    if len(sheet) > BYTES_MAX:
        raise SheetUnreadableError(reason=Text("文件过大", "it is too large"))
    try:
        found = list(csv.reader(io.StringIO(_decoded(sheet), newline=""), strict=True))
    except csv.Error:
        raise SheetUnreadableError(reason=Text("不是 CSV", "it is not CSV")) from None
    rows = [row for row in found if any(cell.strip() for cell in row)]
    if not rows or tuple(cell.strip().lower() for cell in rows[0]) != COLUMNS:
        raise SheetUnreadableError(reason=Text(f"首行应为 {','.join(COLUMNS)}", f"its heading is {','.join(COLUMNS)}"))
    if len(rows) > ROWS_MAX + 1:
        raise SheetUnreadableError(reason=Text(f"超过 {ROWS_MAX} 行", f"it has more than {ROWS_MAX} rows"))
    return [dict(zip(COLUMNS, [*row, *[""] * len(COLUMNS)], strict=False)) for row in rows[1:]]


def _decoded(sheet: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = sheet.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetUnreadableError(reason=Text("编码无法识别", "its characters cannot be read"))


def _user_of(number: int, row: dict[str, str], faults: list[RowFault]) -> LineUser | None:
    known = len(faults)
    position = _number(number, row, "position", faults, least=1, most=10 * ROWS_MAX)
    if position != int(position):
        faults.append(RowFault(number, "position", Text("应为整数", "must be a whole number")))
    values = {
        name: _number(number, row, name, faults, least=0, most=QUANTITY_MAX)
        for name in ("use", "quantity", "heat_bound")
    }
    notice = _number(number, row, "notice_hours", faults, least=0, most=NOTICE_HOURS_MAX)
    name, basis = _words(number, row, "name", NAME_MAX, faults), _words(number, row, "basis", BASIS_MAX, faults)
    kind = row["kind"].strip()
    if kind not in set(UserKind):
        faults.append(RowFault(number, "kind", Text("未知的用户类型", "no such kind of user")))
    if len(faults) > known:
        return None
    user = LineUser(position=int(position), name=name, kind=UserKind(kind), notice_hours=notice, basis=basis, **values)
    if (fault := fault_of(user)) is not None:
        faults.append(RowFault(number, "quantity", fault))
        return None
    return user


def _number(  # noqa: PLR0913  a cell, where it stands and what it may be
    number: int, row: dict[str, str], column: str, faults: list[RowFault], *, least: float, most: float
) -> float:
    try:
        value = float(row[column].strip())
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        faults.append(
            RowFault(
                number, column, Text(f"应为 {least:g} 至 {most:g} 的数", f"must be a number of {least:g} to {most:g}")
            )
        )
        return least
    return value


def _words(number: int, row: dict[str, str], column: str, longest: int, faults: list[RowFault]) -> str:
    text = row[column].strip()
    if text[:1] == "'" and (text[1:2] in _FORMULA or text[1:2] == "'"):
        text = text[1:]
    if not text or len(text) > longest:
        faults.append(
            RowFault(number, column, Text(f"应有 1 至 {longest} 个字符", f"must have 1 to {longest} characters"))
        )
    return text


def _doubles(kept: Iterable[tuple[int, LineUser]]) -> list[RowFault]:
    found: list[RowFault] = []
    names: set[str] = set()
    positions: set[int] = set()
    for row, user in kept:
        if user.name in names or user.position in positions:
            column = "name" if user.name in names else "position"
            found.append(RowFault(row, column, Text(f"重复：{user.name}", f"stands twice: {user.name}")))
        names.add(user.name)
        positions.add(user.position)
    return found
