"""Jobs of the lifelines, done by the clock."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from cityloop.projects.lifelines import facade


@app.periodic(cron="*/10 * * * *")
@app.task(name="lifelines.keep_days", queueing_lock="lifelines.keep_days", lock="lifelines.keep_days")
def keep_days(timestamp: int) -> None:
    """Make the kept days that are missing, every ten minutes; after midnight the recent ones anew."""
    facade.keep_days(datetime.fromtimestamp(timestamp, UTC))
