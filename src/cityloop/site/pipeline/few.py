"""The short way of a batch: a few plain readings of streams nobody watches, kept in one round trip."""

import numpy as np

from cityloop.sense.stream.history.few import FEW_ROWS_MAX, few_of, keep_few
from cityloop.sense.stream.history.writers import Session, Writer
from cityloop.sense.stream.readings import Kept
from cityloop.site.pipeline.tally import Tally, Teller
from cityloop.site.pipeline.transaction import Attempt, Batch, Judge, settled


async def commit_few(
    writer: Writer, batch: Batch, *, judge: Judge | None, teller: Teller
) -> list[Kept | Exception] | None:
    """Keep a batch in one round trip; return the answer to each request, None where it must go the general way.

    An attempt whose answer is lost is settled by the general way, which ends its session and looks whether its first
    reading is there.

    Args:
        writer: its connection is outside a transaction.
        batch: what to keep; it remembers the attempt.
        judge: the screen, None where nothing is watched.
        teller: a batch that tells the journal goes the general way.

    Raises:
        psycopg.Error: nothing was kept, or it is not known: the next attempt finds out.
    """
    if not _is_short(batch, judge, teller):
        return None
    readings = batch.readings
    few = few_of(readings, idempotent=batch.idempotent.tolist())
    if few is None:
        return None
    runs = writer.ids.reserve(len(readings), now_us=readings.received_us)
    ids = [number for first, length in runs for number in range(first, first + length)]
    batch.attempt = _attempt(batch, ids, writer.session)
    if not await keep_few(writer.exchange, few, ids=ids):
        batch.attempt = None
        return None
    return settled(batch.attempt, teller, told=False)


def _is_short(batch: Batch, judge: Judge | None, teller: Teller) -> bool:
    count = len(batch.readings)
    if batch.attempt is not None or batch.takeover is not None or batch.keys or not 0 < count <= FEW_ROWS_MAX:
        return False
    tells = teller.is_due() and bool(teller.untold)
    return not tells and (judge is None or not judge.watches(batch.readings.datastream_id))


def _attempt(batch: Batch, ids: list[int], session: Session) -> Attempt:
    readings = batch.readings
    kept = Kept(np.array(ids, dtype=np.int64), np.zeros(len(ids), dtype=np.uint8))
    given: list[Kept | Exception] = [Kept(kept.observation_id[part], kept.outcome[part]) for part in batch.slices()]
    witness = (int(readings.datastream_id[0]), int(readings.phenomenon_us[0]), ids[0])
    return Attempt(witness, kept, given, Tally(len(ids), first_id=ids[0], last_id=ids[-1]), session)
