"""What waits to be kept: requests of the mouths, bounded, merged into batches without waiting for more."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cityloop.convey.stream.positions import Mark
from cityloop.sense.stream.history.retries import name_of
from cityloop.sense.stream.readings import Kept, Outcome, OverloadedError, Readings
from cityloop.sense.stream.rejected import Rejected
from cityloop.sense.stream.tasking.ending import TaskAnswer

BATCH_READINGS_MAX = 20_000
"""Bound of a merged batch, readings; one request may be larger and goes alone."""

BATCH_REQUESTS_MAX = 2_000
"""Bound of a merged batch, requests."""

WAITING_READINGS_MAX = 200_000
"""Bound of what waits in a process, readings: about half a second's work of the history."""

WAITING_BYTES_MAX = 64 * 2**20
"""Bound of what waits in a process, bytes."""

_ROW_BYTES, _OTHERS_BYTES = 49, 200


@dataclass(frozen=True, slots=True)
class Takeover:
    """What a stream's batch brings besides readings, written in the same transaction.

    Attributes:
        mark: how the position moves.
        rejected: messages that could not be read.
        refused: makes an item of a reading that the history refused, from its row and outcome.
        answers: what devices report of their tasks.
        unanswered: makes an item of a report that did not count, from its number.
    """

    mark: Mark
    rejected: Sequence[Rejected]
    refused: Callable[[int, Outcome], Rejected]
    answers: Sequence[TaskAnswer] = ()
    unanswered: Callable[[int], Rejected] | None = None


@dataclass(slots=True, eq=False)
class Request:
    """One call of a mouth."""

    readings: Readings
    idempotent: bool
    answer: asyncio.Future[Kept]
    retry_key: str = ""
    takeover: Takeover | None = None
    byte_count: int = field(init=False)

    def __post_init__(self) -> None:
        """Estimate the size."""
        self.byte_count = _ROW_BYTES * len(self.readings)
        for parts in self.readings.others.values():
            texts = (parts.result_json, parts.result_quality_json, parts.parameters_json)
            self.byte_count += _OTHERS_BYTES + sum(len(text) for text in texts if text)


class RequestQueue:
    """Requests in order of arrival, bounded in readings and bytes."""

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: deque[Request] = deque()
        self._readings = self._bytes = 0
        self._news = asyncio.Event()

    def put(self, request: Request) -> None:
        """Add a request.

        Raises:
            OverloadedError: if too much waits; a request that is larger than the bounds is taken when nothing waits.
        """
        full = self._readings + len(request.readings) > WAITING_READINGS_MAX
        if self._waiting and (full or self._bytes + request.byte_count > WAITING_BYTES_MAX):
            raise OverloadedError
        self._waiting.append(request)
        self._readings += len(request.readings)
        self._bytes += request.byte_count
        self._news.set()

    def wake(self) -> None:
        """Make the server of the queue look around even though nothing has come."""
        self._news.set()

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._waiting)

    async def news(self) -> None:
        """Return when something waits, or when woken."""
        if not self._waiting:
            await self._news.wait()
        self._news.clear()

    def take(self) -> list[Request]:
        """Return what waits now, as one batch within its bounds; empty where nothing waits.

        A takeover goes alone, and of two requests with one retry key the second waits for the first's answer.
        """
        batch: list[Request] = []
        keys: set[str] = set()
        readings = 0
        while self._waiting and len(batch) < BATCH_REQUESTS_MAX:
            following = self._waiting[0]
            readings += len(following.readings)
            alone = following.takeover is not None or (batch != [] and batch[0].takeover is not None)
            if batch and (alone or readings > BATCH_READINGS_MAX or name_of(following.retry_key) in keys):
                break
            self._waiting.popleft()
            self._readings -= len(following.readings)
            self._bytes -= following.byte_count
            if following.retry_key:
                keys.add(name_of(following.retry_key))
            batch.append(following)
        return batch
