"""The wall's live feed: server-sent events from the hub of this process."""

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.views.decorators.http import require_GET
from psycopg.conninfo import make_conninfo

from cityloop.command import facade
from cityloop.command.facade import Hub, Message
from cityloop.command.views.picture import stages_in_words
from cityloop.kernel.areas import CITY, AreaCode, lies_within
from cityloop.registry.facade import Right, person_of, reach_of, requires

BEAT_S = 2.0
"""After so much silence a beat is sent, seconds: a wall that hears nothing for longer knows that its feed is old."""
LIFE_S = 600.0
"""A feed ends by itself and the browser opens the next, seconds: rights are asked for again."""


@cache
def hub() -> Hub:
    """Return the one hub of this process."""
    return Hub(_dsn(), numbers=sync_to_async(_numbers))


def _dsn() -> str:
    of = connection.settings_dict
    names = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    return make_conninfo(**{name: of[theirs] for name, theirs in names.items() if of[theirs]})


def _numbers(area: AreaCode = CITY) -> dict[str, Any]:
    """Return the living numbers in every language: the walls of a process share them."""
    close_old_connections()
    now = timezone.now()
    stages = facade.stages(now, area=area)
    found: dict[str, Any] = {}
    for code, _ in settings.LANGUAGES:
        with translation.override(code):
            found[code] = stages_in_words(stages, now=now)
    return found


@require_GET
@requires(Right.SEE_WALL)
async def feed(request: HttpRequest) -> HttpResponseBase:
    """Stream facts and numbers to one wall."""
    since = facade.place_of(request.headers.get("Last-Event-ID", ""))
    area = reach_of(person_of(request), Right.SEE_WALL)
    language = translation.get_language() or settings.LANGUAGE_CODE
    response = StreamingHttpResponse(_frames(since, area=area, language=language), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _frames(since: tuple[int, int] | None, *, area: AreaCode, language: str) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + LIFE_S
    yield b"retry: 1000\n\n"
    async with hub().watch(since=since) as watcher:
        while loop.time() < ends:
            try:
                message = await asyncio.wait_for(watcher.next(), BEAT_S)
            except TimeoutError:
                message = Message("beat", {})
            if message is None:
                return
            if (told := await _for_reader(message, area=area, language=language)) is not None:
                yield told.frame()


async def _for_reader(message: Message, *, area: AreaCode, language: str) -> Message | None:
    """Return a message as one reader may see it: facts of the reader's area, numbers in the reader's language."""
    if message.event == "numbers":
        numbers = message.data if area == CITY else await sync_to_async(_numbers)(area)
        return Message("numbers", {"stages": numbers[language]})
    if message.event == "fact" and not lies_within(AreaCode(message.data["area"]), area):
        return None
    return message
