"""PostgreSQL's own programs for dumping and restoring, called without a password on any command line."""

import os
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from cityloop.kernel.errors import CityloopError
from cityloop.site.configuration import Configuration
from cityloop.site.engines.binaries import find_postgres

_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


class DumpFailedError(CityloopError):
    """One of PostgreSQL's programs failed."""

    key = "%(program)s failed: %(reason)s"
    status = 500


def run_program(configuration: Configuration, name: str, *arguments: str, dsn: str) -> None:
    """Run `pg_dump` or `pg_restore`; the address travels in the environment.

    Args:
        configuration: says which PostgreSQL is used.
        name: of the program, which lies beside the server's.
        arguments: its arguments, without an address.
        dsn: of the database.

    Raises:
        DumpFailedError: with what the program said last.
        ProgramMissingError: if there is no PostgreSQL.
    """
    program = find_postgres(configuration).path.parent / name
    if not program.exists():
        raise DumpFailedError(program=name, reason=f"{program.parent} / {name} ?")
    done = subprocess.run(  # noqa: S603  the ladder's own program
        [program, *arguments],
        env={**_environment(dsn), "PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise DumpFailedError(program=name, reason=done.stderr.strip()[-1000:])


def _environment(dsn: str) -> dict[str, str]:
    told = conninfo_to_dict(dsn)
    return {_VARIABLES[name]: str(value) for name, value in told.items() if name in _VARIABLES and value is not None}


def private_folder(folder: Path) -> None:
    """Make a folder that its owner alone may read: a backup holds the city's secrets."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
