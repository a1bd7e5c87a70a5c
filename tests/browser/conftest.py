"""The real application on a port of this machine, over the test's own database, and a browser in front of it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
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
START_S = 60.0

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
    """A running city: its address and what stands in it."""

    address: str
    scene: Scene


@pytest.fixture(scope="session")
def city(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[City]:  # noqa: ARG001
    """Return a city with some life, served by the real application."""
    dsn = psycopg.conninfo.make_conninfo(os.environ["CITYLOOP_POSTGRES_DSN"], dbname=connection.settings_dict["NAME"])
    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django's own type is not public
        made = scene.make(_url(dsn), now=scene.present())
        connection.close()
        with _served(_url(dsn)) as address:
            yield City(address, made)
        _empty()


def _url(dsn: str) -> str:
    of = psycopg.conninfo.conninfo_to_dict(dsn)
    secret = f":{of['password']}" if of.get("password") else ""
    return f"postgresql://{of['user']}{secret}@{of['host']}:{of['port']}/{of['dbname']}"


def _empty() -> None:
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name != "django_migrations"]
        cursor.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")


class _served:  # noqa: N801  used as a context manager only
    """Serve the application over a database on a free port."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        environment = {**os.environ, "CITYLOOP_POSTGRES_DSN": self._dsn, "PYTHONPATH": str(REPOSITORY / "src")}
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(self._socket.fileno())],
            env=environment, pass_fds=[self._socket.fileno()], cwd=REPOSITORY,
        )  # fmt: skip
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        try:
            self._server.wait(START_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._socket.close()


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Return a browser."""
    with chrome.browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def sign_in(driver: Chrome, city: City, username: str) -> None:
    """Sign somebody in, whoever was before."""
    driver.get(f"{city.address}/login/")
    driver.delete_all_cookies()
    chrome.open_page(driver, f"{city.address}/login/")
    driver.find_element("name", "username").send_keys(username)
    driver.find_element("name", "password").send_keys(PASSWORD)
    driver.find_element("css selector", "main form button[type=submit]").click()
    chrome.wait_until(driver, lambda page: "/login/" not in page.current_url)


def speak(driver: Chrome, language: str) -> None:
    """Choose the language of the next pages."""
    driver.delete_cookie("django_language")
    driver.add_cookie({"name": "django_language", "value": language, "path": "/"})
