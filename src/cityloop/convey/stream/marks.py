"""Lowers the quality of readings by what the ledger knows of their device, in arrays.

A stream the ledger does not list costs one binary search; a batch without listed streams ends there.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import AsyncConnection

from cityloop.convey.stream.ledger import LedgerFollower
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.readings import Float64s, Int64s, Readings

REST_S = 10.0
"""Span between two readings of the ledger, seconds: all its channels are read, and a list taken in changes it often."""

Bools = npt.NDArray[np.bool_]

NEVER_US = int(np.iinfo(np.int64).max)
"""Stands for a calibration that is never due."""

_CHANNELS = """
    WITH term AS (
      SELECT DISTINCT ON (code) code, amount FROM convey_deviceterm ORDER BY code, version DESC
    ), limits AS (
      SELECT (SELECT amount FROM term WHERE code = 'late_s') AS late_s,
        (SELECT amount FROM term WHERE code = 'silent_periods') AS periods
    ), listed AS (
      SELECT c.datastream_id, c.device_id, c.valid_min, c.valid_max, d.state = 'maintenance' AS repaired,
        coalesce((extract(epoch FROM (d.calibration_due_on + 1)::timestamp AT TIME ZONE 'Asia/Shanghai') * 1e6)::bigint,
          9223372036854775807) AS due_us,
        (greatest(late_s, coalesce(d.silent_after_s, d.period_s * periods, 0)) * 1e6)::bigint AS late_us
      FROM convey_channel c JOIN convey_device d ON d.id = c.device_id, limits
      WHERE d.state <> 'retired' ORDER BY c.datastream_id
    )
    SELECT string_agg(int8send(datastream_id), ''::bytea),
      string_agg(int8send(device_id), ''::bytea),
      string_agg(float8send(coalesce(valid_min, '-Infinity')), ''::bytea),
      string_agg(float8send(coalesce(valid_max, 'Infinity')), ''::bytea),
      string_agg(boolsend(repaired), ''::bytea),
      string_agg(int8send(due_us), ''::bytea),
      string_agg(int8send(late_us), ''::bytea),
      (SELECT amount FROM term WHERE code = 'clock_skew_s')
    FROM listed
"""
_IMPOSSIBLE = """
    UPDATE convey_device d SET impossible_count = d.impossible_count + n.count
    FROM unnest(%s::bigint[], %s::bigint[]) AS n (id, count) WHERE d.id = n.id
"""
_AHEAD = """
    UPDATE convey_device d SET clock_skew_s = n.skew_s
    FROM unnest(%s::bigint[], %s::float8[]) AS n (id, skew_s) WHERE d.id = n.id
"""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of the ledger by ascending datastream, shape (n,) each column.

    Attributes:
        datastream_id: the stream it feeds.
        device_id: whose it is.
        valid_min: least possible number, -inf where not known.
        valid_max: greatest possible number, inf where not known.
        repaired: whether its device is in maintenance.
        due_us: when its calibration is overdue, microseconds since the Unix epoch.
        late_us: from which age on a reading is late, microseconds.
        ahead_us: readings so far in the future tell of a wrong clock, microseconds.
    """

    datastream_id: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    device_id: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    valid_min: Float64s = field(default_factory=lambda: np.empty(0))
    valid_max: Float64s = field(default_factory=lambda: np.empty(0))
    repaired: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    due_us: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    late_us: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    ahead_us: int = NEVER_US


class Marks(LedgerFollower):
    """Marks readings; implements the pipeline's `Marker`."""

    rest_s = REST_S

    def __init__(self, channels: Channels | None = None) -> None:
        """Know no channel until loaded."""
        super().__init__()
        self._channels = channels or Channels()
        self.impossible: dict[int, int] = {}
        self.ahead_s: dict[int, float] = {}

    async def load(self, connection: AsyncConnection[Any]) -> None:
        """Read the channels."""
        row = await (await connection.execute(_CHANNELS)).fetchone()
        if row is None or row[0] is None:
            self._channels = Channels()
            return
        kinds = (">i8", ">i8", ">f8", ">f8", "?", ">i8", ">i8")
        columns: list[Any] = [
            np.frombuffer(part, kind).astype(np.dtype(kind).newbyteorder("="))
            for part, kind in zip(row, kinds, strict=False)
        ]
        self._channels = replace(Channels(*columns), ahead_us=int(row[-1] * 1e6))

    def mark(self, readings: Readings) -> None:
        """Change the column `quality` in place where something is known against a good reading.

        Of several marks the graver stands: maintenance, impossible, calibration overdue or a wrong clock, late.
        """
        known = self._channels
        if not len(known.datastream_id) or not len(readings):
            return
        place = np.searchsorted(known.datastream_id, readings.datastream_id)
        place[place == len(known.datastream_id)] = 0
        listed = known.datastream_id[place] == readings.datastream_id
        rows = np.flatnonzero(listed & (readings.quality == Quality.GOOD))
        if len(rows):
            self._mark_rows(readings, rows, place[rows])

    def _mark_rows(self, readings: Readings, rows: Int64s, place: Int64s) -> None:
        known, result = self._channels, readings.result[rows]
        age_us = readings.received_us - readings.phenomenon_us[rows]
        late = age_us > known.late_us[place]
        ahead = age_us < -known.ahead_us
        overdue = known.due_us[place] <= readings.received_us
        impossible = (result < known.valid_min[place]) | (result > known.valid_max[place])
        quality = readings.quality[rows]
        quality[late] = Quality.LATE
        quality[overdue | ahead] = Quality.SUSPECT
        quality[impossible] = Quality.OUT_OF_RANGE
        quality[known.repaired[place]] = Quality.MAINTENANCE
        readings.quality[rows] = quality
        if impossible.any():
            self._count(known.device_id[place[impossible & ~known.repaired[place]]])
        if ahead.any():
            devices = known.device_id[place[ahead]].tolist()
            self.ahead_s.update(zip(devices, (-age_us[ahead] / 1e6).tolist(), strict=True))

    def _count(self, devices: Int64s) -> None:
        for device, count in zip(*np.unique(devices, return_counts=True), strict=True):
            self.impossible[int(device)] = self.impossible.get(int(device), 0) + int(count)

    async def write_back(self, connection: AsyncConnection[Any]) -> None:
        """Write down how many impossible readings devices sent, and whose clocks are ahead."""
        if self.impossible:
            counted, self.impossible = self.impossible, {}
            await connection.execute(_IMPOSSIBLE, (list(counted), list(counted.values())))
        if self.ahead_s:
            ahead, self.ahead_s = self.ahead_s, {}
            await connection.execute(_AHEAD, (list(ahead), list(ahead.values())))
