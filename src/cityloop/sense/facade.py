"""The door of sense for the control plane."""

from cityloop.sense.rules.tasks import TERMS as TASK_TERMS
from cityloop.sense.rules.tasks import TaskStatus
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
from cityloop.sense.selectors.fresh import FRESH, fresh_tracks
from cityloop.sense.selectors.history import (
    ObservationView,
    Series,
    Track,
    arrivals,
    hourly,
    observation,
    recent_observations,
    series,
    track,
)
from cityloop.sense.selectors.many import Given, Hours, given_of_many, hours_of_many
from cityloop.sense.selectors.newest import NewestReadings, entered_ahead_us, newest_readings
from cityloop.sense.selectors.qualities import late_among
from cityloop.sense.selectors.retention import (
    CorrectionView,
    HistoryExtent,
    RemovalView,
    RetentionView,
    corrections_of,
    history_extent,
    removal_of,
    removals,
    retention_classes,
)
from cityloop.sense.selectors.streams import (
    LatestView,
    StreamView,
    latest_of,
    stream_view,
    stream_views,
    streams_named,
    streams_of_project,
)
from cityloop.sense.selectors.tasks import (
    TASKS_PAGE,
    CapabilityView,
    Reach,
    TaskView,
    capabilities,
    capability,
    tasks,
)
from cityloop.sense.selectors.things import (
    DeclaredThing,
    PropertyView,
    ThingStream,
    observed_properties,
    rejected_of,
    things_of_project,
)
from cityloop.sense.services.closing import close_days
from cityloop.sense.services.datasets import Assigned, StreamChoice, assign_dataset
from cityloop.sense.services.declaring import declare
from cityloop.sense.services.entering import NotKeptError, bind_mouth, enter_reading
from cityloop.sense.services.mirroring import CopyUnreadableError, take_in_things, told_things
from cityloop.sense.services.partitions import make_partitions
from cityloop.sense.services.provisioning import StreamOrder, ThingMade, ThingOrder, make_things
from cityloop.sense.services.retention import (
    RetentionTooShortError,
    UnknownRetentionError,
    assign_retention,
    change_retention,
    enforce_retention,
)
from cityloop.sense.services.tasking import give_task
from cityloop.sense.services.trimming import trim_rejected, trim_retry_keys

__all__ = [
    "FRESH",
    "TASKS_PAGE",
    "TASK_TERMS",
    "Assigned",
    "CapabilityView",
    "CopyUnreadableError",
    "CorrectionView",
    "DeclaredThing",
    "Given",
    "HistoryExtent",
    "Hours",
    "LatestView",
    "NewestReadings",
    "NotKeptError",
    "ObservationView",
    "OwnedProperty",
    "OwnerTally",
    "PropertyView",
    "Reach",
    "ReadingCounters",
    "RejectedTally",
    "RejectedView",
    "RemovalView",
    "RetentionTooShortError",
    "RetentionView",
    "Series",
    "StreamChoice",
    "StreamOrder",
    "StreamView",
    "TaskStatus",
    "TaskView",
    "ThingMade",
    "ThingOrder",
    "ThingStream",
    "Track",
    "UnknownRetentionError",
    "arrivals",
    "assign_dataset",
    "assign_retention",
    "bind_mouth",
    "capabilities",
    "capability",
    "change_retention",
    "close_days",
    "corrections_of",
    "dataset_stream_counts",
    "datasets_of_streams",
    "declare",
    "enforce_retention",
    "enter_reading",
    "entered_ahead_us",
    "fresh_tracks",
    "give_task",
    "given_of_many",
    "history_extent",
    "hourly",
    "hours_of_many",
    "late_among",
    "latest_of",
    "make_partitions",
    "make_things",
    "newest_readings",
    "observation",
    "observed_properties",
    "owner_tallies",
    "projects_of_owner",
    "properties_of_dataset",
    "properties_of_owner",
    "reading_counters",
    "recent_observations",
    "rejected_counts",
    "rejected_of",
    "rejected_recent",
    "removal_of",
    "removals",
    "retention_classes",
    "series",
    "stream_view",
    "stream_views",
    "streams_named",
    "streams_of_dataset",
    "streams_of_project",
    "take_in_things",
    "tasks",
    "things_of_project",
    "told_things",
    "track",
    "trim_rejected",
    "trim_retry_keys",
]
