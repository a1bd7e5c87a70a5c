"""Takes over what other nodes carry here: readings into the pipeline, everything else to its applier, exactly once."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np
import psycopg
from asgiref.sync import sync_to_async
from django.db import Error as DjangoDatabaseError

from cityloop.convey.facade import nodes as nodes_facade
from cityloop.convey.stream.nats import Delivery, Nats, NatsAwayError, open_nats
from cityloop.convey.stream.nodes import subjects
from cityloop.convey.stream.nodes.envelope import READINGS_TOPIC, Answer, Request, Row, encoded, request_of, unpacked
from cityloop.convey.stream.positions import Mark, PositionMovedError
from cityloop.kernel.errors import CityloopError
from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.quality import Quality
from cityloop.sense.stream.readings import Int64s, Outcome, Readings, concatenated
from cityloop.sense.stream.rejected import Rejected
from cityloop.site.pipeline import Pipeline
from cityloop.site.pipeline.requests import Takeover

log = logging.getLogger(__name__)

HELD_BACK_US = 5_000_000
"""Readings that waited longer than this in a node's outbox came late: the cable was cut."""

KNOWN_S = 2.0
"""How often it is asked which nodes may speak, seconds."""

MOUTH = "node"
"""Name of this mouth beside what it refuses."""

Appliers = Mapping[str, Callable[[int, dict[str, Any]], None]]
"""Who acts on envelopes of a topic."""


class Intake:
    """Answers the nodes that carry here.

    Args:
        address: of our own transport, with the right to the nodes' account.
        pipeline: keeps readings.
        me: number of this node.
        above: whether there is a node above that may speak too.
        appliers: act on envelopes that hold no readings.
    """

    def __init__(self, address: str, pipeline: Pipeline, *, me: int, above: bool, appliers: Appliers) -> None:
        """Know nobody yet."""
        self._address, self._pipeline, self._me, self._above = address, pipeline, me, above
        self._appliers = appliers
        self._known: frozenset[int] = frozenset()
        self._positions: dict[str, int] = {}
        self._streams: dict[int, dict[int, int]] = {}
        self._busy: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            try:
                await self._session()
            except NatsAwayError as error:
                log.warning("%s Coming back in %.0f s.", error, KNOWN_S)
                await asyncio.sleep(KNOWN_S)

    async def _session(self) -> None:
        nats = await open_nats(self._address, inbox=subjects.inbox(self._me))
        nats.subscribe(subjects.carried(self._me, 0).removesuffix(".0") + ".*")
        nats.subscribe(subjects.entities(self._me, 0).removesuffix(".0") + ".*")
        try:
            while True:
                await self._learn()
                await nats.news(wait_s=KNOWN_S)
                while nats.deliveries:
                    self._begin(nats, nats.deliveries.popleft())
        finally:
            for task in self._busy.values():
                task.cancel()
            nats.close()

    async def _learn(self) -> None:
        try:
            numbers = await sync_to_async(nodes_facade.registered_numbers)()
        except DjangoDatabaseError:
            return
        self._known = frozenset([*numbers, *([0] if self._above else [])])

    def _begin(self, nats: Nats, delivery: Delivery) -> None:
        """Handle a message beside those of other nodes; a node waits for its answer, so one at a time is its own."""
        source = int(delivery.subject.rpartition(b".")[2])
        running = self._busy.get(source)
        if running is not None and not running.done():
            return  # it has given up waiting and sends again
        self._busy[source] = asyncio.create_task(self._handle(nats, source, delivery))

    async def _handle(self, nats: Nats, source: int, delivery: Delivery) -> None:
        try:
            answer = await self._answer(source, delivery)
        except (CityloopError, psycopg.Error, DjangoDatabaseError) as error:
            answer = Answer(refused=str(error))
        except Exception as error:
            log.exception("What node %d sent could not be taken over", source)
            answer = Answer(refused=repr(error))
        nats.publish(delivery.reply, encoded(answer))

    async def _answer(self, source: int, delivery: Delivery) -> Answer:
        if source not in self._known:
            return Answer(refused=f"node {source} is not registered here")
        if delivery.subject == subjects.entities(self._me, source).encode():
            told = json.loads(delivery.payload)
            self._streams.pop(source, None)
            await sync_to_async(nodes_facade.take_in_entities)(source, told)
            return Answer()
        request = request_of(delivery.payload, node=source)
        if request.source != source:
            return Answer(refused=f"node {source} may not speak for node {request.source}")
        return await self._take_over(request)

    async def _take_over(self, request: Request) -> Answer:
        stream = f"node:{request.source}@{request.incarnation}"
        position = self._positions.get(stream)
        if position is None:
            position = self._positions[stream] = await self._pipeline.position(stream)
        rows = [row for row in request.rows if row.id > position]
        gaps = int(bool(rows) and rows[0].id != position + 1)
        taken = late = 0
        for is_readings, group in groupby(rows, key=lambda row: row.topic == READINGS_TOPIC):
            part = list(group)
            if is_readings:
                readings = await self._readings_of(request.source, part)
                if readings is None:
                    return Answer(through=position, wants_entities=True)
                position = await self._keep(request.source, stream, position, part, readings)
                taken += len(readings)
                late += int(np.count_nonzero(readings.quality == Quality.LATE))
            else:
                for row in part:
                    position = await self._apply(request.source, stream, position, row)
        await self._note(request, taken=taken, late=late, gaps=gaps)
        return Answer(through=position)

    async def _readings_of(self, source: int, rows: Sequence[Row]) -> Readings | None:
        """Return the readings of rows under our own datastreams, None where one is not known here yet."""
        received_us = to_us(datetime.now(UTC))
        batches = []
        for row in rows:
            readings = unpacked(row.payload, node=source, received_us=received_us)
            if received_us - row.made_us > HELD_BACK_US:
                readings.quality[readings.quality == Quality.GOOD] = Quality.LATE
            batches.append(readings)
        merged = concatenated(batches)
        own = await self._own_streams(source, merged.datastream_id)
        if own is None:
            return None
        merged.datastream_id = own
        return merged

    async def _own_streams(self, source: int, remote: Int64s) -> Int64s | None:
        wanted, places = np.unique(remote, return_inverse=True)
        known = self._streams.get(source)
        if known is None or any(number not in known for number in wanted.tolist()):
            known = self._streams[source] = await sync_to_async(nodes_facade.streams_of_node)(source)
        if any(number not in known for number in wanted.tolist()):
            return None
        return np.array([known[number] for number in wanted.tolist()], dtype=np.int64)[places]

    async def _keep(self, source: int, stream: str, position: int, rows: Sequence[Row], readings: Readings) -> int:
        mark = Mark(stream, position, rows[-1].id, readings.received_us)
        takeover = Takeover(mark, (), lambda row, outcome: _refused(source, readings, row, outcome))
        try:
            await self._pipeline.take_over(readings, takeover)
        except PositionMovedError:
            self._positions.pop(stream, None)
            raise
        self._positions[stream] = rows[-1].id
        return rows[-1].id

    async def _apply(self, source: int, stream: str, position: int, row: Row) -> int:
        apply = self._appliers.get(row.topic, _unknown(row.topic))
        done = await sync_to_async(nodes_facade.apply_envelope)(
            source, json.loads(row.payload), apply=apply, stream=stream, after=position, through=row.id
        )
        if not done:
            self._positions.pop(stream, None)
            raise PositionMovedError(stream=stream)
        self._positions[stream] = row.id
        return row.id

    async def _note(self, request: Request, *, taken: int, late: int, gaps: int) -> None:
        status = request.status
        if request.source == 0:
            return
        await sync_to_async(nodes_facade.note_status)(
            request.source,
            incarnation=request.incarnation,
            version=status.version,
            clock_ahead_s=(status.now_us - to_us(datetime.now(UTC))) / 1e6,
            waiting_rows=max(0, status.waiting_rows - len(request.rows)),
            waiting_readings=max(0, status.waiting_readings - taken),
            oldest_at=None if status.oldest_us is None else from_us(status.oldest_us),
            taken=taken,
            late=late,
            gaps=gaps,
        )


def _unknown(topic: str) -> Callable[[int, dict[str, Any]], None]:
    """Return what acts on a topic of a newer product: it is set aside, so that what follows is not held up."""

    def set_aside(source: int, _content: dict[str, Any]) -> None:
        log.error("Nobody here acts on %s of node %d: it was passed over", topic, source)

    return set_aside


def _refused(source: int, readings: Readings, row: int, outcome: Outcome) -> Rejected:
    detail = f"datastream {readings.datastream_id[row]} at {readings.phenomenon_us[row]} us"
    return Rejected(MOUTH, outcome.name.lower(), detail, f"node {source}", b"", readings.received_us)
