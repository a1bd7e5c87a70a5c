"""Moves the closed days of a city from one store to the other, and compares what lies there with what was moved."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import psycopg
from psycopg import Connection

from cityloop.kernel.errors import CityloopError
from cityloop.sense.stream.archive.keeping import CLICKHOUSE, Keeper, KeeperElsewhereError
from cityloop.sense.stream.archive.standing import Compared, Standing, compare, compared, standing, want

LOOK_S = 0.2
"""Rest between two looks at what another process does, seconds."""

Told = Callable[[float, Standing], None]
"""Is told which share is done, and how things stand."""


class NoSecondStoreError(CityloopError):
    """No store is named."""

    key = "CITYLOOP_HISTORY_DSN names no second store of closed days."
    status = 409


class MoveStoppedError(CityloopError):
    """The store cannot be had."""

    key = "The move rests where it is, and goes on when it is asked for again: %(reason)s"
    status = 503


def move(postgres_dsn: str, dsn: str, place: str, told: Told) -> Compared:
    """Move all closed days, while the city runs or not, and compare; a move that was stopped goes on.

    Where a process of the city keeps the second store it does the work; else this one keeps it meanwhile.

    Args:
        postgres_dsn: of the database.
        dsn: of the second store.
        place: `clickhouse` or `postgres`.
        told: is told the progress.

    Raises:
        NoSecondStoreError: if none is named.
        MoveStoppedError: if the store cannot be had.
    """
    if not dsn:
        raise NoSecondStoreError
    with psycopg.connect(postgres_dsn, autocommit=True, options="-c TimeZone=UTC") as connection, ExitStack() as stack:
        want(connection, place)
        try:
            keeper: Keeper | None = Keeper.of(postgres_dsn, dsn)
        except KeeperElsewhereError:
            keeper = None
        if keeper is not None:
            stack.callback(keeper.close)
        _until_moved(connection, keeper, place, told)
        compare(connection)
        while not (found := compared(connection)).is_done:
            _work(keeper)
            _check(standing(connection))
        return found


def _until_moved(connection: Connection, keeper: Keeper | None, place: str, told: Told) -> None:
    is_out = place == CLICKHOUSE
    while True:
        now = standing(connection)
        left, done = (now.here, now.there) if is_out else (now.there, now.here)
        told(done / max(1, done + left), now)
        if not (now.days_to_go if is_out else now.days_begun + now.there_days):
            return
        _check(now)
        _work(keeper)


def _check(now: Standing) -> None:
    if now.reason:
        raise MoveStoppedError(reason=now.reason)


def _work(keeper: Keeper | None) -> None:
    if keeper is None:
        time.sleep(LOOK_S)
    elif not keeper.turn():
        keeper.rest(LOOK_S)
