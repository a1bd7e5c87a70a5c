"""Counts, every five minutes, how many readings came in and how many were expected; the pages add these up."""

from datetime import datetime, timedelta

from django.db import connection, transaction

from cityloop.convey.models.devices import Arrival

SPAN_S = 300
"""Length of a span, seconds."""

GRACE_S = 120
"""Readings of a span are waited for so long after its end, seconds."""

KEPT_HOURS = 48
"""How long spans are kept, hours."""

_COUNT = """
    INSERT INTO convey_arrival (since, project, area, vendor, organisation, received, expected)
    SELECT %(since)s, d.project, d.area, d.vendor, d.organisation,
      coalesce(sum(r.number), 0), sum(%(span_s)s / s.period_s)
    FROM convey_device d JOIN convey_channel c ON c.device_id = d.id
    JOIN sense_datastream s ON s.id = c.datastream_id AND s.period_s > 0
    LEFT JOIN (
      SELECT datastream_id, count(*) AS number FROM sense_observation
      WHERE phenomenon_time >= %(since)s AND phenomenon_time < %(until)s GROUP BY datastream_id
    ) r ON r.datastream_id = c.datastream_id
    WHERE d.state IN ('online', 'offline')
    GROUP BY d.project, d.area, d.vendor, d.organisation
    ON CONFLICT ON CONSTRAINT convey_arrival_once
    DO UPDATE SET received = excluded.received, expected = excluded.expected
"""


@transaction.atomic
def count_arrivals(now: datetime) -> int:
    """Count the last whole span whose readings are all in; return how many groups of devices it has.

    Args:
        now: the present.
    """
    edge_s = (now.timestamp() - GRACE_S) // SPAN_S * SPAN_S
    until = datetime.fromtimestamp(edge_s, now.tzinfo)
    since = until - timedelta(seconds=SPAN_S)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"since": since, "until": until, "span_s": float(SPAN_S)})
        counted = cursor.rowcount
    Arrival.objects.filter(since__lt=now - timedelta(hours=KEPT_HOURS)).delete()
    return counted
