"""The bands that scans know of, beside those the screens keep."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cityloop.decide.models import Candidate, ScreenRow
from cityloop.decide.stream import Compiled

Int64s = npt.NDArray[np.int64]


def known_bands(compiled: Compiled) -> Int64s:
    """Return the band each watch on a stream was in at the last scan, -1 where it was forgotten."""
    known = np.zeros(len(compiled), dtype=np.int64)
    rows = ScreenRow.objects.filter(watch_id__in=np.unique(compiled.watch_id).tolist())
    table = np.array(list(rows.values_list("datastream_id", "watch_id", "band")), dtype=np.int64).reshape(-1, 3)
    entry = compiled.entries_of(table[:, 0], table[:, 1])
    known[entry[entry >= 0]] = table[entry >= 0, 2]
    return known


def keep_bands(handed: Sequence[Candidate]) -> None:
    """Keep the bands that changes lead to, one a watch and stream."""
    ScreenRow.objects.bulk_create(
        [
            ScreenRow(datastream_id=row.datastream_id, watch_id=row.watch_id, band=row.band, since=row.phenomenon_time)
            for row in sorted(handed, key=lambda row: (row.datastream_id, row.watch_id))
        ],
        update_conflicts=True,
        unique_fields=["datastream_id", "watch_id"],
        update_fields=["band", "since"],
    )
