"""Makes the demo city stand: people, and what every project declares, through the rooms' own doors."""

from cityloop.assess import facade as assess
from cityloop.decide import facade as decide
from cityloop.kernel.declarations import Origin
from cityloop.registry import facade as registry
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense
from cityloop.site.accounts import demo_password
from cityloop.site.configuration import Configuration
from cityloop.site.demo.plays import labelled, plays
from cityloop.site.found import projects


def prepare(configuration: Configuration) -> None:
    """Make people, things, streams, watches, case kinds and indicators; what stands already is kept.

    Args:
        configuration: says what the demo plays, and so how each stream is labelled.
    """
    registry.ensure_demo_people(demo_password(configuration))
    played = plays(configuration)
    for project in projects():
        sense.declare(labelled(project, played), Origin.LIVE)
        respond.declare(project)
        decide.declare(project, sense.streams_of_project(project.code))
    assess.declare_indicators()
