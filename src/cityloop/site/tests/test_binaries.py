from pathlib import Path

import pytest

from cityloop.site.configuration import Configuration
from cityloop.site.engines import binaries
from cityloop.site.engines.binaries import (
    ProgramMissingError,
    ProgramTooOldError,
    Rung,
    find_nats,
    find_postgres,
    version_of,
)


def program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


def test_the_wheels_are_found_and_new_enough() -> None:
    assert find_postgres(Configuration()).rung is Rung.WHEEL
    assert find_postgres(Configuration()).version >= (15, 0)
    assert find_nats(Configuration()).version >= (2, 11)


def test_the_setting_wins(tmp_path: Path) -> None:
    mine = program(tmp_path, "postgres", "postgres (PostgreSQL) 17.10")
    found = find_postgres(Configuration(postgres_bin=str(tmp_path)))
    assert (found.path, found.version, found.rung) == (mine, (17, 10), Rung.SETTING)


def test_a_setting_that_is_too_old_is_refused_rather_than_passed_over(tmp_path: Path) -> None:
    old = program(tmp_path, "nats-server", "nats-server: v2.9.10")
    with pytest.raises(ProgramTooOldError, match=r"version 2\.9\.10, and 2\.11 or newer"):
        find_nats(Configuration(nats_bin=str(old)))


def test_without_a_wheel_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_package_folder", lambda _name: None)
    monkeypatch.setattr(binaries, "_DEBIAN_POSTGRES", tmp_path / "nothing")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    program(tmp_path / "bin", "nats-server", "nats-server: v2.12.1")
    assert find_nats(Configuration()).rung is Rung.PATH
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissingError, match="pip"):
        find_nats(Configuration())
    with pytest.raises(ProgramMissingError, match="CITYLOOP_POSTGRES_DSN"):
        find_postgres(Configuration())


def test_a_path_that_is_too_old_is_named_among_what_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_package_folder", lambda _name: None)
    program(tmp_path, "nats-server", "nats-server: v2.9.10")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(ProgramMissingError, match=r"nats-server 2\.9\.10"):
        find_nats(Configuration())


def test_what_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert version_of(tmp_path / "nothing") == ()
    assert version_of(program(tmp_path, "silent", "hello")) == ()
