"""Jobs of the device ledger, done by the clock."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from cityloop.convey.facade import devices


@app.periodic(cron="*/5 * * * *")
@app.task(name="convey.count_arrivals", queueing_lock="convey.count_arrivals")
def count_arrivals(timestamp: int) -> None:
    """Count, every five minutes, how many readings came in and how many were expected."""
    devices.count_arrivals(datetime.fromtimestamp(timestamp, UTC))
