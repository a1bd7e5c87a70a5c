"""One prepared statement, one round trip, straight through libpq.

For a handful of rows a cursor costs more than PostgreSQL does: it begins, sends, waits and commits in steps of its own.
Here a statement that is a transaction by itself goes out in one write, and its answer is read in one.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Exchange:
    """Asks PostgreSQL over a connection that nobody else uses meanwhile, outside a transaction."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        """Know no statement yet."""
        self._pgconn: PGconn = connection.pgconn
        self._encoding = connection.info.encoding
        self._names: dict[str, bytes] = {}

    async def ask(self, statement: str, parameters: Sequence[bytes]) -> PGresult:
        """Return the answer to a statement, which commits by itself.

        Args:
            statement: with `$1` and so on; the type of each parameter is named in it.
            parameters: in PostgreSQL's binary format.

        Raises:
            psycopg.Error: as a cursor would; after an OperationalError it is not known whether it was committed.
        """
        if self._pgconn.transaction_status != TransactionStatus.IDLE:
            message = "the connection is within a transaction"
            raise OperationalError(message)
        known = self._names.get(statement)
        try:
            return await self._executed(known or await self._prepared(statement), parameters)
        except InvalidSqlStatementName:
            # A cursor's rollback deallocates every statement of the connection.
            return await self._executed(await self._prepared(statement), parameters)

    async def _executed(self, name: bytes, parameters: Sequence[bytes]) -> PGresult:
        formats = [Format.BINARY] * len(parameters)
        self._pgconn.send_query_prepared(name, parameters, formats, Format.BINARY)
        return await self._answer()

    async def _prepared(self, statement: str) -> bytes:
        name = self._names.get(statement, b"exchange_%d" % len(self._names))
        self._pgconn.send_prepare(name, statement.encode())
        await self._answer()
        self._names[statement] = name
        return name

    async def _answer(self) -> PGresult:
        while self._pgconn.flush():
            await self._until(writable=True)
        answer = None
        while True:
            while self._pgconn.is_busy():
                await self._until(writable=False)
                self._pgconn.consume_input()
            following = self._pgconn.get_result()
            if following is None:
                break
            answer = following
        if answer is None or self._pgconn.status != ConnStatus.OK:
            message = "the connection is lost"
            raise OperationalError(message)
        if answer.status not in _GOOD:
            raise error_from_result(answer, encoding=self._encoding)
        return answer

    async def _until(self, *, writable: bool) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        number = self._pgconn.socket
        add, remove = (loop.add_writer, loop.remove_writer) if writable else (loop.add_reader, loop.remove_reader)
        add(number, _set, ready)
        try:
            await ready
        finally:
            remove(number)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
