"""Makes the city stand: people, and what every project declares, through the rooms' own doors."""

from datetime import UTC, datetime

from cityloop.assess import facade as assess
from cityloop.command import facade as command
from cityloop.convey.facade import devices
from cityloop.decide import facade as decide
from cityloop.registry import facade as registry
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense
from cityloop.site.accounts import demo_password
from cityloop.site.configuration import Configuration
from cityloop.site.demo.datasets import declare_datasets
from cityloop.site.demo.plays import labelled, plays
from cityloop.site.found import projects


def prepare(configuration: Configuration) -> None:
    """Make the demo's people, and all that the projects declare; what stands already is kept.

    Args:
        configuration: says what the demo plays, and so how each stream is labelled. With `demo` off there are no demo
            people, and every stream is the city's own.
    """
    played, now = plays(configuration), datetime.now(UTC)
    if configuration.demo != "off":
        registry.ensure_demo_people(demo_password(configuration))
    for project in projects():
        sense.declare(labelled(project, played))
        devices.enter_declared(project.code, now=now)
        respond.declare(project)
        decide.declare(project)
        command.register_lines(project)
    assess.declare_indicators()
    declare_datasets()
