"""`python -m bench.backtest`: how long a watch takes over a year of one stream at five minutes (105,120 readings).

The year is made up (a daily and a weekly swing with noise) and laid down as the product lays it down: closed days
packed, the last ones as single rows. Reported for each kind of watch: the whole answer, of it the reading of the
history, and how many alarms there would have been.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bench.__main__ import machine
from cityloop.site.engines.throwaway import throwaway_home, throwaway_postgres

PERIOD_S, READINGS = 300, 105_120
HOT_DAYS = 7
STREAM = "lifelines/water.zone-1.inflow"
TARGET_S = 2.0
_INSERT = (
    "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, feature_id)"
    " SELECT %s, to_timestamp(t), n, v, 1 FROM unnest(%s::float8[], %s::bigint[], %s::float8[]) AS r (t, n, v)"
)


@contextmanager
def _city() -> Iterator[None]:
    """Yield with Django set up over a database of its own."""
    with throwaway_home() as home, throwaway_postgres(home, durable=True) as dsn:
        os.environ["CITYLOOP_HOME"], os.environ["CITYLOOP_POSTGRES_DSN"] = str(home / "home"), dsn
        os.environ["DJANGO_SETTINGS_MODULE"] = "cityloop.site.settings"
        import django  # noqa: PLC0415  settings come first
        from django.core.management import call_command  # noqa: PLC0415

        django.setup()
        call_command("migrate", verbosity=0)
        yield


def _year(until_s: int) -> tuple[Any, Any]:
    at_s = until_s - PERIOD_S * np.arange(READINGS, 0, -1)
    day, week = (2 * np.pi * at_s / span for span in (86_400, 604_800))
    noise = np.random.default_rng(7).normal(0, 3, READINGS)
    return at_s, 40 + 12 * np.sin(day) + 4 * np.sin(week) + noise


def _lay_down(until: datetime) -> int:
    """Declare the city's streams, write the year and pack its closed days; return the stream."""
    from django.db import connection  # noqa: PLC0415

    from cityloop.kernel.declarations import Origin  # noqa: PLC0415
    from cityloop.registry import facade as registry  # noqa: PLC0415
    from cityloop.sense import facade as sense  # noqa: PLC0415
    from cityloop.site.found import projects  # noqa: PLC0415

    registry.seed()
    for project in projects():
        sense.declare(project, Origin.SIMULATED)
    (view,) = sense.streams_named([STREAM], streams_max=1)
    at_s, value = _year(int(until.timestamp()))
    for day in range(-1, 368):
        sense.make_partitions((until - timedelta(days=day)).date())
    with connection.cursor() as cursor:
        numbers = list(range(1, READINGS + 1))
        cursor.execute(_INSERT, [view.datastream_id, at_s.tolist(), numbers, value.tolist()])
    while sense.close_days(until.date(), hot_days=HOT_DAYS):
        pass
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return view.datastream_id


def _trials(stream: int) -> Iterator[tuple[str, Any]]:
    from cityloop.decide.facade import Trial  # noqa: PLC0415
    from cityloop.kernel.declarations import WatchKind  # noqa: PLC0415
    from cityloop.kernel.levels import Level  # noqa: PLC0415

    for name, kind, limits, dead, hold_s in (
        ("above a limit, held 15 min", WatchKind.HIGH, {Level.BLUE: 55.0, Level.YELLOW: 60.0}, 2.0, 900.0),
        ("above a limit, chattering", WatchKind.HIGH, {Level.BLUE: 40.0}, 0.0, 0.0),
        ("changing too fast, chattering", WatchKind.RATE, {Level.BLUE: 0.8}, 0.0, 0.0),
        ("not changing", WatchKind.STUCK, {Level.BLUE: 3600.0}, 0.0, 0.0),
        ("no data", WatchKind.SILENT, {Level.BLUE: 900.0}, 0.0, 0.0),
        ("far from the usual", WatchKind.BASELINE, {Level.BLUE: 3.0, Level.ORANGE: 4.0}, 0.5, 600.0),
    ):
        yield (
            name,
            Trial(kind=kind, limits=limits, hysteresis=dead, hold_s=hold_s, off_delay_s=0.0, datastream_ids=(stream,)),
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.backtest", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each watch is tried")
    runs = parser.parse_args().runs
    sys.stdout.write(machine() + "\n")
    with _city():
        from cityloop.decide import facade as decide  # noqa: PLC0415
        from cityloop.sense import facade as sense  # noqa: PLC0415

        until = datetime.now(UTC).replace(second=0, microsecond=0)
        stream = _lay_down(until)
        begun = time.perf_counter()
        track = sense.track(stream, since=until - timedelta(days=365), until=until, readings_max=READINGS)
        sys.stdout.write(f"{'history of ' + format(len(track), ','):34} {time.perf_counter() - begun:6.2f} s\n")
        for name, trial in _trials(stream):
            spans = []
            for _ in range(runs):
                begun = time.perf_counter()
                found = decide.backtest(trial, until=until)
                spans.append(time.perf_counter() - begun)
            verdict = f"aim: below {TARGET_S:.0f} s"
            sys.stdout.write(
                f"{name:34} {statistics.median(spans):6.2f} s median, {max(spans):5.2f} s longest of {runs}; "
                f"{verdict}; {found.firings:,} alarms in {found.readings:,} readings\n"
            )


if __name__ == "__main__":
    main()
