"""Jobs of this room, done by the clock."""

from datetime import UTC, datetime

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
