"""Messages that devices were acknowledged for and that are not yet in the history: saved, and given back."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from psycopg import AsyncConnection

from cityloop.convey.stream.jetstream import PRIVATE_PREFIX, open_reader, prepare_stream
from cityloop.convey.stream.nats import Nats, NatsAwayError, open_nats
from cityloop.convey.stream.positions import position_of
from cityloop.site.backup.manifest import BackupDamagedError

_WAIT_S = 2.0


async def save_waiting(address: str, dsn: str, file: Path) -> int:
    """Write the messages that wait in the transport to a file; return how many.

    Taken before the database is dumped: what the history takes over in between is then in both, and a device's reading
    is kept once.

    Args:
        address: of the transport, with the right to its store.
        dsn: of the database, which knows how far the stream is in the history.
        file: one message a line.

    Raises:
        NatsAwayError: if the transport does not answer.
    """
    nats = await open_nats(address)
    try:
        state = await prepare_stream(nats)
        async with await AsyncConnection.connect(dsn) as connection:
            after = await position_of(connection, state.key)
        reader = await open_reader(nats, after=after, state=state)
        count, reached = 0, after
        with file.open("w", encoding="ascii") as lines:
            while reached < state.last and (messages := await reader.take(wait_s=_WAIT_S)):
                for message in messages:
                    payload = base64.b64encode(message.payload).decode("ascii")
                    lines.write(json.dumps({"subject": message.subject.decode(), "payload": payload}) + "\n")
                count, reached = count + len(messages), messages[-1].sequence
    finally:
        nats.close()
    return count


async def give_back(address: str, file: Path) -> int:
    """Publish the messages of a file to the transport's store again; return how many it has taken.

    Raises:
        NatsAwayError: if the transport does not take one.
        BackupDamagedError: if the file holds something else.
    """
    nats = await open_nats(address)
    count = 0
    try:
        await prepare_stream(nats)
        for subject, payload in _messages(file):
            await _stored(nats, subject, payload)
            count += 1
    finally:
        nats.close()
    return count


def _messages(file: Path) -> Iterator[tuple[str, bytes]]:
    with file.open(encoding="ascii") as lines:
        for line in lines:
            try:
                told = json.loads(line)
                subject, payload = str(told["subject"]), base64.b64decode(told["payload"], validate=True)
            except (ValueError, KeyError, TypeError) as error:
                raise BackupDamagedError(file=file.name) from error
            if not subject.startswith(PRIVATE_PREFIX):
                raise BackupDamagedError(file=file.name)
            yield subject, payload


async def _stored(nats: Nats, subject: str, payload: bytes) -> None:
    answer = await nats.request_raw(subject, payload)
    if "error" in answer:
        raise NatsAwayError(reason=answer["error"].get("description", "refused"))
