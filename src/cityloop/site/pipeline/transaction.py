"""One merged batch, one transaction: everything a reading causes is committed with it, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Protocol

import numpy as np
from psycopg import AsyncConnection

from cityloop.convey.stream.nodes.outbox import Outbox
from cityloop.convey.stream.positions import ask_position, checked_position, move_position
from cityloop.journal.stream import post_facts
from cityloop.kernel.instants import from_us
from cityloop.sense.stream.history.append import Appended, append, insert_few
from cityloop.sense.stream.history.arrays import int8_array
from cityloop.sense.stream.history.latest import LatestRows, ask_lock, locked, renew_latest
from cityloop.sense.stream.history.refusals import Bools, storable
from cityloop.sense.stream.history.retries import RetryKeyReusedError, answers, ask_answers, remember_answers
from cityloop.sense.stream.history.writers import Session, Writer, end_session
from cityloop.sense.stream.readings import Float64s, Int64s, Kept, Marker, Outcome, Readings, UInt8s, concatenated
from cityloop.sense.stream.rejected import keep_rejected
from cityloop.sense.stream.tasking.ending import note_answer
from cityloop.site.pipeline.neighbours import mark
from cityloop.site.pipeline.requests import Request
from cityloop.site.pipeline.tally import Tally, Teller, tally_of

_FEATURES = "SELECT id FROM sense_feature WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
_IS_THERE = "SELECT 1 FROM sense_observation WHERE datastream_id = %s AND phenomenon_time = %s AND id = %s"
_ANSWERED = 255

Known = dict[str, Kept | RetryKeyReusedError]
"""What requests that came before were answered, by retry key."""


class Judge(Protocol):
    """The screen as the pipeline sees it; `decide.stream.Screen` is one."""

    async def judge(  # noqa: PLR0913  columns
        self,
        connection: AsyncConnection[Any],
        *,
        datastream_id: Int64s,
        phenomenon_us: Int64s,
        value: Float64s,
        observation_id: Int64s,
        received_us: int,
        previous_us: Int64s | None,
        previous_value: Float64s | None,
    ) -> int:
        """Write the transitions of fresh readings, sorted by stream and time; return how many."""
        ...

    def watches(self, datastream_id: Int64s) -> bool:
        """Return whether any of these streams is watched."""
        ...

    async def reload_if_changed(self, connection: AsyncConnection[Any]) -> bool:
        """Read the watches anew where they have changed; return whether they had."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a batch was about to commit, so that a lost answer to COMMIT can be settled afterwards.

    Attributes:
        witness: (datastream, phenomenon time in microseconds, id) of one kept reading, None where none was kept.
        kept: what became of each reading; one that a retry key has answered before counts as a duplicate.
        given: the answers.
        tally: the counts.
        session: where it may still be under way, None where the locks it holds tell.
    """

    witness: tuple[int, int, int] | None
    kept: Kept
    given: list[Kept | Exception]
    tally: Tally
    session: Session | None = None


class Batch:
    """Merged requests on their way into the history."""

    def __init__(self, requests: Sequence[Request], *, markers: Sequence[Marker] = ()) -> None:
        """Merge the requests' columns, and let the markers see them; the requests' own columns stay as they are."""
        self.requests = requests
        merged = concatenated([request.readings for request in requests])
        self.readings: Readings = replace(merged, quality=merged.quality.copy())
        mark(self.readings, markers)
        lengths = [len(request.readings) for request in requests]
        self._bounds = list(accumulate(lengths, initial=0))
        self.idempotent = np.repeat([request.idempotent for request in requests], lengths)
        self.keys = {request.retry_key: number for number, request in enumerate(requests) if request.retry_key}
        self.takeover = requests[0].takeover
        self.position_exists = False
        self.refused_rows: set[int] = set()
        self.attempt: Attempt | None = None

    @cached_property
    def _storable(self) -> Bools:
        return storable(self.readings)

    def outcomes(self) -> UInt8s:
        """Return which readings may be kept as far as they themselves tell."""
        outcome = np.where(self._storable, Outcome.KEPT, Outcome.NOT_STORABLE).astype(np.uint8)
        outcome[list(self.refused_rows)] = Outcome.NOT_STORABLE
        return outcome

    def slices(self) -> list[slice]:
        """Return the rows of each request."""
        return [slice(a, b) for a, b in pairwise(self._bounds)]


async def commit_batch(
    writer: Writer, batch: Batch, *, judge: Judge | None, teller: Teller, outbox: Outbox | None = None
) -> list[Kept | Exception]:
    """Keep and judge a batch; return the answer to each request when it is durable.

    Args:
        writer: its connection is outside a transaction.
        batch: what to keep; it remembers the attempt.
        judge: the screen, None where nothing is watched.
        teller: decides whether the journal is told.
        outbox: puts what is new aside for the node above, None where there is none.

    Raises:
        psycopg.Error: nothing was kept, or it is not known: the next attempt finds out.
        PositionMovedError: if the stream's position does not stand where the batch starts; nothing was kept.
    """
    connection, outcome = writer.connection, batch.outcomes()
    if batch.attempt is not None and batch.attempt.session not in {None, writer.session}:
        await end_session(connection, batch.attempt.session)
    latest, known, features = await _lock(connection, batch, outcome)
    if batch.attempt is not None and await _was_committed(connection, batch.attempt):
        await connection.rollback()
        return settled(batch.attempt, teller, told=False)
    for key in known:
        outcome[batch.slices()[batch.keys[key]]] = _ANSWERED
    appended = await append(
        connection,
        batch.readings,
        latest=latest,
        features_known=features,
        idempotent=batch.idempotent,
        outcome=outcome,
        ids=writer.ids,
    )
    batch.attempt = _attempt(batch, appended, known)
    told = await _complete(
        connection, batch, appended, latest=latest, judge=judge, teller=teller, known=known, outbox=outbox
    )
    return settled(batch.attempt, teller, told=told)


async def _lock(connection: AsyncConnection[Any], batch: Batch, outcome: UInt8s) -> tuple[LatestRows, Known, Int64s]:
    named = batch.readings.feature_id[batch.readings.feature_id > 0]
    cursors = [connection.cursor() for _ in range(4)]
    async with connection.pipeline():
        await ask_lock(cursors[0], np.unique(batch.readings.datastream_id[outcome == Outcome.KEPT]))
        if batch.keys:
            await ask_answers(cursors[1], batch.keys)
        if len(named):
            await cursors[2].execute(_FEATURES, (int8_array(np.unique(named)),))
        if batch.takeover is not None:
            await ask_position(cursors[3], batch.takeover.mark)
        latest = await locked(cursors[0])
        known = await answers(cursors[1], list(batch.keys)) if batch.keys else {}
        rows = await cursors[2].fetchall() if len(named) else []
        if batch.takeover is not None:
            batch.position_exists = await checked_position(cursors[3], batch.takeover.mark)
    return latest, known, np.array([row[0] for row in rows], dtype=np.int64)


async def _was_committed(connection: AsyncConnection[Any], attempt: Attempt) -> bool:
    """Tell whether an attempt whose end was not heard was committed; the locks we hold mean that it has ended."""
    if attempt.witness is None:
        return False
    stream, time_us, number = attempt.witness
    row = await (await connection.execute(_IS_THERE, (stream, from_us(time_us), number))).fetchone()
    return row is not None


def _attempt(batch: Batch, appended: Appended, known: Known) -> Attempt:
    kept, rows = appended.kept, appended.rows
    given: list[Kept | Exception] = []
    for request, part in zip(batch.requests, batch.slices(), strict=True):
        first_answer = known.get(request.retry_key)
        if first_answer is None:
            given.append(Kept(kept.observation_id[part], kept.outcome[part]))
        elif isinstance(first_answer, Kept) and len(first_answer.outcome) != len(request.readings):
            given.append(RetryKeyReusedError())
        else:
            given.append(first_answer)
    witness = None
    if len(rows):
        row = int(rows[0])
        witness = (
            int(batch.readings.datastream_id[row]),
            int(batch.readings.phenomenon_us[row]),
            int(kept.observation_id[row]),
        )
    new = kept.outcome != _ANSWERED
    unread = len(batch.takeover.rejected) if batch.takeover else 0
    tally = tally_of(Kept(kept.observation_id[new], kept.outcome[new]), rejected=unread)
    outcome = np.where(new, kept.outcome, Outcome.DUPLICATE).astype(np.uint8)
    return Attempt(witness, Kept(kept.observation_id, outcome), given, tally)


async def _complete(  # noqa: PLR0913  the parts of one step
    connection: AsyncConnection[Any],
    batch: Batch,
    appended: Appended,
    *,
    latest: LatestRows,
    judge: Judge | None,
    teller: Teller,
    known: Known,
    outbox: Outbox | None,
) -> bool:
    readings, ids = batch.readings, appended.kept.observation_id
    tally = teller.untold.plus(batch.attempt.tally if batch.attempt else Tally())
    tells = teller.is_due() and bool(tally)
    async with connection.pipeline(), connection.cursor() as cursor:
        await insert_few(cursor, readings, appended)
        if appended.change is not None:
            await renew_latest(cursor, appended.change, readings, ids=ids)
        await remember_answers(cursor, _answers_to_remember(batch, known))
        if judge is not None and len(appended.judged):
            await _judge(connection, judge, readings, appended, latest)
        await _take_over(connection, batch, appended.kept)
        if outbox is not None:
            await outbox.put(connection, readings, np.flatnonzero(appended.kept.outcome == Outcome.KEPT))
        if tells:
            await post_facts(connection, [tally.fact(actor=teller.actor, now=from_us(readings.received_us))])
        await connection.commit()
    return tells


async def _judge(
    connection: AsyncConnection[Any], judge: Judge, readings: Readings, appended: Appended, latest: LatestRows
) -> None:
    rows = appended.judged
    place, _ = latest.places(readings.datastream_id[rows])
    await judge.judge(
        connection,
        datastream_id=readings.datastream_id[rows],
        phenomenon_us=readings.phenomenon_us[rows],
        value=readings.result[rows],
        observation_id=appended.kept.observation_id[rows],
        received_us=readings.received_us,
        previous_us=latest.phenomenon_us[place],
        previous_value=latest.result[place],
    )


def _answers_to_remember(batch: Batch, known: Known) -> dict[str, Kept]:
    given = batch.attempt.given if batch.attempt else []
    return {
        key: answer
        for key, number in batch.keys.items()
        if key not in known and isinstance(answer := given[number], Kept)
    }


async def _take_over(connection: AsyncConnection[Any], batch: Batch, kept: Kept) -> None:
    if batch.takeover is None:
        return
    refused = np.flatnonzero(kept.outcome > Outcome.DUPLICATE)
    items = [batch.takeover.refused(row, Outcome(int(kept.outcome[row]))) for row in refused.tolist()]
    for number, answer in enumerate(batch.takeover.answers):
        if not await note_answer(connection, answer) and batch.takeover.unanswered is not None:
            items.append(batch.takeover.unanswered(number))
    await keep_rejected(connection, [*batch.takeover.rejected, *items])
    await move_position(connection, batch.takeover.mark, exists=batch.position_exists)


def settled(attempt: Attempt, teller: Teller, *, told: bool) -> list[Kept | Exception]:
    """Return the answers of an attempt that is durable, and note what the journal must still be told."""
    if told:
        teller.told()
    else:
        teller.kept(attempt.tally)
    return attempt.given
