"""The door of sense for the control plane."""

from cityloop.sense.selectors.counters import (
    ReadingCounters,
    RejectedTally,
    RejectedView,
    reading_counters,
    rejected_counts,
    rejected_recent,
)
from cityloop.sense.selectors.history import (
    ObservationView,
    Series,
    arrivals,
    hourly,
    observation,
    recent_observations,
    series,
)
from cityloop.sense.selectors.streams import (
    LatestView,
    StreamView,
    latest_of,
    stream_view,
    stream_views,
    streams_of_project,
)
from cityloop.sense.services.declaring import declare
from cityloop.sense.services.partitions import make_partitions
from cityloop.sense.services.trimming import trim_rejected, trim_retry_keys

__all__ = [
    "LatestView",
    "ObservationView",
    "ReadingCounters",
    "RejectedTally",
    "RejectedView",
    "Series",
    "StreamView",
    "arrivals",
    "declare",
    "hourly",
    "latest_of",
    "make_partitions",
    "observation",
    "reading_counters",
    "recent_observations",
    "rejected_counts",
    "rejected_recent",
    "series",
    "stream_view",
    "stream_views",
    "streams_of_project",
    "trim_rejected",
    "trim_retry_keys",
]
