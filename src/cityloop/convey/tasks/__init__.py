"""Jobs of this room, done by the clock; procrastinate finds this package, which names its modules."""

from cityloop.convey.tasks import devices, sharing

__all__ = ["devices", "sharing"]
