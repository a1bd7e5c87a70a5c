"""Tells a device's clock that is off from a frame that was stored and sent late: both look old."""

from dataclasses import dataclass

AGREE_US = 60_000_000
"""Two frames whose clocks are off by the same amount, give or take this much, show the clock, microseconds."""

NEAR_US = 300_000_000
"""A frame whose time is this near the present is not an old one, microseconds."""


@dataclass(slots=True)
class SteadyClock:
    """Believes a device's clock once two frames in a row agree how far it is off.

    Frames that were stored while the connection was down come in a row with ever younger times, so they do not agree.
    """

    _behind_us: int | None = None

    def believes(self, device_us: int, *, now_us: int) -> bool:
        """Take the time a frame names and return whether it is what the device's clock shows now.

        Args:
            device_us: the time in the frame, microseconds since the Unix epoch.
            now_us: the present.
        """
        behind_us, before_us = now_us - device_us, self._behind_us
        self._behind_us = behind_us
        return abs(behind_us) <= NEAR_US or (before_us is not None and abs(behind_us - before_us) <= AGREE_US)
