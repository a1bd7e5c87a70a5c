"""Secrets of a city: made once, kept in the data folder, readable by its owner only."""

import base64
import contextlib
import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from cityloop.convey.stream.callout.keys import SigningKey
from cityloop.site.configuration import Configuration

SECRET_BYTES = 32
"""Entropy of a secret, bytes."""

NATS_USERS = ("server", "wire", "device", "callout", "system", "node")
"""Users the transport knows by itself; everybody else is looked up in the book of tokens."""


def secret(configuration: Configuration, name: str) -> str:
    """Return the secret of a name, made at first use; two processes that ask at once get the same.

    Args:
        configuration: names the data folder.
        name: file name below `secrets/`.
    """
    folder = Path(configuration.home) / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / name
    if not file.exists():
        mine = folder / f".{name}.{os.getpid()}"
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_urlsafe(SECRET_BYTES), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            os.link(mine, file)
        mine.unlink()
    return file.read_text(encoding="ascii").strip()


def secret_key(configuration: Configuration) -> str:
    """Return the key that signs sessions."""
    return configuration.secret_key or secret(configuration, "django")


def postgres_dsn(configuration: Configuration) -> str:
    """Return the address of the database, with its password: the setting's, or the embedded engine's."""
    if configuration.postgres_dsn:
        return configuration.postgres_dsn
    password = quote(secret(configuration, "postgres"))
    return f"postgresql://cityloop:{password}@127.0.0.1:{configuration.postgres_port}/cityloop"


def nats_url(configuration: Configuration, *, user: str = "server") -> str:
    """Return the address of the transport for one of our own processes, with its password.

    An address of the operator's own stands as it is for `server`; the other users take its place in it.

    Args:
        configuration: the address, and the passwords.
        user: one of `NATS_USERS`.
    """
    own = urlsplit(configuration.nats_url)
    if configuration.nats_url and (user == "server" or "@" not in own.netloc):
        return configuration.nats_url
    credentials = f"{user}:{quote(secret(configuration, f'nats-{user}'))}@"
    if configuration.nats_url:
        return urlunsplit(own._replace(netloc=credentials + own.netloc.rpartition("@")[2]))
    return f"nats://{credentials}127.0.0.1:{configuration.nats_port}"


def issuer_of(configuration: Configuration) -> SigningKey:
    """Return the key that signs what the transport lets an MQTT client do."""
    return SigningKey(base64.urlsafe_b64decode(secret(configuration, "nats-issuer") + "="))
