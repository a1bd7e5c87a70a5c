"""Jobs of this room, done by the clock; procrastinate finds this package, which names its modules."""

from cityloop.convey.tasks import sharing

__all__ = ["sharing"]
