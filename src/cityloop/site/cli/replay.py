"""`cityloop replay`: play readings through MQTT as a device would."""

import argparse
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import to_us
from cityloop.site.configuration import Configuration, load
from cityloop.site.demo.plays import PROJECT, Play, plays, specs_of, track_of
from cityloop.site.django_ready import set_up
from cityloop.site.found import projects
from cityloop.site.replay.board import Board
from cityloop.site.replay.device import Address
from cityloop.site.replay.mapping import Mapping, mapping_of
from cityloop.site.replay.player import Wishes
from cityloop.site.replay.rows import Recording, read_recording
from cityloop.site.replay.session import Part, Session, now_us
from cityloop.site.replay.tracks import RecordedTrack
from cityloop.site.secrets import secret

PAST_DAYS = 35.0
"""Days before now that are sent at first start of a shifted set."""

_DAY_S = 86_400.0
_MARGIN_DAYS = 1 / 24


class ReplayArgumentError(CityloopError):
    """An argument of the command cannot be used."""

    key = "%(name)s: %(reason)s"


class StreamsUnknownError(CityloopError):
    """None of a mapping's streams is declared."""

    key = "%(name)s: none of its streams is known to the city: %(streams)s."
    status = 404


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "replay", help=_("play a CSV file, or the demo city, through MQTT as a device would")
    )
    parser.add_argument("mapping", nargs="?", type=Path, help=_("mapping file (TOML); see docs/reference/replay.md"))
    parser.add_argument(
        "--demo",
        nargs="?",
        const="",
        choices=("auto", "replay", "simulate"),
        help=_("play the demo city instead of a mapping file"),
    )
    parser.add_argument("--data", type=Path, help=_("folder of the CSV files (default: the setting data)"))
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help=_("seconds of readings in one second; 1: the past at once, then real time; 0: as fast as acknowledged"),
    )
    parser.add_argument("--past-days", type=float, help=_("how much of the past to send at first start, days"))
    parser.add_argument("--until", help=_("stop at this instant (ISO 8601, the city's clock unless it names a zone)"))
    parser.add_argument("--once", action="store_true", help=_("stop when everything due at the start is sent"))
    parser.add_argument("--from-start", action="store_true", help=_("forget where an earlier run stopped"))
    parser.add_argument("--broker", help=_("mqtt://user:password@host:port (default: this city's own)"))


def run(arguments: argparse.Namespace) -> int:
    """Play what the arguments say until it ends or is stopped.

    Raises:
        CityloopError: if the mapping, its files, its streams or the broker cannot be used.
    """
    configuration = load()
    is_demo = arguments.demo is not None
    if is_demo == (arguments.mapping is not None):
        raise ReplayArgumentError(name="mapping", reason=_("give a mapping file, or --demo"))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Board.on_terminal() as board:
        session = Session(
            folder=configuration.home / "replay",
            address=_address(arguments.broker, configuration),
            stop=stop,
            board=board,
        )
        if is_demo:
            wanted = replace(configuration, demo=arguments.demo) if arguments.demo else configuration
            parts = _demo_parts(wanted, board)
        else:
            parts = [_mapping_part(arguments, configuration, board)]
        if arguments.from_start:
            for part in parts:
                session.position_file(part).unlink(missing_ok=True)
        session.play(parts)
    return 0


def _address(text: str | None, configuration: Configuration) -> Address:
    if text is None:
        password = secret(configuration, "nats-device")
        return Address(host="127.0.0.1", port=configuration.mqtt_port, user="device", password=password)
    parts = urlsplit(text)
    if parts.scheme != "mqtt" or not parts.hostname:
        reason = _("an address like mqtt://user:password@host:1883 is needed")
        raise ReplayArgumentError(name="--broker", reason=reason)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(host=parts.hostname, port=parts.port or 1883, user=user, password=password)


def _until_us(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ReplayArgumentError(name="--until", reason=_("an instant such as 2026-11-22T08:00 is needed")) from error
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=CITY_ZONE))


def _demo_parts(configuration: Configuration, board: Board) -> list[Part]:
    return [_demo_part(play, configuration, board) for play in plays(configuration)]


def _demo_part(play: Play, configuration: Configuration, board: Board) -> Part:
    project = next(project for project in projects() if project.code == PROJECT)
    specs = specs_of(project, play)
    track = track_of(play, specs, folder=configuration.data, now_us=now_us(), on_file=board.reading)
    if isinstance(track, RecordedTrack):
        board.say_dropped(play.group.name, track.recording)
    ids = _datastream_ids(play.group.name, project.code, track.streams)
    return Part(name=play.group.name, track=track, datastream_ids=ids, wishes=Wishes(past=play.group.past))


def _mapping_part(arguments: argparse.Namespace, configuration: Configuration, board: Board) -> Part:
    mapping = mapping_of(arguments.mapping)
    recording = read_recording(mapping, arguments.data or configuration.data, on_file=board.reading)
    board.say_dropped(mapping.name, recording)
    wishes = Wishes(
        past=((_past_days(arguments.past_days, mapping, recording) * _DAY_S, 0.0),),
        speed=arguments.speed,
        until_us=_until_us(arguments.until),
        once=arguments.once,
    )
    ids = _datastream_ids(mapping.name, mapping.project, recording.streams)
    return Part(name=mapping.name, track=RecordedTrack(recording, mapping.shift), datastream_ids=ids, wishes=wishes)


def _past_days(asked: float | None, mapping: Mapping, recording: Recording) -> float:
    if asked is not None:
        return asked
    if mapping.shift.by != "none":
        return PAST_DAYS
    oldest_us = int(recording.events.time_us[0]) - 1
    return max(0.0, (now_us() - oldest_us) / 1e6 / _DAY_S) + _MARGIN_DAYS


def _datastream_ids(name: str, project: str, streams: Sequence[str]) -> tuple[int | None, ...]:
    """Return the number of each stream: given as such, or found by its code in the city."""
    known = {} if all(code.isdigit() for code in streams) else _declared(project)
    ids = tuple(int(code) if code.isdigit() else known.get(code) for code in streams)
    if not any(ids):
        raise StreamsUnknownError(name=name, streams=", ".join(streams[:5]))
    return ids


def _declared(project: str) -> dict[str, int]:
    set_up()
    from cityloop.sense import facade as sense  # noqa: PLC0415  after Django is set up

    return {view.code.removeprefix(f"{project}/"): view.datastream_id for view in sense.streams_of_project(project)}
