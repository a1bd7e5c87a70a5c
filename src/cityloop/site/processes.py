"""The processes of a city: what each one is, in the order they are started."""

import os
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.site.configuration import Configuration
from cityloop.site.engines import nats, postgres
from cityloop.site.engines.account import Account
from cityloop.site.engines.binaries import Program
from cityloop.site.metrics.instruments import FOLDER, folder_of
from cityloop.site.supervisor import ChildSpec, Stage

POSTGRES_STOP_S = 30.0
"""Fast shutdown writes a checkpoint: at most the WAL's bound, seconds."""

WEB_STOP_S = 8.0
"""A web process lets answers finish, seconds."""

FREE_MB_MIN = 500
"""Less free space than this counts as a full disk: the city does not start, MB."""

PLAYED = frozenset({"auto", "replay", "simulate"})
"""Values of the setting `demo` with which readings are played."""

_ENGINE_ENVIRONMENT = ("PATH", "HOME", "TZ")


def home_folder(configuration: Configuration) -> Path:
    """Return the data folder, absolute."""
    return configuration.home.absolute()


def log_file(configuration: Configuration, name: str) -> Path:
    """Return where a process's output goes."""
    return home_folder(configuration) / "logs" / f"{name}.log"


def city_environment(configuration: Configuration) -> Mapping[str, str]:
    """Return the environment of the city's own processes: ours, with every setting as it is in force."""
    settings = {
        f"CITYLOOP_{field.name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
        for field in fields(Configuration)
        if (value := getattr(configuration, field.name)) != field.default
    }
    return {
        **os.environ,
        **settings,
        "CITYLOOP_HOME": str(home_folder(configuration)),
        "DJANGO_SETTINGS_MODULE": "cityloop.site.settings",
        "PYTHONUNBUFFERED": "1",
        FOLDER: str(folder_of(home_folder(configuration))),
        "TZ": CITY_ZONE.key,  # one clock in all logs
    }


def _engine_environment() -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _ENGINE_ENVIRONMENT if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8"}


def postgres_child(configuration: Configuration, account: Account, *, folder: Path, program: Program) -> ChildSpec:
    """Return the database; SIGINT is its fast shutdown."""
    dsn = postgres.server_dsn(configuration)
    return ChildSpec(
        name="postgres",
        command=postgres.command(program, folder=folder),
        log=log_file(configuration, "postgres"),
        stage=Stage.DATABASE,
        environment=_engine_environment(),
        folder=folder,
        account=account,
        ready=lambda: postgres.answers(dsn),
        stop_signal=signal.SIGINT,
        stop_s=POSTGRES_STOP_S,
        stop_hard=signal.SIGQUIT,
    )


def nats_child(configuration: Configuration, account: Account, *, folder: Path, program: Program) -> ChildSpec:
    """Return the transport."""
    return ChildSpec(
        name="nats",
        command=nats.command(program, folder=folder),
        log=log_file(configuration, "nats"),
        stage=Stage.TRANSPORT,
        environment=_engine_environment(),
        folder=folder,
        account=account,
        ready=lambda: nats.answers(configuration),
        sticks_when_full=True,
    )


def _city_child(
    configuration: Configuration, name: str, *arguments: str, stop_s: float = 10.0, keep_files: tuple[int, ...] = ()
) -> ChildSpec:
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", *arguments),
        log=log_file(configuration, name),
        stage=Stage.CITY,
        environment=city_environment(configuration),
        folder=Path.cwd(),
        stop_s=stop_s,
        keep_files=keep_files,
    )


def prepare_child(configuration: Configuration) -> ChildSpec:
    """Return what brings tables, static files and the demo city up to date, then ends."""
    return _city_child(configuration, "prepare", "cityloop.site.cli", "prepare")


def city_children(configuration: Configuration, *, listener_number: int) -> list[ChildSpec]:
    """Return the city's own processes, in the order in which they are stopped.

    Args:
        configuration: how many web processes, and whether there are demo readings.
        listener_number: the listening socket of the web processes.
    """
    web = [
        _city_child(
            configuration,
            f"web-{number}",
            "cityloop.site.web",
            "--fd",
            str(listener_number),
            "--name",
            f"web-{number}",
            stop_s=WEB_STOP_S,
            keep_files=(listener_number,),
        )
        for number in range(1, configuration.web_workers + 1)
    ]
    rest = [
        _city_child(configuration, "wire", "cityloop.site.wire"),
        _city_child(configuration, "callout", "cityloop.site.callout"),
        _city_child(configuration, "notify", "cityloop.site.notify"),
        _city_child(configuration, "feeds", "cityloop.site.feeds"),
        _city_child(configuration, "loop", "cityloop.site.reactor"),
        _city_child(configuration, "jobs", "cityloop.site.jobs"),
    ]
    if configuration.gateways:
        rest.append(_city_child(configuration, "gateway", "cityloop.site.gateway"))
    if configuration.history_dsn:
        rest.append(_city_child(configuration, "history", "cityloop.site.history"))
    if configuration.leaf_port or configuration.hub_url:
        rest.append(_city_child(configuration, "node", "cityloop.site.node"))
    if configuration.demo in PLAYED:
        rest.append(_city_child(configuration, "replay", "cityloop.site.cli", "replay", "--demo", configuration.demo))
    return web + rest


def free_mb(folder: Path) -> int:
    """Return the free space of the disk on which a folder lies, or will lie once it is made, MB."""
    stands = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    return shutil.disk_usage(stands).free // 2**20


__all__ = [
    "FREE_MB_MIN",
    "city_children",
    "city_environment",
    "free_mb",
    "home_folder",
    "log_file",
    "nats_child",
    "postgres_child",
    "prepare_child",
]
