"""Lets nodes below this one come in over a leaf connection, each under its own number and password."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from psycopg_pool import AsyncConnectionPool

from cityloop.convey.stream.callout.claims import LEAF, NODES_ACCOUNT, Admission, Login
from cityloop.convey.stream.callout.permissions import Permissions
from cityloop.convey.stream.nodes.subjects import permissions

PREFIX = "node-"
"""Begins the user names of nodes; their number follows."""

ADMITTED_S = 24 * 3600
"""How long a node's admission holds, seconds; then it logs in again. A removed one is refused at once by the intake."""

_DIGEST = "SELECT digest FROM convey_node WHERE number = %s AND removed_at IS NULL"

NodeLookup = Callable[[Login, int], Awaitable[Admission | None]]
"""Says what a node may do, told the present in seconds; None where it may not come in."""


def is_node(name: str) -> bool:
    """Return whether a user name is that of a node."""
    return name.startswith(PREFIX) and name.removeprefix(PREFIX).isdecimal()


def node_lookup(pool: AsyncConnectionPool[Any]) -> NodeLookup:
    """Return what looks nodes up in the database."""

    async def admission(login: Login, now_s: int) -> Admission | None:
        number = int(login.name.removeprefix(PREFIX)[:4])
        async with pool.connection() as connection:
            row = await (await connection.execute(_DIGEST, (number,))).fetchone()
        given = hashlib.sha256(login.password.encode()).hexdigest()
        if row is None or not hmac.compare_digest(given, row[0]):
            return None
        may = permissions(number)
        allowed = Permissions(tuple(may["publish"]["allow"]), tuple(may["subscribe"]["allow"]))
        return Admission(login.name, allowed, now_s + ADMITTED_S, NODES_ACCOUNT, LEAF)

    return admission


async def admit_no_node(_login: Login, _now_s: int) -> Admission | None:
    """Let no node in."""
    return None
