"""Jobs of this room, done by the clock."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from cityloop.decide import facade


@app.periodic(cron="*/5 * * * *")
@app.task(name="decide.learn_baselines", queueing_lock="decide.learn_baselines")
def learn_baselines(timestamp: int) -> None:
    """Learn the hours that have become full, every five minutes."""
    facade.learn_baselines(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="17 19 * * *")
@app.task(name="decide.relearn_baselines", queueing_lock="decide.relearn_baselines")
def relearn_baselines(timestamp: int) -> None:
    """Learn everything anew at 03:17 in the city (the worker's clock is UTC)."""
    facade.relearn_baselines(datetime.fromtimestamp(timestamp, UTC))
