"""The node process, composed: an intake, and a forwarder for every node there is something to say to."""

import asyncio
import logging

from asgiref.sync import sync_to_async
from django.db import Error as DjangoDatabaseError
from django.db import transaction

import cityloop
from cityloop.convey.facade import nodes
from cityloop.convey.stream.news.announcing import Announcements
from cityloop.site.configuration import Configuration
from cityloop.site.metrics import beating
from cityloop.site.node.appliers import APPLIERS, INTRODUCTION
from cityloop.site.node.forwarding import Forwarder
from cityloop.site.node.taking import Intake
from cityloop.site.pipeline import open_pipeline
from cityloop.site.processes import home_folder
from cityloop.site.secrets import nats_url, postgres_dsn

log = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often it is looked for nodes that something waits for, seconds."""

INTRODUCED = "introduced"
"""File of the data folder: what was last told of us to the node above."""


async def carry(configuration: Configuration) -> None:
    """Carry and take over until cancelled."""
    dsn, address = postgres_dsn(configuration), nats_url(configuration, user="node")
    incarnation = await _incarnation()
    news = Announcements(nats_url(configuration))
    pipeline = await open_pipeline(dsn, node=configuration.node, process="node", announcer=news)
    has_hub = bool(configuration.hub_url)
    intake = Intake(address, pipeline, me=configuration.node, above=has_hub, appliers=APPLIERS)
    forwarders: dict[int, asyncio.Task[None]] = {}
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(beating("node"))
            tasks.create_task(news.run())
            tasks.create_task(intake.run())
            if has_hub:
                await sync_to_async(_introduce)(configuration, incarnation)
            while True:
                for target in await _targets(has_hub=has_hub):
                    if target not in forwarders:
                        forwarder = Forwarder(
                            address,
                            dsn,
                            me=configuration.node,
                            target=target,
                            incarnation=incarnation,
                            version=cityloop.__version__,
                        )
                        forwarders[target] = tasks.create_task(forwarder.run())
                await asyncio.sleep(LOOK_S)
    finally:
        await pipeline.close()


async def _incarnation() -> str:
    while True:
        try:
            return await sync_to_async(nodes.incarnation)()
        except DjangoDatabaseError as error:
            log.warning("The database is away: %s", error)
            await asyncio.sleep(1.0)


async def _targets(*, has_hub: bool) -> list[int]:
    if has_hub:
        return [0]
    try:
        known = await sync_to_async(nodes.registered_numbers)()
        return [number for number in known if (await sync_to_async(nodes.backlog_for)(number)).rows]
    except DjangoDatabaseError:
        return []


def _introduce(configuration: Configuration, incarnation: str) -> None:
    """Tell the node above what we are, once for each version and database."""
    told = f"{cityloop.__version__} {incarnation}"
    file = home_folder(configuration) / INTRODUCED
    if file.exists() and file.read_text(encoding="ascii") == told:
        return
    content = {"version": cityloop.__version__, "incarnation": incarnation, "area": configuration.node_area}
    with transaction.atomic():
        nodes.send_envelope(0, INTRODUCTION, content)
    file.write_text(told, encoding="ascii")
