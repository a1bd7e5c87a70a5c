"""The real application on a port of this machine, over the test's own database, and a browser in front of it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from selenium.webdriver import Chrome

from tests.browser import chrome, scene
from tests.browser.scene import PASSWORD, Scene

REPOSITORY = Path(__file__).parent.parent.parent
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
STOP_S = 30.0

_SERVE = """
import socket, sys
import uvicorn
listening = socket.socket(fileno=int(sys.argv[1]))
config = uvicorn.Config("cityloop.site.asgi:application", loop="uvloop", http="httptools", log_level="warning")
uvicorn.Server(config).run(sockets=[listening])
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the browser's tests, with one clear line, where there is no browser or no assets."""
    here = [item for item in items if Path(__file__).parent in item.path.parents and "driver" in item.fixturenames]
    missing = (
        "no chromium here: apt-get install chromium chromium-driver" if not (chrome.CHROMIUM and chrome.DRIVER) else ""
    )
    missing = missing or ("" if AXE.is_file() else "browser assets missing: python -m tools.assets")
    for item in here if missing else []:
        item.add_marker(pytest.mark.skip(reason=missing))


@dataclass(frozen=True, slots=True)
class City:
    """A running city: its address, what stands in it, and its web process."""

    address: str
    scene: Scene
    server: subprocess.Popen[bytes]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the web process stand still."""
        self.server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.server.send_signal(signal.SIGCONT)


@pytest.fixture(scope="package")
def city(django_db_blocker: pytest.FixtureRequest) -> Iterator[City]:
    """Return a city with some life in a database of its own, served by the real application."""
    with django_db_blocker.unblock(), _own_database():  # type: ignore[attr-defined]  # pytest-django's own type is not public
        dsn = os.environ["CITYLOOP_POSTGRES_DSN"]
        dsn = _url(psycopg.conninfo.make_conninfo(dsn, dbname=connection.settings_dict["NAME"]))
        made = scene.make(dsn, now=scene.present())
        connection.close()
        with _served(dsn) as (address, server):
            yield City(address, made, server)


@contextmanager
def _own_database() -> Iterator[None]:
    """Make a database and let this process's Django speak to it; tests of other packages keep theirs."""
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def _url(dsn: str) -> str:
    of = psycopg.conninfo.conninfo_to_dict(dsn)
    secret = f":{of['password']}" if of.get("password") else ""
    return f"postgresql://{of['user']}{secret}@{of['host']}:{of['port']}/{of['dbname']}"


@contextmanager
def _served(dsn: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the application over a database on a free port; yield its address and its process."""
    listening = socket.create_server(("127.0.0.1", 0))
    environment = {**os.environ, "CITYLOOP_POSTGRES_DSN": dsn, "PYTHONPATH": str(REPOSITORY / "src")}
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(listening.fileno())],
        env=environment, pass_fds=[listening.fileno()], cwd=REPOSITORY,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", server
    finally:
        server.terminate()
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        listening.close()


@pytest.fixture(scope="package")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Return a browser."""
    with chrome.browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def sign_in(driver: Chrome, city: City, username: str) -> None:
    """Sign somebody in, whoever was before."""
    # An empty page comes first: what the wall has asked for would bring its cookies back.
    driver.get("about:blank")
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chrome.open_page(driver, f"{city.address}/login/")
    driver.find_element("name", "username").send_keys(username)
    driver.find_element("name", "password").send_keys(PASSWORD)
    driver.find_element("css selector", "main form button[type=submit]").click()
    chrome.wait_until(driver, lambda page: "/login/" not in page.current_url)


def speak(driver: Chrome, language: str) -> None:
    """Choose the language of the next pages."""
    driver.delete_cookie("django_language")
    driver.add_cookie({"name": "django_language", "value": language, "path": "/"})
