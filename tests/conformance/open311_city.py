"""A city of its own with areas, a library and keys, met over Open311 only; the loop is turned by hand."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from lxml import etree

from tests.city import eventually

LAMP = {"service_code": "street-lamp-out", "lat": "39.9289", "long": "116.4164", "description": "路灯不亮三天了"}
"""A report that is right: in Dongcheng."""

_PREPARE = """
import django
django.setup()
from cityloop.kernel.areas import AreaCode, CITY
from cityloop.registry import facade as registry
from cityloop.respond import facade
registry.seed()
facade.seed()
print(registry.issue_token("app", rights=["read", "write"], area=CITY))
print(registry.issue_token("reader", rights=["read"], area=CITY))
print(registry.issue_token("dongcheng", rights=["write"], area=AreaCode("110101")))
"""
_TURN = """
import django
django.setup()
from datetime import UTC, datetime
from cityloop.respond import facade
while facade.place_signals(datetime.now(UTC)):
    pass
"""


@dataclass
class Open311City:
    """The database, and what it was given."""

    dsn: str
    photos: Path
    keys: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make tables, areas, the library and three keys."""
        self._run(["-m", "django", "migrate", "-v", "0"])
        app, reader, dongcheng = self._run(["-c", _PREPARE]).split()
        self.keys = {"app": app, "reader": reader, "dongcheng": dongcheng}

    def turn(self) -> None:
        """Give every waiting signal its case, as the loop does."""
        self._run(["-c", _TURN])

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def _run(self, arguments: list[str]) -> str:
        ended = subprocess.run(
            [sys.executable, *arguments], env=self.environment(), check=True, capture_output=True, text=True
        )
        return ended.stdout

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of processes of this city."""
        own = {"CITYLOOP_POSTGRES_DSN": self.dsn, "PYTHONPATH": os.pathsep.join(sys.path)}
        own |= {"DJANGO_SETTINGS_MODULE": "cityloop.site.settings", "OPEN311_PHOTOS": str(self.photos)}
        return {**os.environ, **own, **more}

    @contextlib.contextmanager
    def serving(self, **more: str) -> Iterator[str]:
        """Yield the address of the door."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(64)
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/open311"
            command = [sys.executable, "-m", "uvicorn", "tests.conformance.open311_server:application"]
            descriptor = listener.fileno()
            server = subprocess.Popen(
                [*command, "--log-level", "warning", "--fd", str(descriptor)],
                env=self.environment(**more),
                pass_fds=[descriptor],
            )
            try:
                eventually(lambda: _answers(address, server), what="Open311 answers", within_s=60)
                yield address
            finally:
                server.terminate()
                server.wait(30)


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None
    try:
        return httpx.get(f"{address}/discovery.json", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@dataclass
class Door:
    """The door as a client meets it."""

    client: httpx.Client
    city: Open311City

    def get(self, path: str, **query: str) -> Any:
        """Return a JSON answer that must be right."""
        answer = self.client.get(f"v2/{path}.json", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def xml(self, path: str, **query: str) -> Any:
        """Return the root of an XML answer that must be right."""
        answer = self.client.get(f"v2/{path}.xml", params=query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        return etree.fromstring(answer.content)

    def post(self, fields: dict[str, Any], *, form: str = "json", **more: Any) -> httpx.Response:
        """Send a report."""
        return self.client.post(f"v2/requests.{form}", data=fields, **more)

    def report(self, **fields: Any) -> str:
        """Return the number of a report that must be taken; by default a street lamp."""
        answer = self.post({**LAMP, **fields})
        assert answer.status_code == 201, answer.text
        number: str = answer.json()[0]["service_request_id"]
        return number

    def refused(self, **fields: Any) -> tuple[int, str]:
        """Return the status and the words of a report that must not be taken; None leaves a field out."""
        told = {name: value for name, value in {**LAMP, **fields}.items() if value is not None}
        answer = self.post(told)
        assert answer.status_code >= 400, answer.text
        (error,) = answer.json()
        assert error["code"] == answer.status_code
        return answer.status_code, error["description"]
