import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from cityloop.site.configuration import Configuration
from cityloop.site.engines import account as accounts
from cityloop.site.engines import postgres
from cityloop.site.engines.account import (
    Account,
    FolderUnreachableError,
    engine_account,
    engine_folder,
    reachable_program,
)
from cityloop.site.engines.binaries import Program, Rung, find_postgres

root_only = pytest.mark.skipif(os.getuid() != 0, reason="only root can run engines as another user")
user_only = pytest.mark.skipif(os.getuid() == 0, reason="only an ordinary user meets this")


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> Path:
    monkeypatch.setattr(accounts, "SHARED_FOLDER", own_home / "shared")
    return own_home / "shared"


def myself() -> Account:
    return Account("", os.getuid(), os.getgid())


@root_only
def test_engines_never_run_as_root() -> None:
    found = engine_account(create=False)
    assert found.uid != 0
    assert found.popen_arguments()["user"] == found.uid


@user_only
def test_an_ordinary_user_runs_the_engines_as_himself() -> None:
    assert engine_account() == myself()
    assert engine_account().popen_arguments() == {}


def test_data_lie_in_the_data_folder_where_the_account_can_enter_it(own_home: Path) -> None:
    found = engine_account(create=False)
    folder = engine_folder(own_home, found)
    assert folder == own_home / "engines"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == found.uid


@root_only
def test_data_below_a_private_home_lie_where_the_account_can_enter(shared: Path, own_home: Path) -> None:
    private = own_home / "home"
    private.mkdir(mode=0o700)
    found = engine_account(create=False)
    folder = engine_folder(private / "clone" / ".cityloop", found)
    assert folder.parent == shared
    assert found.enters(folder)
    assert (private / "clone" / ".cityloop" / "engines").resolve() == folder.resolve()
    assert folder == engine_folder(private / "clone" / ".cityloop", found)
    assert folder != engine_folder(private / "other" / ".cityloop", found)


@root_only
@pytest.mark.usefixtures("shared")
def test_a_program_below_a_private_home_is_copied_with_what_it_needs(own_home: Path) -> None:
    place = own_home / "home" / "packages"
    programs, libraries = place / "wheel" / "tree" / "bin", place / "wheel.libs"
    programs.mkdir(parents=True)
    (own_home / "home").chmod(0o700)
    libraries.mkdir(mode=0o700)
    (libraries / "zone").write_text("UTC")
    (programs / "engine").write_text("#!/bin/sh\ncat $(dirname $0)/../../../wheel.libs/zone")
    (programs / "engine").chmod(0o700)
    found = engine_account(create=False)
    copy = reachable_program(programs / "engine", found, parts=(programs.parent, libraries), version="1.0")
    assert copy.is_relative_to(accounts.SHARED_FOLDER)
    told = subprocess.run(  # noqa: S603  the copy just made
        [copy], capture_output=True, text=True, check=True, cwd="/", **found.popen_arguments()
    )
    assert told.stdout == "UTC"


@root_only
@pytest.mark.usefixtures("shared")
def test_the_database_runs_from_a_private_home(own_home: Path) -> None:
    found = engine_account(create=False)
    original = find_postgres(Configuration())
    private = own_home / "home"
    private.mkdir(mode=0o700)
    for part in postgres.program_parts(original):
        shutil.copytree(part, private / part.relative_to(os.path.commonpath(postgres.program_parts(original))))
    moved = private / original.path.relative_to(os.path.commonpath(postgres.program_parts(original)))
    program = Program(moved, original.version, Rung.WHEEL)
    copy = reachable_program(moved, found, parts=postgres.program_parts(program), version="1.0")
    told = subprocess.run(  # noqa: S603  the copy just made
        [copy.parent / "initdb", "--version"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={},
        **found.popen_arguments(),
    )
    assert told.returncode == 0, told.stderr


def test_a_program_within_reach_is_used_where_it_lies(own_home: Path) -> None:
    program = own_home / "engine"
    program.touch()
    assert reachable_program(program, myself()) == program


def test_a_data_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(FolderUnreachableError, match="/proc/nothing"):
        engine_folder(Path("/proc/nothing"), myself())
