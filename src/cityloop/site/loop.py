"""How the loop is closed: what happened on the left, who acts on it on the right. Nothing else knows both ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cityloop.assess import facade as assess
from cityloop.convey.facade import devices
from cityloop.decide import facade as decide
from cityloop.kernel.facts import Fact
from cityloop.kernel.facts.assessed import ShortfallFound
from cityloop.kernel.facts.decided import AlarmRaised
from cityloop.kernel.facts.responded import CaseClosed, SignalReceived
from cityloop.kernel.facts.sensed import ReadingsKept
from cityloop.respond import facade as respond
from cityloop.site.found import project_clock, project_loop

LOOP: tuple[tuple[type[Fact], Callable[..., object]], ...] = (
    (ReadingsKept, decide.refresh_baselines),
    (AlarmRaised, respond.open_signal),
    (SignalReceived, decide.note_case),
    (CaseClosed, decide.note_case),
    (CaseClosed, assess.score_case),
    (ShortfallFound, respond.open_rectification),  # assess -> respond: the loop closes
)

CLOCK: tuple[tuple[Callable[[datetime], object], float], ...] = (
    (decide.run_machine, 0.5),  # alarms that were held long enough; candidates wake it at once
    (devices.scan_devices, 15.0),  # who was heard, who fell silent
    (decide.scan_silence, 5.0),  # what depends on time alone: no data, stuck values
    (decide.scan_flood, 5.0),  # more alarms than people can answer
    (decide.apply_validity, 15.0),  # watches that begin or end
)
"""What is done again and again, and every how many seconds."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One who acts on facts; a listener of several kinds hears them in their common order.

    Attributes:
        name: of its cursor in the journal, `respond.open_signal`.
        act: what it does with a fact.
        kinds: which facts it hears.
    """

    name: str
    act: Callable[..., object]
    kinds: tuple[type[Fact], ...]


def listeners() -> tuple[Listener, ...]:
    """Return the listeners of the loop and of the projects, each with all the kinds it hears."""
    kinds: dict[Callable[..., object], list[type[Fact]]] = {}
    for kind, act in (*LOOP, *project_loop()):
        kinds.setdefault(act, []).append(kind)
    return tuple(Listener(name_of(act), act, tuple(heard)) for act, heard in kinds.items())


def clock() -> tuple[tuple[Callable[[datetime], object], float], ...]:
    """Return what is done again and again by the house and by the projects."""
    return (*CLOCK, *project_clock())


def name_of(act: Callable[..., object]) -> str:
    """Return a listener's name: its room, or its project, and its verb."""
    room, *inside = act.__module__.split(".")[1:]
    return f"{inside[0] if room == 'projects' else room}.{act.__name__}"
