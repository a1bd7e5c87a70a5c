"""A SensorThings server of its own for the conformance tests, with the real pipeline, met over HTTP only."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest

from cityloop.site.engines.throwaway import throwaway_home, throwaway_nats
from cityloop.site.secrets import nats_url
from tests.city import eventually
from tests.conformance.mqtt_city import PROCESSES, Listener, Transport
from tests.conformance.open311_city import Door, Open311City
from tests.conformance.sta_service import Sta

TABLES = [
    f"sense_{noun}"
    for noun in (
        "thing",
        "location",
        "sensor",
        "observedproperty",
        "feature",
        "latest",
        "observation",
        "packedday",
        "closedday",
        "packedid",
        "idempotency",
    )
]


@contextlib.contextmanager
def _database() -> Iterator[str]:
    server = os.environ["CITYLOOP_POSTGRES_DSN"]
    name = f"sta_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def _serving(dsn: str, *, anonymous: bool, **more: str) -> Iterator[str]:
    environment = {**os.environ, "CITYLOOP_POSTGRES_DSN": dsn, "STA_ANONYMOUS": "yes" if anonymous else "no"}
    environment |= more
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/sta/v1.1"
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "tests.conformance.sta_server:application",
            "--log-level",
            "warning",
        ]
        descriptor = listener.fileno()
        server = subprocess.Popen([*command, "--fd", str(descriptor)], env=environment, pass_fds=[descriptor])
        try:
            eventually(lambda: _answers(address, server), what="the API answers", within_s=60)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None
    try:
        return httpx.get(address, timeout=2).status_code in {200, 401}
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def sta_dsn() -> Iterator[str]:
    with _database() as dsn:
        environment = {**os.environ, "CITYLOOP_POSTGRES_DSN": dsn, "PYTHONPATH": os.pathsep.join(sys.path)}
        environment["DJANGO_SETTINGS_MODULE"] = "cityloop.site.settings"
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v", "0"], env=environment, check=True)
        yield dsn


@pytest.fixture(scope="session")
def serve_sta(sta_dsn: str) -> Callable[..., contextlib.AbstractContextManager[str]]:
    """Serve the API once more on the same database, open or not."""
    return lambda *, anonymous, **more: _serving(sta_dsn, anonymous=anonymous, **more)


@pytest.fixture(scope="session")
def sta_address(sta_dsn: str) -> Iterator[str]:
    with _serving(sta_dsn, anonymous=True) as address:
        yield address


@pytest.fixture(scope="session")
def closed_address(sta_dsn: str) -> Iterator[str]:
    """Serve the API with rights: tokens count from the next NOTIFY on."""
    with _serving(sta_dsn, anonymous=False) as address:
        yield address


@pytest.fixture
def sta(sta_dsn: str, sta_address: str) -> Iterator[Sta]:
    with psycopg.connect(sta_dsn, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    with httpx.Client(base_url=f"{sta_address}/", timeout=30, headers={"Accept-Language": "en"}) as client:
        yield Sta(client)


@pytest.fixture(scope="session")
def transport(sta_dsn: str) -> Iterator[Transport]:
    """Run the transport and the processes beside it."""
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(throwaway_home())
        configuration = stack.enter_context(throwaway_nats(home))
        with psycopg.connect(sta_dsn, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO registry_area (code, level, name_zh, name_en, romanised, kind)"
                " VALUES ('110000', 0, '北京市', 'Beijing', FALSE, '') ON CONFLICT DO NOTHING"
            )
        running = Transport(configuration, sta_dsn, home)
        for name in PROCESSES:
            running.start(name)
            stack.callback(running.end, name)
        yield running


@pytest.fixture(scope="session")
def news_address(transport: Transport, sta_dsn: str) -> Iterator[str]:
    with _serving(sta_dsn, anonymous=True, STA_NEWS=nats_url(transport.configuration)) as address:
        yield address


@pytest.fixture
def news_sta(news_address: str) -> Iterator[Sta]:
    """Meet the API that announces its news."""
    with httpx.Client(base_url=f"{news_address}/", timeout=30, headers={"Accept-Language": "en"}) as client:
        yield Sta(client)


@pytest.fixture
def machine(transport: Transport, request: pytest.FixtureRequest) -> Iterator[Listener]:
    """Let in a machine of the city, with a session of its own."""
    found = transport.client(transport.token(), re.sub(r"\W", "-", request.node.name)[:60])
    yield found
    found.leave()


@pytest.fixture(scope="session")
def open311_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open311City]:
    """Make a city with areas, a library and keys."""
    with _database() as dsn:
        city = Open311City(dsn, tmp_path_factory.mktemp("photos"))
        city.prepare()
        yield city


@pytest.fixture(scope="session")
def open311_address(open311_city: Open311City) -> Iterator[str]:
    with open311_city.serving() as address:
        yield address


@pytest.fixture
def door(open311_city: Open311City, open311_address: str) -> Iterator[Door]:
    """Meet the door of a city nobody has reported to yet."""
    open311_city.sql("TRUNCATE respond_signal, respond_case, respond_retry, respond_numbering, sense_rejected CASCADE")
    with httpx.Client(base_url=f"{open311_address}/", timeout=30, headers={"Accept-Language": "en"}) as client:
        yield Door(client, open311_city)
