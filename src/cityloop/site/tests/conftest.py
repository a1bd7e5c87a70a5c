"""What the site's tests share: waiting for a condition, a city that has only its engines."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cityloop.site.ports import free_port

DEADLINE_S = 40.0
POLL_S = 0.05


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait until a condition holds; fail if it does not in time."""

    def wait(condition: Callable[[], object], *, deadline_s: float = DEADLINE_S) -> None:
        ends_at = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < ends_at, "the condition did not come true in time"
            time.sleep(POLL_S)

    return wait


@pytest.fixture
def ports() -> dict[str, str]:
    """Free ports for a city, as environment."""
    names = ("PORT", "POSTGRES_PORT", "NATS_PORT", "MQTT_PORT")
    return {f"CITYLOOP_{name}": str(free_port()) for name in names}


@pytest.fixture
def run_engines(own_home: Path, ports: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Run a supervised city that has only its engines, in a process of its own."""
    with ExitStack() as stack:

        def run(**changes: str) -> subprocess.Popen[str]:
            clean = {name: value for name, value in os.environ.items() if not name.startswith("CITYLOOP_")}
            environment = {**clean, "CITYLOOP_HOME": str(own_home), **ports, **changes}
            city = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "cityloop.site.tests.engines_only"],
                    env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            stack.callback(_stop, city)
            return city

        yield run


def _stop(city: subprocess.Popen[str]) -> None:
    if city.poll() is None:
        city.terminate()
        city.wait(DEADLINE_S)
