"""As whom the engines run, and where that account can reach programs and data.

PostgreSQL refuses to run as root. Started by root, the engines run as the system user `cityloop` (made where that is
possible, else `nobody`); if that user cannot reach the data folder or the programs, for example because the clone lies
under a home that only its owner may enter, both go to `/var/lib/cityloop`.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityloop.kernel.errors import CityloopError

ACCOUNT_NAME = "cityloop"
FALLBACK_NAME = "nobody"
SHARED_FOLDER = Path("/var/lib/cityloop")
"""Where root puts what the engines' user must reach."""

_NOLOGIN = "/usr/sbin/nologin"


class FolderUnreachableError(CityloopError):
    """The data folder cannot be made or written."""

    key = (
        "The data folder %(folder)s cannot be written: %(reason)s. Give its right to this user, or set CITYLOOP_HOME "
        "to another folder."
    )
    status = 500


@dataclass(frozen=True, slots=True)
class Account:
    """A user that engines run as.

    Attributes:
        name: user name, empty for the user who starts the product.
        uid: number of the user.
        gid: number of its group.
    """

    name: str
    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """Return what `subprocess.Popen` needs to run a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.name else {}

    def own(self, path: Path) -> None:
        """Make a file or folder this user's."""
        if self.name:
            os.chown(path, self.uid, self.gid)

    def enters(self, folder: Path) -> bool:
        """Return whether this user may pass through a folder and all folders above it."""
        if not self.name:
            return True
        return all(self._may_pass(place) for place in (folder, *folder.parents) if place.exists())

    def _may_pass(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def engine_account(*, create: bool = True) -> Account:
    """Return the user that engines run as: the caller, or for root an unprivileged one.

    Args:
        create: whether the system user may be made.
    """
    if os.getuid() != 0:
        return Account("", os.getuid(), os.getgid())
    if not _exists(ACCOUNT_NAME) and create:
        _create_account()
    entry = pwd.getpwnam(ACCOUNT_NAME if _exists(ACCOUNT_NAME) else FALLBACK_NAME)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _create_account() -> None:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", str(SHARED_FOLDER), "--shell", _NOLOGIN]
    subprocess.run([program, *options, ACCOUNT_NAME], check=False, capture_output=True)  # noqa: S603


def engine_folder(home: Path, account: Account) -> Path:
    """Return the folder that holds the engines' data, made where it is missing.

    It is `engines` in the data folder; where the account cannot enter that, a folder below `/var/lib/cityloop` that is
    named after the data folder, with a link to it.

    Raises:
        FolderUnreachableError: if it cannot be made.
    """
    home = home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        return _made(home / "engines", account) if account.enters(home) else _shared_folder(home, account)
    except OSError as error:
        raise FolderUnreachableError(folder=home, reason=error.strerror or error) from error


def _shared_folder(home: Path, account: Account) -> Path:
    SHARED_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    SHARED_FOLDER.chmod(0o755)
    name = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    folder, link = _made(SHARED_FOLDER / name, account), home / "engines"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(folder)  # so that everything is found from the data folder
    return folder


def _made(folder: Path, account: Account) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FolderUnreachableError(folder=folder, reason=os.strerror(13))
    account.own(folder)
    return folder


def reachable_program(program: Path, account: Account, *, parts: tuple[Path, ...] = (), version: str = "") -> Path:
    """Return a path of a program that the account can reach; copies it to `/var/lib/cityloop` where needed.

    Args:
        program: the program as found.
        account: who runs it.
        parts: the folders that must be copied with it (libraries, time zones), its own folder if empty; they keep their
            places to each other, for programs find their libraries by them.
        version: part of the copy's name, so that a newer program is copied anew.
    """
    if all(account.enters(part) for part in (program.resolve().parent, *parts)):
        return program
    parts = parts or (program.parent,)
    root = Path(os.path.commonpath(parts))
    target = SHARED_FOLDER / "programs" / f"{program.name}-{version}"
    if not target.exists():
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in parts:
            shutil.copytree(part, unfinished / part.relative_to(root), symlinks=True)
        for folder in (SHARED_FOLDER, target.parent, unfinished):
            folder.chmod(0o755)
        for path in unfinished.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        unfinished.rename(target)
    return target / program.relative_to(root)
