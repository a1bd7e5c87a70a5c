"""A city of the bench's own: started on free ports in a folder of its own, removed afterwards."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

START_S_MAX, STOP_S_MAX = 300.0, 60.0
"""How long a city may take to stand and to stop, seconds."""


@dataclass
class City:
    """A running city.

    Attributes:
        home: its data folder.
        environment: settings of its processes.
    """

    home: Path
    environment: dict[str, str]

    def port(self, name: str) -> int:
        """Return a port: PORT, MQTT_PORT, NATS_PORT or POSTGRES_PORT."""
        return int(self.environment[f"CITYLOOP_{name}"])

    def run(self, *arguments: str) -> str:
        """Return what a command of the command line prints."""
        command = [sys.executable, "-m", "cityloop.site.cli", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  ours

    @cached_property
    def dsn(self) -> str:
        """Return the address of the database."""
        return (
            f"postgresql://cityloop:{self.run('secrets', 'postgres')}@127.0.0.1:{self.port('POSTGRES_PORT')}/cityloop"
        )

    def processes(self) -> dict[str, int]:
        """Return the process ids of the city, by name."""
        state: dict[str, Any] = json.loads((self.home / "state.json").read_text(encoding="utf-8"))
        return {process["name"]: process["pid"] for process in state["processes"]}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def new_home() -> Path:
    """Return a new data folder that the engines' account can enter."""
    home = Path(tempfile.mkdtemp(prefix="cityloop-bench-"))
    home.chmod(0o755)
    return home


@contextlib.contextmanager
def running_city(
    home: Path | None = None, *, around: Mapping[str, str] | None = None, **settings: str
) -> Iterator[City]:
    """Yield a city without demo readings.

    Args:
        home: a data folder that stands already; without it, a new one. It is removed in the end.
        around: further variables of its processes' environment.
        settings: of the city, by their names without `CITYLOOP_`.
    """
    home = home or new_home()
    names = ("PORT", "MQTT_PORT", "NATS_PORT", "POSTGRES_PORT")
    own = dict(zip(names, map(str, _free_ports(len(names))), strict=True))
    own |= {"HOME": str(home), "DEMO": "quiet", **settings}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CITYLOOP_", "DJANGO_"))}
    environment = kept | {f"CITYLOOP_{name}": value for name, value in own.items()}
    with (home / "up.log").open("wb") as log:
        command = [sys.executable, "-m", "cityloop.site.cli", "up"]
        process = subprocess.Popen(command, env={**environment, **(around or {})}, stdout=log, stderr=log)  # noqa: S603  ours
    city = City(home, environment)
    try:
        _await_standing(city, process)
        yield city
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        finally:
            process.kill()
        shutil.rmtree(home, ignore_errors=True)


def _await_standing(city: City, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + START_S_MAX
    while not _stands(city):
        if process.poll() is not None or time.monotonic() > ends_at:
            raise RuntimeError((city.home / "up.log").read_text(encoding="utf-8")[-4000:])
        time.sleep(0.2)


def _stands(city: City) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{city.port('PORT')}/login/", timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False
