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


ISSUE_S_MAX = 240.0
"""How long one run issues forecasts before it leaves the worker to others, seconds; the next goes on."""


@app.periodic(cron="*/5 * * * *")
@app.task(name="decide.issue_forecasts", queueing_lock="decide.issue_forecasts", lock="decide.issue_forecasts")
def issue_forecasts(timestamp: int) -> None:
    """Issue the forecasts of the day that are missing; after the night's round there are none."""
    facade.issue_forecasts(datetime.fromtimestamp(timestamp, UTC), seconds_max=ISSUE_S_MAX)


@app.periodic(cron="52 * * * *")
@app.task(name="decide.judge_forecasts", queueing_lock="decide.judge_forecasts")
def judge_forecasts(timestamp: int) -> None:
    """Hold forecasts against what came, and take away what is too old, every hour."""
    now = datetime.fromtimestamp(timestamp, UTC)
    facade.judge_forecasts(now)
    facade.trim_forecasts(now)
