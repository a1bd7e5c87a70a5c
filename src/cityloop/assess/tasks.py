"""Jobs of this room, done by the clock."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from cityloop.assess import facade


@app.periodic(cron="* * * * *")
@app.task(name="assess.compute_indicators", queueing_lock="assess.compute_indicators")
def compute_indicators(timestamp: int) -> None:
    """Bring all values up to date every minute, for a limit may pass without anything happening."""
    facade.compute_indicators(datetime.fromtimestamp(timestamp, UTC))
