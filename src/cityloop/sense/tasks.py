"""Jobs of this room, done by the clock."""

from datetime import UTC, datetime

from django.conf import settings
from procrastinate.contrib.django import app

from cityloop.sense import facade


@app.periodic(cron="23 * * * *")
@app.task(name="sense.make_partitions", queueing_lock="sense.make_partitions")
def make_partitions(timestamp: int) -> None:
    """Make the partitions of the coming days, every hour."""
    facade.make_partitions(datetime.fromtimestamp(timestamp, UTC).date())


@app.periodic(cron="*/10 * * * *")
@app.task(name="sense.trim", queueing_lock="sense.trim")
def trim(timestamp: int) -> None:  # noqa: ARG001  the period's start
    """Forget refused messages and retry keys beyond their bounds, every ten minutes."""
    facade.trim_rejected()
    facade.trim_retry_keys()


@app.periodic(cron="41 * * * *")
@app.task(name="sense.close_days", queueing_lock="sense.close_days", lock="sense.history")
def close_days(timestamp: int) -> None:
    """Pack the days that lie far enough back, every hour; a day that is closed already costs nothing."""
    today = datetime.fromtimestamp(timestamp, UTC).date()
    facade.close_days(today, hot_days=settings.CITYLOOP_HISTORY_HOT_DAYS)


@app.periodic(cron="7 * * * *")
@app.task(name="sense.enforce_retention", queueing_lock="sense.enforce_retention", lock="sense.history")
def enforce_retention(timestamp: int) -> None:
    """Remove what has been kept for as long as its class says, every hour; nearly always there is nothing to do."""
    facade.enforce_retention(datetime.fromtimestamp(timestamp, UTC).date())
