"""The embedded NATS server: MQTT for devices, JetStream for storage, accounts for who may what.

Its configuration is written at every start, readable by the server's account only, for it holds passwords.

| account | users | what happens in it |
|---|---|---|
| CITY | `server` | our own processes; what they publish on public topics is exported |
| DEVICES | `wire`, `device`, everybody the callout lets in | MQTT clients; all they say goes to a private subject |
| AUTH | `callout` | the server asks here who a stranger is |
| NODES | `node`, nodes the callout lets in | nodes of the government cloud carry readings and envelopes to each other |
| SYS | `system` | monitoring, and closing connections |

A message published in CITY reaches the subscribers in DEVICES through the import, past the mapping; a message of a
device never leaves its private subject. So subscribers see nothing that has not been kept, and our own news is never
read back.
"""

import json
import socket
from pathlib import Path
from typing import Any

from cityloop.convey.stream.jetstream import PRIVATE_PREFIX, STREAM
from cityloop.site.configuration import Configuration
from cityloop.site.engines.account import Account, reachable_program
from cityloop.site.engines.binaries import Program, find_nats
from cityloop.site.secrets import NATS_USERS, issuer_of, secret

PAYLOAD_BYTES_MAX = 4 * 2**20
"""Bound of one message, bytes: a gateway's batch of 40,000 readings fits."""

CONNECTIONS_MAX = 20_000
"""Bound of connections, devices included."""

FILE_BYTES_MAX = 8 * 2**30
"""Bound of what JetStream stores, bytes; the streams' own bounds lie below."""

MEMORY_BYTES_MAX = 256 * 2**20
"""Bound of JetStream's memory store, bytes."""

BUFFERED_MESSAGES_MAX = 2_000_000
BUFFERED_BYTES_MAX = 2**30
"""Bounds of what waits for storage; with the server's defaults a flood at QoS 0 is dropped without a word."""

DEVICE_SUBJECTS = "v1//1"
"""First word of the subjects of MQTT topics below `v1.1/`: a topic's dot is `//` in a subject."""

PUBLIC_SUBJECTS = (f"{DEVICE_SUBJECTS}.>", "devices.>")
"""What MQTT clients may hear of our own processes, and what is mapped where they publish it themselves."""

STREAMS_FOLDER = "jetstream"
"""Where JetStream keeps the streams of each account below its store."""

LOGIN_S_MAX = 5
"""How long a login may take, seconds; a flood of devices that come back at once waits for the callout's answers."""

ANSWER_S_MAX = 1.0
"""How long the probe waits for the server's greeting, seconds."""


UNUSED_SUBJECT = "unused"
"""Is mapped in the account that a connection belongs to before it has logged in. The server looks only once, at the
beginning of what it has read, whether subjects are mapped at all: without any mapping there, a message that came in one
piece with CONNECT was acknowledged, refused as unmapped, and gone."""


def program_for(configuration: Configuration, account: Account) -> Program:
    """Return the `nats-server` program where the account can reach it.

    Raises:
        ProgramMissingError: if there is none.
    """
    found = find_nats(configuration)
    return Program(reachable_program(found.path, account, version=found.version_text), found.version, found.rung)


def configuration_of(configuration: Configuration, *, folder: Path) -> dict[str, Any]:
    """Return the server's configuration.

    Args:
        configuration: ports and secrets.
        folder: the engines' folder.
    """
    return {
        "server_name": f"cityloop-{configuration.node}",
        "host": "127.0.0.1",
        "port": configuration.nats_port,
        "max_payload": PAYLOAD_BYTES_MAX,
        "max_connections": CONNECTIONS_MAX,
        "lame_duck_duration": "30s",
        "jetstream": {
            "store_dir": str(folder / "nats"),
            "max_file_store": FILE_BYTES_MAX,
            "max_memory_store": MEMORY_BYTES_MAX,
            "max_buffered_msgs": BUFFERED_MESSAGES_MAX,
            "max_buffered_size": BUFFERED_BYTES_MAX,
        },
        "mappings": {UNUSED_SUBJECT: f"{PRIVATE_PREFIX}{UNUSED_SUBJECT}"},
        "mqtt": {"host": configuration.mqtt_host, "port": configuration.mqtt_port, "max_ack_pending": 1000},
        "accounts": {
            "CITY": {
                "jetstream": "enabled",
                "exports": [{"stream": subjects} for subjects in PUBLIC_SUBJECTS],
                "users": [_own_user(configuration, "server")],
            },
            "DEVICES": _devices_account(configuration),
            "AUTH": {"users": [_own_user(configuration, "callout")]},
            "SYS": {"users": [_own_user(configuration, "system")]},
            "NODES": {"users": [_own_user(configuration, "node")]},
        },
        **leaf_lines(configuration),
        "system_account": "SYS",
        "authorization": {
            "timeout": LOGIN_S_MAX,
            "auth_callout": {
                "issuer": issuer_of(configuration).public,
                "account": "AUTH",
                "auth_users": list(NATS_USERS),
            },
        },
    }


def leaf_lines(configuration: Configuration) -> dict[str, Any]:
    """Return the lines for nodes: where those below are awaited, and the way to the one above."""
    lines: dict[str, Any] = {}
    if configuration.leaf_port:
        lines |= {"host": configuration.leaf_host, "port": configuration.leaf_port, "no_advertise": True}
    if configuration.hub_url:
        lines["remotes"] = [{"url": configuration.hub_url, "account": "NODES", "ignore_discovered_servers": True}]
        lines["reconnect"] = "1s"
    return {"leafnodes": lines} if lines else {}


def _own_user(configuration: Configuration, user: str) -> dict[str, Any]:
    password = secret(configuration, f"nats-{user}")
    return {"user": user, "password": password, "allowed_connection_types": ["STANDARD"]}


def _devices_account(configuration: Configuration) -> dict[str, Any]:
    return {
        "jetstream": "enabled",
        "mappings": {subjects: f"{PRIVATE_PREFIX}{subjects}" for subjects in PUBLIC_SUBJECTS},
        "imports": [{"stream": {"account": "CITY", "subject": subjects}} for subjects in PUBLIC_SUBJECTS],
        "users": [
            _own_user(configuration, "wire"),
            {
                "user": "device",
                "password": secret(configuration, "nats-device"),
                "permissions": device_permissions(),
                "allowed_connection_types": ["MQTT"],
            },
        ],
    }


def device_permissions() -> dict[str, Any]:
    """Return what the shared user of the demo's devices may do: publish readings, and hear nothing.

    The server maps what devices publish to a private subject before it looks at their rights, so the right is to that.
    """
    return {"publish": {"allow": [f"{PRIVATE_PREFIX}{DEVICE_SUBJECTS}.>"]}, "subscribe": {"deny": [">"]}}


def configuration_file(folder: Path) -> Path:
    """Return where the server's configuration lies in the engines' folder."""
    return folder / "nats.conf"


def write_configuration(configuration: Configuration, account: Account, *, folder: Path) -> Path:
    """Write the server's configuration and return its file."""
    store, file = folder / "nats", configuration_file(folder)
    store.mkdir(mode=0o700, exist_ok=True)
    account.own(store)
    _move_devices(store / STREAMS_FOLDER)
    file.touch(mode=0o600)
    account.own(file)
    file.write_text(json.dumps(configuration_of(configuration, folder=folder), indent=1) + "\n", encoding="utf-8")
    return file


def _move_devices(streams: Path) -> None:
    """Give what devices sent to the account CITY of an earlier release to the account that has them now."""
    if (streams / "CITY" / "streams" / STREAM).is_dir() and not (streams / "DEVICES").exists():
        (streams / "CITY").rename(streams / "DEVICES")


def command(program: Program, *, folder: Path) -> tuple[str, ...]:
    """Return the server's command line."""
    return (str(program.path), "--config", str(configuration_file(folder)))


def answers(configuration: Configuration) -> bool:
    """Return whether the server greets on both of its ports."""
    return _greets(configuration.nats_port) and _listens(configuration.mqtt_port)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S_MAX) as connection:
            return connection.recv(5).startswith(b"INFO")
    except OSError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S_MAX).close()
    except OSError:
        return False
    return True
