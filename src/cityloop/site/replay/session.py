"""Plays several parts at once, each over a connection of its own."""

import threading
import time
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from cityloop.site.replay.board import Board
from cityloop.site.replay.device import Address, MqttDevice
from cityloop.site.replay.player import Clock, Player, Wishes
from cityloop.site.replay.tracks import Track


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing to play.

    Attributes:
        name: of the connection and of the kept position.
        track: the readings.
        datastream_ids: one for each of the track's streams, None for a stream nobody knows.
        wishes: how to play.
    """

    name: str
    track: Track
    datastream_ids: tuple[int | None, ...]
    wishes: Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Where several parts are played to.

    Attributes:
        folder: where positions are kept.
        address: the broker.
        stop: set from outside to end.
        board: shows progress.
    """

    folder: Path
    address: Address
    stop: threading.Event
    board: Board

    def position_file(self, part: Part) -> Path:
        """Return where a part's position is kept."""
        return self.folder / f"{part.name}.json"

    def play(self, parts: list[Part]) -> None:
        """Play all parts until each has ended or `stop` is set.

        Raises:
            Exception: the first failure of a part; the others are stopped then.
        """
        failures: list[Exception] = []
        threads = [threading.Thread(target=self._guarded, args=(part, failures), name=part.name) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _guarded(self, part: Part, failures: list[Exception]) -> None:
        try:
            self._play(part)
        except Exception as error:  # noqa: BLE001  raised again by the thread that waits
            failures.append(error)
            self.stop.set()

    def _play(self, part: Part) -> None:
        row = self.board.row(part.name)
        with MqttDevice(
            self.address,
            name=f"replay-{part.name}",
            stop=self.stop,
            on_reached=lambda: self.board.state(row, _("broker reached")),
            on_lost=lambda: self.board.state(row, _("broker away, waiting")),
        ) as device:
            player = Player(
                track=part.track,
                publisher=device,
                datastream_ids=part.datastream_ids,
                position_file=self.position_file(part),
                clock=Clock(now_us, self.stop.wait),
                wishes=part.wishes,
                stop=self.stop,
                on_sent=lambda count: self.board.sent(row, count),
            )
            self.board.expect(row, player.remaining())
            player.run()


def now_us() -> int:
    """Return the present, microseconds since the epoch."""
    return time.time_ns() // 1000
