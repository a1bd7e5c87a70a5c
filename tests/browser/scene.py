"""A city with some life in it, made through the product's own doors: readings through the pipeline, the loop turned."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cityloop.assess import facade as assess
from cityloop.command import facade as command
from cityloop.convey.facade import devices, sharing
from cityloop.decide import facade as decide
from cityloop.decide.models import Forecast
from cityloop.decide.selectors.forecasts import packed
from cityloop.journal import facade as journal
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.declarations import Origin
from cityloop.kernel.instants import to_us
from cityloop.registry import facade as registry
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense
from cityloop.sense.stream.readings import NO_TIME, Readings
from cityloop.site.demo.datasets import declare_datasets
from cityloop.site.demo.plays import labelled
from cityloop.site.demo.supply import supply_rule
from cityloop.site.found import projects
from cityloop.site.loop import listeners
from cityloop.site.pipeline.run import open_pipeline

PASSWORD = "a scene for browsers"
DAYS, SEED, DAY_S = 9, 7, 86_400.0
PROJECT = "lifelines"
SHAPES = {
    "water.zone": (40.0, 12.0), "water.point": (0.32, 0.02), "heat": (60.0, 6.0), "power": (8200.0, 1500.0),
    "air": (6.0, 5.0),
}  # fmt: skip
"""Mean and daily swing of the made-up readings of each family of streams."""
BREACHES = (("110105", 0.03), ("110108", 0.08), ("110112", 0.85), ("110114", 0.07), ("110106", 0.72))
"""Pressure readings that break a limit: district and MPa."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a browser test may want to open."""

    stream: int
    observation: int
    alarm: int
    alarm_fact: str
    case: int
    contract: int
    forecast: int


def make(dsn: str, *, now: datetime) -> Scene:
    """Make the city, nine days of readings, five alarms and their cases."""
    registry.seed()
    registry.ensure_demo_people(PASSWORD)
    for project in projects():
        sense.declare(labelled(project, {}), Origin.SIMULATED)
        devices.enter_declared(project.code, now=now)
        respond.declare(project)
        decide.declare(project)
        command.register_lines(project)
    assess.declare_indicators()
    for day in range(-DAYS, 3):
        sense.make_partitions((now + timedelta(days=day)).date())
    streams = sense.streams_of_project(PROJECT)
    asyncio.run(_fill(dsn, streams, now))
    turn(now + timedelta(minutes=2))
    alarm = decide.open_alarms(limit=1)[0]
    case = next(alarm.case_id for alarm in decide.open_alarms() if alarm.case_id)
    return Scene(
        alarm.datastream_id, alarm.observation_id, alarm.alarm_id, str(alarm.raised_fact), case, _shared(now),
        _forecast("gas.city.flow", now),
    )  # fmt: skip


def _shared(now: datetime) -> int:
    """Let the city's owners offer data, and one read another's; return the contract."""
    declare_datasets()
    people = {one.username: one for one in registry.people()}
    asker, owner = people["air.data"], people["water.data"]

    def ask(code: str) -> int:
        wanted = sharing.Times(now, now + timedelta(days=30))
        body = asker.organisation
        asked = sharing.ask_for_contract(
            asker, [code], asker=body, purpose="内涝研判", legal_basis="应急预案", wanted=wanted
        )
        return asked.contract_id

    ask("water-pressure")
    contract = ask("water-inflow")
    sharing.decide_contract(owner, contract, approve=True, until=None, note="同意")
    sharing.issue_own_token(asker, contract, name="预报系统")
    sharing.subscribe(asker, contract, url="https://receiver.example/hook")
    return contract


def turn(now: datetime) -> None:
    """Turn the loop until nothing moves."""
    while True:
        moved = decide.run_machine(now)
        for listener in listeners():
            moved += journal.deliver(listener.name, listener.act, kinds=listener.kinds)
        if not moved:
            return


def _family(code: str) -> tuple[float, float]:
    name = code.partition("/")[2]
    return next(shape for prefix, shape in SHAPES.items() if name.startswith(prefix))


def _supplied(streams: Sequence[sense.StreamView], now: datetime) -> Readings:
    """Return the readings of those streams that the demo's rules of supply know: hours, and days that were told."""
    ids, times, values = [], [], []
    hour = now.replace(minute=0, second=0, microsecond=0)
    hours = [hour - timedelta(hours=back) for back in range(DAYS * 24, 0, -1)]
    midnights = [at for at in hours if at.astimezone(CITY_ZONE).hour == 0]
    for stream in streams:
        rule = supply_rule(stream.code.partition("/")[2], seed=SEED)
        if rule is not None:
            instants = np.array([to_us(at) for at in (hours if stream.period_s != DAY_S else midnights)], np.int64)
            ids += [stream.datastream_id] * len(instants)
            times += instants.tolist()
            values += rule(instants).tolist()
    return _readings(ids, times, values, now)


def _forecast(code: str, now: datetime) -> int:
    """Keep a forecast of a stream for each of the last days and for today, a little above what comes; return it."""
    stream = next(view.datastream_id for view in sense.streams_of_project(PROJECT) if view.code == f"{PROJECT}/{code}")
    midnight = now.astimezone(CITY_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(DAYS - 1, -1, -1):
        starts = midnight - timedelta(days=back)
        instants = np.array([to_us(starts + timedelta(hours=hour)) for hour in range(7 * 24)], np.int64)
        rule = supply_rule(code, seed=SEED)
        curve = rule(instants).reshape(7, 24) * 1.03 if rule is not None else np.zeros((7, 24))
        Forecast.objects.create(
            datastream_id=stream, starts_on=starts.date(), starts_at=starts, issued_at=starts + timedelta(minutes=20),
            method="model", share_first=0.5, share_later=0.5, learnt_days=400, learnt_rows=9000, curve=packed(curve),
            low=packed(curve * 0.95), high=packed(curve * 1.05), part_names="ridge", parts=packed(curve[None]),
        )  # fmt: skip
    decide.judge_forecasts(now)
    return stream


def _history(streams: Sequence[sense.StreamView], now: datetime) -> Readings:
    ids, times, values = [], [], []
    start = (now - timedelta(days=DAYS)).replace(minute=0, second=0, microsecond=0)
    for number, stream in enumerate(streams):
        if supply_rule(stream.code.partition("/")[2], seed=SEED) is not None:
            continue
        mean, swing = _family(stream.code)
        for hour in range(DAYS * 24 + 1):
            at = start + timedelta(hours=hour)
            if at >= now - timedelta(minutes=5):
                continue
            phase = (at.hour + 8 + number % 3) / 24 * 2 * math.pi
            wave = math.sin(phase - 2) + 0.3 * math.sin(2 * phase) + 0.05 * math.sin(hour * 1.7 + number)
            ids.append(stream.datastream_id)
            times.append(to_us(at))
            values.append(mean + swing * wave * 0.6)
    return _readings(ids, times, values, now)


def _breaches(streams: Sequence[sense.StreamView], now: datetime) -> Readings:
    by_code = {stream.code: stream.datastream_id for stream in streams}
    ids = [by_code[f"{PROJECT}/water.point-{district}.pressure"] for district, _ in BREACHES]
    times = [to_us(now - timedelta(seconds=40 * (1 + n))) for n in range(len(BREACHES))]
    return _readings(ids, times, [value for _, value in BREACHES], now)


def _readings(ids: list[int], times: list[int], values: list[float], now: datetime) -> Readings:
    rows = len(ids)
    return Readings(
        datastream_id=np.array(ids, np.int64), phenomenon_us=np.array(times, np.int64), result=np.array(values),
        quality=np.zeros(rows, np.uint8), result_us=np.full(rows, NO_TIME), feature_id=np.zeros(rows, np.int64),
        received_us=to_us(now),
    )  # fmt: skip


async def _fill(dsn: str, streams: Sequence[sense.StreamView], now: datetime) -> None:
    pipeline = await open_pipeline(dsn, node=0, process="scene")
    try:
        await pipeline.keep(_history(streams, now), idempotent=True)
        await pipeline.keep(_supplied(streams, now), idempotent=True)
        await pipeline.keep(_breaches(streams, now), idempotent=True)
    finally:
        await pipeline.close()


def present() -> datetime:
    """Return the present."""
    return datetime.now(UTC)
