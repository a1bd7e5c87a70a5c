"""The door of sense for the control plane."""

from cityloop.sense.selectors.counters import (
    ReadingCounters,
    RejectedTally,
    RejectedView,
    reading_counters,
    rejected_counts,
    rejected_recent,
)
from cityloop.sense.selectors.datasets import (
    OwnedProperty,
    OwnerTally,
    dataset_stream_counts,
    datasets_of_streams,
    owner_tallies,
    projects_of_owner,
    properties_of_dataset,
    properties_of_owner,
    streams_of_dataset,
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
from cityloop.sense.services.datasets import Assigned, StreamChoice, assign_dataset
from cityloop.sense.services.declaring import declare
from cityloop.sense.services.partitions import make_partitions
from cityloop.sense.services.trimming import trim_rejected, trim_retry_keys

__all__ = [
    "Assigned",
    "LatestView",
    "ObservationView",
    "OwnedProperty",
    "OwnerTally",
    "ReadingCounters",
    "RejectedTally",
    "RejectedView",
    "Series",
    "StreamChoice",
    "StreamView",
    "arrivals",
    "assign_dataset",
    "dataset_stream_counts",
    "datasets_of_streams",
    "declare",
    "hourly",
    "latest_of",
    "make_partitions",
    "observation",
    "owner_tallies",
    "projects_of_owner",
    "properties_of_dataset",
    "properties_of_owner",
    "reading_counters",
    "recent_observations",
    "rejected_counts",
    "rejected_recent",
    "series",
    "stream_view",
    "stream_views",
    "streams_of_dataset",
    "streams_of_project",
    "trim_rejected",
    "trim_retry_keys",
]
