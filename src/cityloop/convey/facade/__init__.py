"""The door of convey's control plane; its parts are `facade.devices`, `facade.sharing` and `facade.nodes`."""

from cityloop.convey.selectors.positions import PositionView, stream_positions

__all__ = ["PositionView", "stream_positions"]
