"""What the demo city plays: for every group of streams a real set where it is present, else the seeded simulator."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cityloop.kernel.declarations import Origin, Project, StreamSpec
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text
from cityloop.site.configuration import Configuration
from cityloop.site.demo.simulator import SimulatedTrack
from cityloop.site.replay.mapping import Mapping, mapping_of
from cityloop.site.replay.player import DAY_US
from cityloop.site.replay.rows import files_present, read_recording
from cityloop.site.replay.tracks import RecordedTrack, Track

PROJECT = "lifelines"
SEED = 2012
"""Seed of the simulated city: the same city everywhere."""

_DAY_S = 86_400.0
_LAST_YEAR_S = 364 * _DAY_S
HISTORY: tuple[tuple[float, float], ...] = ((35 * _DAY_S, 0.0), (_LAST_YEAR_S + 7 * _DAY_S, _LAST_YEAR_S - 7 * _DAY_S))
"""Past that is loaded at first start: five weeks, enough for a baseline of the hour of the week, and the same fortnight
of last year; seconds before now."""

POINT_HISTORY: tuple[tuple[float, float], ...] = ((8 * _DAY_S, 0.0),)
"""Past of the quick pressure points: the last day at their own step, a week before it coarsely."""

SIMULATED = Text(
    "模拟数据：按固定种子和公开运行规律生成，非实测", "Simulated: made by rule from a fixed seed, not measured"
)

_MAPPINGS = Path(__file__).parent / "mappings"


OPENING_AFTER_US = 60_000_000
"""How long after the demo has begun its first incident happens: when a newcomer has found the wall, microseconds."""


class UnknownDemoError(CityloopError):
    """The setting `demo` says something else than it may."""

    key = "The setting demo is %(value)s; it may be auto, replay, simulate, quiet or off."


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Streams that one source feeds.

    Attributes:
        name: of the group and its mapping file, `mappings/<name>.toml`.
        patterns: the streams.
        recorded: whether a real set is known for them.
        past: what is loaded at first start.
    """

    name: str
    patterns: tuple[str, ...]
    recorded: bool = True
    past: tuple[tuple[float, float], ...] = HISTORY


GROUPS = (
    Group(name="pressure", patterns=("water.point-*",), recorded=False, past=POINT_HISTORY),
    Group(name="water", patterns=("water.zone-*",)),
    Group(name="power", patterns=("power.grid.*",)),
    Group(name="heat", patterns=("heat.l*",)),
    Group(name="air", patterns=("air.*",)),
    Group(name="supply", patterns=("gas.*", "coal.*", "drainage.*"), recorded=False),
    Group(name="told", patterns=tuple(f"{line}.dispatch.*" for line in ("water", "heat", "power")), recorded=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What feeds a group of streams.

    Attributes:
        group: the streams.
        origin: how their readings are labelled.
        source: what they are, in words.
        mapping: the real set, None where they are simulated.
    """

    group: Group
    origin: Origin
    source: Text
    mapping: Mapping | None


SILENT = frozenset({"quiet", "off"})
"""Settings of `demo` with which nothing plays."""


def plays(configuration: Configuration) -> tuple[Play, ...]:
    """Return what the demo city plays with these settings.

    With `auto` a group whose set is not present is simulated, with `replay` it is left out, with `simulate` all are
    simulated, with `quiet` the city stands but nothing is played, with `off` there is no demo city. Network
    pressure is always simulated: no free set has it.

    Raises:
        UnknownDemoError: if the setting says something else.
    """
    if configuration.demo not in {"auto", "replay", "simulate", *SILENT}:
        raise UnknownDemoError(value=configuration.demo)
    if configuration.demo in SILENT:
        return ()
    found = (_play(group, configuration) for group in GROUPS)
    return tuple(play for play in found if play is not None)


def _play(group: Group, configuration: Configuration) -> Play | None:
    if group.recorded and configuration.demo != "simulate":
        mapping = mapping_of(_MAPPINGS / f"{group.name}.toml")
        if files_present(mapping, configuration.data):
            return Play(group=group, origin=mapping.origin, source=mapping.source_text, mapping=mapping)
        if configuration.demo == "replay":
            return None
    return Play(group=group, origin=Origin.SIMULATED, source=SIMULATED, mapping=None)


def labelled(project: Project, played: tuple[Play, ...]) -> Project:
    """Return a project whose streams say where their readings come from in the demo city."""
    if project.code != PROJECT:
        return project
    said = {
        stream.code: (play.origin, play.source)
        for play in played
        for stream in project.streams_matching(play.group.patterns)
    }
    streams = (
        replace(stream, origin=said[stream.code][0], source=said[stream.code][1]) if stream.code in said else stream
        for stream in project.streams
    )
    return replace(project, streams=tuple(streams))


def specs_of(project: Project, play: Play) -> tuple[StreamSpec, ...]:
    """Return the streams a play feeds."""
    return project.streams_matching(play.group.patterns)


def track_of(
    play: Play, specs: tuple[StreamSpec, ...], *, folder: Path, now_us: int, on_file: Callable[[str], None]
) -> Track:
    """Return what is played.

    Args:
        play: what feeds the group.
        specs: the group's streams.
        folder: where the real sets lie.
        now_us: the present; a simulated stream is dense for the day before it, and soon after it an incident happens.
        on_file: told each file that is read.
    """
    if play.mapping is None:
        return SimulatedTrack(specs, SEED, dense_after_us=now_us - DAY_US, opening_us=now_us + OPENING_AFTER_US)
    return RecordedTrack(read_recording(play.mapping, folder, on_file=on_file), play.mapping.shift)
