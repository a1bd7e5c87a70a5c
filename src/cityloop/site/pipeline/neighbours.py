"""What stands beside the pipeline: markers before it keeps, the announcer after; neither can stop it."""

import logging
from collections.abc import Sequence

from cityloop.sense.stream.readings import Announcer, Kept, Marker, Readings

log = logging.getLogger(__name__)


def mark(readings: Readings, markers: Sequence[Marker]) -> None:
    """Let each marker lower the quality of readings; one that fails has marked nothing more."""
    for marker in markers:
        try:
            marker.mark(readings)
        except Exception:
            log.exception("A marker failed: the readings are kept without its marks")


def announce(announcer: Announcer | None, readings: Readings, kept: Kept) -> None:
    """Tell the announcer what is durable; what it fails to tell is in the history all the same."""
    if announcer is None:
        return
    try:
        announcer.announce(readings, kept)
    except Exception:
        log.exception("The announcer failed: %d readings were not announced", len(readings))
