"""The embedded NATS server: MQTT for devices, JetStream for storage, accounts for who may what.

Its configuration is written at every start, readable by the server's account only, for it holds passwords.
"""

import json
import socket
from pathlib import Path
from typing import Any

from cityloop.convey.stream.jetstream import PRIVATE_PREFIX
from cityloop.site.configuration import Configuration
from cityloop.site.engines.account import Account, reachable_program
from cityloop.site.engines.binaries import Program, find_nats
from cityloop.site.secrets import secret

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

DEVICE_USER = "device"
SERVER_USER = "server"

ANSWER_S_MAX = 1.0
"""How long the probe waits for the server's greeting, seconds."""


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
        "mqtt": {"host": "127.0.0.1", "port": configuration.mqtt_port, "max_ack_pending": 1000},
        "accounts": {"CITY": _city_account(configuration), "SYS": {}},
        "system_account": "SYS",
    }


def _city_account(configuration: Configuration) -> dict[str, Any]:
    return {
        "jetstream": "enabled",
        "mappings": {f"{DEVICE_SUBJECTS}.>": f"{PRIVATE_PREFIX}{DEVICE_SUBJECTS}.>"},
        "users": [
            {
                "user": SERVER_USER,
                "password": secret(configuration, "nats-server"),
                "allowed_connection_types": ["STANDARD"],
            },
            {
                "user": DEVICE_USER,
                "password": secret(configuration, "nats-device"),
                "permissions": device_permissions(),
                "allowed_connection_types": ["MQTT"],
            },
        ],
    }


def device_permissions() -> dict[str, Any]:
    """Return what a device may do: publish readings, and hear nothing.

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
    file.touch(mode=0o600)
    account.own(file)
    file.write_text(json.dumps(configuration_of(configuration, folder=folder), indent=1) + "\n", encoding="utf-8")
    return file


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
