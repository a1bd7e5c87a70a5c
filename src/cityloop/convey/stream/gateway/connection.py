"""One TCP connection: reads, lets the conversation deal with it, and only then reads on."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence

from cityloop.convey.stream.book import DeviceRecord
from cityloop.convey.stream.gateway.bounds import READ_BYTES_MAX, Bounds
from cityloop.convey.stream.gateway.conversation import Conversation
from cityloop.convey.stream.gateway.intake import Intake
from cityloop.sense.stream.protocols.port import Protocol

log = logging.getLogger(__name__)

PROBE_IDLE_S, PROBE_EVERY_S, PROBES = 60, 15, 4
"""A peer that is gone without a word is found out by the system after two minutes: seconds, seconds, attempts."""

ANSWERS_BYTES_MAX = 256 * 1024
"""Answers that wait for a device that does not read them, bytes; more and the connection is cut."""


class Connection:
    """A connection and its conversation.

    Attributes:
        conversation: what is said on it.
    """

    def __init__(  # noqa: PLR0913  what a connection needs
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        protocol: Protocol,
        intake: Intake,
        *,
        bounds: Bounds,
        called: Sequence[DeviceRecord] = (),
    ) -> None:
        """Take the two ends of a connection that stands."""
        self._reader, self._writer, self._bounds = reader, writer, bounds
        peer = writer.get_extra_info("peername") or ("?",)
        self.conversation = Conversation(
            protocol, intake, bounds=bounds, peer=str(peer[0]), send=self._send, called=called
        )
        _probe(writer)

    async def run(self) -> str:
        """Serve until it ends; return why it ended."""
        conversation = self.conversation
        try:
            await self._serve()
        except TimeoutError:
            conversation.end("not_reading")
        except OSError:
            conversation.end("broken")
        except Exception:
            log.exception("A connection of %s failed", conversation.protocol.code)
            conversation.end("failed")
        finally:
            conversation.end("stopped")
            await self._close()
        return conversation.ends

    async def _serve(self) -> None:
        conversation, writer = self.conversation, self._writer
        while not conversation.ends:
            data = await self._reader.read(READ_BYTES_MAX)
            if not data:
                conversation.end("closed")
                return
            await conversation.receive(data)
            if writer.transport.get_write_buffer_size():
                async with asyncio.timeout(self._bounds.write_s_max):
                    await writer.drain()

    def tick(self) -> None:
        """Do what time asks for; called about once a second."""
        self.conversation.tick()
        if self.conversation.ends:
            self._writer.transport.abort()

    def stop(self) -> None:
        """End it as soon as nothing is being kept."""
        self.conversation.end("stopped")
        if not self.conversation.busy:
            self._writer.close()

    def _send(self, data: bytes) -> None:
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > ANSWERS_BYTES_MAX:
            self.conversation.end("not_reading")
            transport.abort()
            return
        self._writer.write(data)

    async def _close(self) -> None:
        await self.conversation.finish()
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._bounds.stop_s_max):
                await self._writer.wait_closed()


def _probe(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_IDLE_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES),
    ):
        with contextlib.suppress(OSError):
            end.setsockopt(level, option, value)
