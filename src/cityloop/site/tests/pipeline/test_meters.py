"""Meters, plants and fire alarms, each a process of its own, through the gateway into the history."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cityloop.convey.stream.book import ChannelRecord
from cityloop.site.pipeline import Pipeline
from cityloop.site.ports import free_port

from .conftest import RecordingJudge, Store
from .gateway import DEADLINE_S, TableBook, eventually, running_gateway

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[5]


@pytest.fixture
def judge() -> RecordingJudge:
    """Return a screen that remembers."""
    return RecordingJudge()


@asynccontextmanager
async def terminal(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a terminal that runs, and end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.terminals.{name}",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def states(process: asyncio.subprocess.Process, count: int) -> list[str]:
    """Return what a terminal tells of itself, line by line."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        return [json.loads(await process.stdout.readline())["state"] for _ in range(count)]


@pytest.mark.parametrize(
    "meter_of",
    [
        ("cjt188", "10-78330011223344", "volume", 1234.56),
        ("dlt645", "000000000161", "02010100", 221.5),
        ("modbus", "1", "holding:100:float32:le-swap", 0.25),
    ],
    ids=lambda meter_of: meter_of[0],
)
async def test_a_meter_that_is_cut_off_in_mid_frame_is_asked_again_and_kept_once(
    pipeline: Pipeline, store: Store, meter_of: tuple[str, str, str, float]
) -> None:
    protocol, address, channel, value = meter_of
    port, book = free_port(), TableBook()
    book.enter(protocol, address, endpoint=f"127.0.0.1:{port}", **{channel: ChannelRecord(1, scale=2.0)})
    told = ("--port", str(port), "--address", address, "--channel", channel, str(value))
    async with running_gateway(book, pipeline, protocol, dsn=store.dsn) as running, terminal(protocol, *told) as meter:
        assert await states(meter, 2) == ["cut off in the middle of a frame", "answered"]
        await eventually(lambda: store.count() == 1)
        ((stream, _, result),) = store.observations()
        assert (stream, result) == (1, pytest.approx(2 * value))
        assert (address in {heard[0] for heard in book.heard_of}, running.intake.of(protocol).opened) == (True, 2)


async def test_a_fire_alarm_is_confirmed_when_it_is_durable(pipeline: Pipeline, store: Store) -> None:
    book = TableBook()
    address = "00000000A17F"
    book.enter("gb26875", address, **{"1__2.40__17.state": ChannelRecord(1)})
    async with running_gateway(book, pipeline, "gb26875", dsn=store.dsn) as running:
        await eventually(lambda: "gb26875" in running.gateway.ports)
        told = ("--port", str(running.gateway.ports["gb26875"]), "--address", address, "0", "1")
        async with terminal("gb26875", *told) as device:
            assert await states(device, 3) == ["cut off in the middle of a frame", "acknowledged", "acknowledged"]
            assert [row[2] for row in store.observations()] == [0.0, 1.0]
            async with asyncio.timeout(DEADLINE_S):
                assert await device.wait() == 0
    assert running.refused("gb26875") == {}


async def test_an_endpoint_nobody_answers_at_holds_up_no_other(pipeline: Pipeline, store: Store) -> None:
    port, book = free_port(), TableBook()
    book.enter("modbus", "1", endpoint=f"127.0.0.1:{free_port()}", **{"coil:1": ChannelRecord(2)})
    book.enter("modbus", "2", endpoint=f"127.0.0.1:{port}", **{"coil:1": ChannelRecord(1)})
    told = ("--port", str(port), "--address", "2", "--channel", "coil:1", "1")
    async with running_gateway(book, pipeline, "modbus", dsn=store.dsn) as running, terminal("modbus", *told):
        await eventually(lambda: store.count() == 1)
        assert running.intake.of("modbus").closed["not_reached"] >= 1
