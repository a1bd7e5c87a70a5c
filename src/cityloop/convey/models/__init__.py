"""Tables of convey: positions of streams; devices; shared data; nodes."""

from cityloop.convey.models.positions import StreamPosition

__all__ = ["StreamPosition"]
