"""Whether there is a node above this one, and what is put aside for it."""

from cityloop.convey.stream.nodes.outbox import Outbox
from cityloop.site.configuration import Configuration


def outbox_of(configuration: Configuration) -> Outbox | None:
    """Return what puts kept readings aside for the node above, None where there is none."""
    return Outbox(target=0) if configuration.hub_url else None
