"""The kept forecasts of a stream as columns, for whoever judges readings by them."""

from datetime import datetime, timedelta

from cityloop.decide.models import Forecast
from cityloop.decide.rules.forecasting.grid import DAYS_AHEAD
from cityloop.decide.stream import Issued, column_of
from cityloop.kernel.instants import to_us


def issued_between(datastream_id: int, *, since: datetime, until: datetime) -> list[Issued]:
    """Return the forecasts of a stream that cover any hour of a span and whose curves are still kept, rising in time.

    Args:
        datastream_id: the stream.
        since: beginning, aware.
        until: end, aware.
    """
    rows = Forecast.objects.filter(
        datastream_id=datastream_id, starts_at__gt=since - timedelta(days=DAYS_AHEAD), starts_at__lt=until
    ).exclude(curve=None)
    columns = rows.order_by("starts_on").values_list("starts_at", "issued_at", "curve", "low", "high")
    return [
        Issued(to_us(starts_at), to_us(issued_at), column_of(value), column_of(low), column_of(high))
        for starts_at, issued_at, value, low, high in columns
    ]
