"""Terminals as processes of their own: they register, are cut off in mid-frame, resume, and are kept once."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from cityloop.convey.stream.book import ChannelRecord
from cityloop.site.pipeline import Pipeline

from .conftest import Store
from .gateway import DEADLINE_S, Running, TableBook, eventually, running_gateway

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[5]
TERMINALS = {
    "hj212": ("010000A8900016F000169DC0", "123456", "w01018-Rtd"),
    "jt808": ("13912344329", "SIM0001", "speed_kmh"),
    "jt809": ("11020001/京A00001", "password", "speed_kmh"),
}


async def terminal(running: Running, code: str, *values: float, stay: bool = False) -> asyncio.subprocess.Process:
    await eventually(lambda: code in running.gateway.ports)
    address, secret, _ = TERMINALS[code]
    told = ["--port", str(running.gateway.ports[code]), "--address", address, "--secret", secret]
    command = ["-m", f"tests.terminals.{code}", *told, *(["--stay"] if stay else []), "--", *map(str, values)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )


async def states(process: asyncio.subprocess.Process) -> list[str]:
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await process.communicate()
    assert process.returncode == 0, out
    return [json.loads(line)["state"] for line in out.splitlines()]


@pytest.fixture
def book() -> TableBook:
    """Return a ledger with the terminals."""
    book = TableBook()
    for number, (code, (address, secret, channel)) in enumerate(TERMINALS.items(), start=1):
        user, slash, plate = address.partition("/")
        if slash:
            book.enter(code, user, secret)
        name = channel.replace("-", "__")
        book.enter(code, plate or user, "" if slash else secret, **{name: ChannelRecord(number)})
    return book


@pytest.mark.parametrize("code", TERMINALS)
async def test_a_terminal_is_cut_off_in_mid_frame_and_resumes(
    code: str, book: TableBook, pipeline: Pipeline, store: Store
) -> None:
    async with running_gateway(book, pipeline, code, dsn=store.dsn) as running:
        process = await terminal(running, code, 1.0, 2.0, 3.0)
        assert await states(process) == ["cut off in the middle of a frame", *["acknowledged"] * 3]
        assert sorted(row[2] for row in store.observations()) == [1.0, 2.0, 3.0]
        assert running.intake.of(code).readings == 3
        assert running.intake.of(code).opened == 2
        assert not set(running.refused(code)) - {"unknown_channel"}


@pytest.mark.parametrize("code", TERMINALS)
async def test_a_terminal_whose_key_is_revoked_is_cut_off(
    code: str, book: TableBook, pipeline: Pipeline, store: Store
) -> None:
    async with running_gateway(book, pipeline, code, dsn=store.dsn) as running:
        process = await terminal(running, code, 1.0, stay=True)
        await eventually(lambda: store.count() == 1)
        book.revoke(code, TERMINALS[code][0].partition("/")[0])
        assert (await states(process))[-1] == "the other end has cut us off"
        assert running.intake.of(code).closed["revoked"] == 1


async def test_all_protocols_serve_in_one_process(book: TableBook, pipeline: Pipeline, store: Store) -> None:
    async with running_gateway(book, pipeline, *TERMINALS, dsn=store.dsn) as running:
        processes = [await terminal(running, code, 10.0, 20.0) for code in TERMINALS]
        for process in processes:
            await states(process)
        assert [row[2] for row in store.observations()] == [10.0, 20.0] * 3
