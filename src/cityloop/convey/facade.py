"""The door of convey's control plane."""

from cityloop.convey.selectors import PositionView, stream_positions

__all__ = ["PositionView", "stream_positions"]
