"""Finds mappings: those that come with the product, and the operator's own in `CITYLOOP_HOME/mappings`."""

import logging
from collections.abc import Mapping as Table
from pathlib import Path
from typing import Any

from cityloop.convey.stream.mappings.mapping import Mapping, MappingError, extended, mapping_of, tables_of

log = logging.getLogger(__name__)

FOLDER = "mappings"
"""Where the operator's own lie, below the home of the city."""

BUILT_IN = Path(__file__).parent
"""Where the product's own lie, beside this file."""

FILES_MAX = 1_000
"""Bound of the operator's files."""

LOOK_US = 5_000_000
"""How often the operator's folder is looked at for changes, microseconds."""


class Mappings:
    """Every mapping by its code; the operator's own win over the product's, and are read again when they change.

    Attributes:
        faults: of each file that cannot be used, why.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Read all files.

        Args:
            folder: the operator's; it need not exist.
        """
        self._folder, self._looked_us = folder, None if folder is None else 0
        self._signature: object = None
        self._mappings: dict[str, Mapping] = {}
        self.faults: dict[str, str] = {}
        self._read()

    def get(self, code: str, *, now_us: int) -> Mapping | None:
        """Return the mapping of a code, None where there is none.

        Args:
            code: as the ledger has it behind `json:`.
            now_us: the present, microseconds since the Unix epoch.
        """
        if self._looked_us is not None and abs(now_us - self._looked_us) >= LOOK_US:
            self._looked_us = now_us
            if self._signature != self._signed():
                self._read()
        return self._mappings.get(code)

    def all(self) -> dict[str, Mapping]:
        """Return every mapping by its code."""
        return dict(self._mappings)

    def _files(self) -> list[Path]:
        own = [] if self._folder is None else sorted(self._folder.glob("*.toml"))[:FILES_MAX]
        return [*sorted(BUILT_IN.glob("*.toml")), *own]

    def _signed(self) -> object:
        found = []
        for file in self._files():
            try:
                state = file.stat()
            except OSError:
                continue
            found.append((str(file), state.st_mtime_ns, state.st_size))
        return found

    def _read(self) -> None:
        self._signature = self._signed()
        self.faults = {}
        tables: dict[str, tuple[Path, dict[str, Any]]] = {}
        for file in self._files():
            try:
                read = tables_of(file.read_text(encoding="utf-8"), file=file.name)
                tables[str(read.get("code", file.stem))] = (file, read)
            except (MappingError, OSError, UnicodeDecodeError) as error:
                self._fault(file, error)
        self._mappings = {}
        for code, (file, read) in tables.items():
            try:
                whole = _whole(read, {code: each for code, (_, each) in tables.items()}, file=file.name)
                self._mappings[code] = mapping_of(whole, file=file.name)
            except MappingError as error:
                self._fault(file, error)

    def _fault(self, file: Path, error: Exception) -> None:
        self.faults[file.name] = str(error)
        log.warning("%s", error)


def _whole(tables: Table[str, Any], others: Table[str, Table[str, Any]], *, file: str) -> Table[str, Any]:
    base = tables.get("extends")
    if base is None:
        return tables
    if base not in others or "extends" in others[base]:
        raise MappingError(file=file, reason=f"it extends {base}, which is no mapping that stands for itself")
    return extended(tables, others[base])
