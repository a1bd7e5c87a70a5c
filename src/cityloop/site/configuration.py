"""All settings of Cityloop, in one place: environment first, then the TOML file, then the default.

The environment variable of a setting is `CITYLOOP_` and its name in capitals; the TOML file is `cityloop.toml` in the
data folder (`CITYLOOP_HOME`), or the file `CITYLOOP_CONFIG` names.
"""

import os
import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from cityloop.kernel.errors import CityloopError


class ConfigurationError(CityloopError):
    """A setting cannot be read."""

    key = "Setting %(name)s: %(reason)s"


_HOME, _DATA = Path(".cityloop"), Path("../shared/data")


def gettext_noop(text: str) -> str:
    """Mark a phrase for translation; it is translated where it is shown."""
    return text


def _setting(default: Any, about: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"about": about, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Every setting, its default and what it means."""

    home: Path = _setting(_HOME, gettext_noop("Data folder: everything the product keeps lies below it."))  # noqa: RUF009  a path is immutable
    host: str = _setting("127.0.0.1", gettext_noop("Address the web server listens on."))
    port: int = _setting(8000, gettext_noop("Port of the web server."))
    public_url: str = _setting(
        "",
        gettext_noop(
            "Address at which others reach the city, for links in what MQTT topics tell; empty is http://host:port."
        ),
    )
    web_workers: int = _setting(2, gettext_noop("Web server processes; one a core serves best."))
    mqtt_host: str = _setting("127.0.0.1", gettext_noop("Address the MQTT listener of the embedded NATS server is on."))
    mqtt_port: int = _setting(1883, gettext_noop("Port of the MQTT listener of the embedded NATS server."))
    nats_port: int = _setting(4222, gettext_noop("Port of the embedded NATS server."))
    postgres_port: int = _setting(5433, gettext_noop("Port of the embedded PostgreSQL server."))
    postgres_dsn: str = _setting(
        "", gettext_noop("Address of a PostgreSQL 15-18 of your own; the embedded one stays off."), secret=True
    )
    nats_url: str = _setting(
        "", gettext_noop("Address of a NATS 2.11+ of your own; the embedded one stays off."), secret=True
    )
    postgres_bin: str = _setting(
        "", gettext_noop("Folder with the PostgreSQL programs; else the installed wheel, else PATH.")
    )
    nats_bin: str = _setting("", gettext_noop("The nats-server program; else the installed wheel, else PATH."))
    node: int = _setting(0, gettext_noop("Number of this node, 0-63; 0 is the city."))
    gateways: str = _setting(
        "", gettext_noop("Device protocols that are listened to, comma separated, each with :port where it is another.")
    )
    gateway_host: str = _setting("127.0.0.1", gettext_noop("Address the device protocols are listened to on."))
    history_hot_days: int = _setting(
        3, gettext_noop("Whole days before today whose readings stay as single rows; older days are packed.")
    )
    history_dsn: str = _setting(
        "",
        gettext_noop(
            "Second store of closed days: chdb:///folder, or the address of a ClickHouse database of your own; "
            "empty keeps them in PostgreSQL."
        ),
        secret=True,
    )
    node_area: str = _setting("110000", gettext_noop("Area this node serves: the code of the city or of a district."))
    hub_url: str = _setting(
        "",
        gettext_noop("Leaf address of the node above, from `cityloop node add` there; empty for the city itself."),
        secret=True,
    )
    leaf_host: str = _setting("127.0.0.1", gettext_noop("Address on which nodes below this one are awaited."))
    leaf_port: int = _setting(0, gettext_noop("Port on which nodes below this one are awaited; 0 awaits none."))
    data: Path = _setting(_DATA, gettext_noop("Folder of real data sets that the demo city replays, where present."))  # noqa: RUF009  a path is immutable
    demo: str = _setting(
        "auto", gettext_noop("Demo readings: auto, replay, simulate, quiet (the city stands, nothing plays) or off.")
    )
    base_map: str = _setting(
        "", gettext_noop("Base map: a PMTiles file or a tile address with {z}/{x}/{y}; empty shows districts only.")
    )
    secret_key: str = _setting(
        "", gettext_noop("Key that signs sessions; made and kept in the data folder when empty."), secret=True
    )
    allowed_hosts: str = _setting(
        "127.0.0.1,localhost,[::1]", gettext_noop("Names the web server answers to, comma separated.")
    )
    trusted_proxies: str = _setting(
        "",
        gettext_noop(
            "Addresses of proxies, comma separated, whose X-Forwarded-For and X-Forwarded-Proto are believed; "
            "empty believes nobody."
        ),
    )
    tls: bool = _setting(
        default=False, about=gettext_noop("Pages are reached over TLS, ended by a proxy: cookies travel over TLS only.")
    )
    sta_anonymous: bool = _setting(
        default=False,
        about=gettext_noop("For conformance tests on a throw-away database only: SensorThings without credentials."),
    )
    open311_key_needed: bool = _setting(
        default=False,
        about=gettext_noop("Reports by Open311 need an api_key, a token that may write; else anybody may report."),
    )
    open311_contact: str = _setting(
        "", gettext_noop("Whom developers ask about Open311, as its discovery document says.")
    )
    log_format: str = _setting(
        "json", gettext_noop("Form of the log lines: json (one object a line, with trace ids) or text.")
    )
    webhook_private: bool = _setting(
        default=False,
        about=gettext_noop("For tests only: webhooks may go to this machine and its network, and without TLS."),
    )
    debug: bool = _setting(default=False, about=gettext_noop("Show errors in the browser; never in service."))


def _converted(name: str, value: Any, kind: type) -> Any:
    try:
        if kind is bool:
            return (
                value
                if isinstance(value, bool)
                else {"1": True, "true": True, "0": False, "false": False}[str(value).lower()]
            )
        if kind is int:
            return int(value)
        return Path(value).expanduser() if kind is Path else str(value)
    except (KeyError, ValueError) as error:
        raise ConfigurationError(name=name, reason=f"{value!r} is not of the kind {kind.__name__}") from error


def load(environment: dict[str, str] | None = None) -> Configuration:
    """Return the settings in force.

    Args:
        environment: in place of the process's own.

    Raises:
        ConfigurationError: names the setting that cannot be read, or that does not exist.
    """
    environment = dict(os.environ) if environment is None else environment
    kinds = {f.name: type(f.default) if not isinstance(f.default, Path) else Path for f in fields(Configuration)}
    home = Path(environment.get("CITYLOOP_HOME", Configuration.__dataclass_fields__["home"].default)).expanduser()
    file = Path(environment.get("CITYLOOP_CONFIG", home / "cityloop.toml"))
    values: dict[str, Any] = {}
    if file.exists():
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(name=str(file), reason=str(error)) from error
    for name in values:
        if name not in kinds:
            raise ConfigurationError(name=name, reason=f"{file} names a setting that does not exist")
    for name in kinds:
        if (value := environment.get(f"CITYLOOP_{name.upper()}")) is not None:
            values[name] = value
    return Configuration(**{name: _converted(name, value, kinds[name]) for name, value in values.items()})


@cache
def configuration() -> Configuration:
    """Return this process's settings, read once."""
    return load()
