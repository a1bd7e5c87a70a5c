"""Answers the transport who may come in, and sends away whose rights have ended."""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from cityloop.convey.stream.callout.claims import Admission, Login, admitting, login_of, refusing
from cityloop.convey.stream.callout.keys import SigningKey
from cityloop.convey.stream.callout.node_logins import NodeLookup, admit_no_node, is_node
from cityloop.convey.stream.callout.permissions import Belongings, permissions_of
from cityloop.kernel.errors import CityloopError
from cityloop.registry.stream import Rights, TokenRights

log = logging.getLogger(__name__)

QUESTIONS = "$SYS.REQ.USER.AUTH"
"""Where the transport asks."""

QUEUE = "callout"
"""Of several callouts one answers each question."""

ADMITTED_S = 3600
"""How long an admission holds, seconds; then the transport ends the connection and the client logs in again.

So a datastream that a thing or an organisation has got meanwhile is reached after that time at the latest.
"""

ADMITTED_SPREAD_S = 600
"""Admissions given at the same moment end spread over so much, seconds."""

AT_ONCE_MAX = 64
"""Bound of the questions that are being answered; more wait in the transport."""

SWEEP_S = 1.0
"""How often it is looked whether rights have changed, seconds."""

SWEEPS_AFTER = 3
"""How many times connections are compared after a change: one that came in meanwhile is found by a later one."""

SWEEPS_APART = 60
"""Connections are compared after so many looks even where nothing has changed."""

SERVERS_S = 0.3
"""How long servers of the transport are waited for when they are asked to name themselves, seconds."""

PAGE_CONNECTIONS = 1024
"""Connections a server tells at once."""

TAG = "token:"
"""Begins the name that connections of tokens have in the transport's monitoring."""

Lookup = Callable[[TokenRights, str], Awaitable[Belongings]]
"""Finds what a token's owner has; told the MQTT client id as well."""


def tag_of(rights: TokenRights) -> str:
    """Return the name of a token's connections; it changes with any of its rights."""
    told = (rights.name, rights.may_read, rights.may_write, rights.area, rights.may_task, rights.organisation)
    digest = hashlib.sha256(repr((*told, rights.thing_id, sorted(rights.datasets))).encode()).hexdigest()
    return f"{TAG}{rights.token_id}:{digest[:16]}"


class Callout:
    """Answers who may come in.

    Args:
        rights: the book of tokens.
        lookup: finds what a token's owner has.
        key: signs the answers.
        spread: a number in [0, 1) each time it is called; chance, or a constant in tests.
        nodes: says whether a node below this one may come in.
    """

    def __init__(
        self,
        rights: Rights,
        lookup: Lookup,
        key: SigningKey,
        *,
        spread: Callable[[], float],
        nodes: NodeLookup = admit_no_node,
    ) -> None:
        """Answer when it is asked."""
        self._rights, self._lookup, self._key, self._spread = rights, lookup, key, spread
        self._nodes = nodes
        self._free = asyncio.Semaphore(AT_ONCE_MAX)
        self._answering: set[asyncio.Task[None]] = set()

    async def serve(self, client: Client) -> None:
        """Begin to answer on a connection of the user `callout`."""
        await client.subscribe(QUESTIONS, queue=QUEUE, cb=self._take)
        await client.flush()

    async def _take(self, message: Msg) -> None:
        await self._free.acquire()
        task = asyncio.create_task(self._respond(message))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        task.add_done_callback(lambda _: self._free.release())

    async def _respond(self, message: Msg) -> None:
        try:
            await message.respond(await self.answer(message.data))
        except CityloopError as error:
            log.warning("A question was left unanswered: %s", error)
        except Exception:
            log.exception("A question was left unanswered")

    async def answer(self, question: bytes) -> bytes:
        """Return the signed answer to a question of the transport.

        Raises:
            ClaimsUnreadableError: if the question is none.
        """
        login, now_s = login_of(question), int(time.time())
        admission = await self._admission(login, now_s)
        if admission is None:
            log.info("Refused %r from %s", login.name[:60], login.host)
            return refusing(login, "no token in force", self._key, now_s=now_s)
        return admitting(login, admission, self._key, now_s=now_s)

    async def _admission(self, login: Login, now_s: int) -> Admission | None:
        if is_node(login.name):
            return await self._nodes(login, now_s)
        rights = self._rights.of_token(login.password)
        if rights is None:
            return None
        belongings = await self._lookup(rights, login.client_id)
        if belongings.is_impostor:
            log.warning(
                "%s (%s) gave the client id %r of a device that it is not", rights.actor, rights.name, login.client_id
            )
            return None
        ends_s = now_s + ADMITTED_S + int(ADMITTED_SPREAD_S * self._spread())
        return Admission(tag_of(rights), permissions_of(rights, belongings), ends_s)


class Doorkeeper:
    """Sends away whose rights have ended or changed.

    Args:
        client: a connection of the user `system`.
        rights: the book of tokens.
    """

    def __init__(self, client: Client, rights: Rights) -> None:
        """Look at everybody at first."""
        self._client, self._rights = client, rights
        self._tags: frozenset[str] = frozenset()
        self._sweeps = 1
        self._looks = 0

    async def watch(self) -> None:
        """Compare connections with the book until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("Connections could not be compared; they are at the next look")
                self._sweeps = SWEEPS_AFTER
            await asyncio.sleep(SWEEP_S)

    async def look(self) -> int:
        """Compare connections with the book if something has changed; return how many were sent away."""
        tags = self._in_force()
        self._looks += 1
        if self._tags - tags:
            self._sweeps = SWEEPS_AFTER
        elif self._looks % SWEEPS_APART == 0:
            self._sweeps = max(self._sweeps, 1)
        self._tags = tags
        if not self._sweeps:
            return 0
        gone = await self._sweep(tags)
        self._sweeps -= 1
        return gone

    def _in_force(self) -> frozenset[str]:
        """Return the names in force now: who came in while connections were compared may be newer than the look."""
        return frozenset(map(tag_of, self._rights.in_force()))

    async def _sweep(self, tags: frozenset[str]) -> int:
        gone = 0
        for server in await self._servers():
            async for connection in self._connections(server):
                name = connection.get("authorized_user", "")
                if name.startswith(TAG) and name not in tags and name not in self._in_force():
                    await self._ask(f"$SYS.REQ.SERVER.{server}.KICK", {"cid": connection["cid"]})
                    log.info("Sent away %s from %s: its rights have ended", name, connection.get("ip", ""))
                    gone += 1
        return gone

    async def _servers(self) -> list[str]:
        inbox = self._client.new_inbox()
        servers: list[str] = []
        answers = await self._client.subscribe(inbox)
        await self._client.publish("$SYS.REQ.SERVER.PING.IDZ", reply=inbox)
        try:
            while True:
                answer = await answers.next_msg(timeout=SERVERS_S)
                servers.append(json.loads(answer.data)["id"])
        except TimeoutError:
            return servers
        finally:
            await answers.unsubscribe()

    async def _connections(self, server: str) -> AsyncIterator[dict[str, Any]]:
        offset = 0
        while True:
            asked = {"acc": "DEVICES", "auth": True, "limit": PAGE_CONNECTIONS, "offset": offset}
            page = (await self._ask(f"$SYS.REQ.SERVER.{server}.CONNZ", asked))["data"]["connections"]
            offset += len(page)
            for connection in page:
                yield connection
            if len(page) < PAGE_CONNECTIONS:
                return

    async def _ask(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.request(subject, json.dumps(body).encode(), timeout=5)
        told: dict[str, Any] = json.loads(answer.data)
        return told
