"""Jobs of shared data, done by the clock."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from cityloop.convey.facade import sharing


@app.periodic(cron="* * * * *")
@app.task(name="convey.follow_contracts", queueing_lock="convey.follow_contracts")
def follow_contracts(timestamp: int) -> None:
    """Write down, every minute, which contracts have begun and ended; the right itself ends by its date."""
    sharing.follow_clock(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="*/10 * * * *")
@app.task(name="convey.apply_selections", queueing_lock="convey.apply_selections")
def apply_selections(timestamp: int) -> None:  # noqa: ARG001  the period's start
    """Put new streams into the data sets whose conditions they meet, every ten minutes."""
    sharing.apply_selections()


@app.periodic(cron="41 * * * *")
@app.task(name="convey.trim_reads", queueing_lock="convey.trim_reads")
def trim_reads(timestamp: int) -> None:
    """Forget reads older than the log is kept, every hour."""
    sharing.trim_reads(datetime.fromtimestamp(timestamp, UTC))
