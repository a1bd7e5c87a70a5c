"""A city whose lines have a past: hours of every stream by a plain rule, and what dispatchers told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection

from cityloop.kernel.instants import to_us
from cityloop.kernel.observation_ids import ObservationIds
from cityloop.kernel.quality import Quality
from cityloop.projects.lifelines.project import PROJECT
from cityloop.projects.lifelines.selectors.history import midnight_of
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView
from cityloop.sense import facade as sense
from tests.seeds import seed_registry

DAY = date(2026, 11, 24)
"""A Tuesday of the heating season."""
TEN = midnight_of(DAY) + timedelta(hours=10)
"""10:00 of it in the city."""
PASSWORD = "loop-of-the-city-7"
SHAPE = np.array([0.6] * 6 + [1.0, 1.4, 1.6, 1.4, 1.2, 1.1, 1.1, 1.0, 1.0, 1.0, 1.1, 1.2, 1.3, 1.2, 1.1, 0.9, 0.8, 0.6])
"""Use of the hours of a day over their mean, roughly."""


@dataclass
class Lines:
    """The lifelines' streams by code, and a pen for their history."""

    streams: dict[str, int] = field(default_factory=dict)
    people: dict[str, PersonView] = field(default_factory=dict)
    _ids: ObservationIds = field(default_factory=lambda: ObservationIds(node=1, writer=7))
    _told_ids: ObservationIds = field(default_factory=lambda: ObservationIds(node=1, writer=8))

    def stand(self) -> "Lines":
        seed_registry()
        registry.ensure_demo_people(PASSWORD)
        sense.declare(PROJECT)
        views = sense.streams_of_project("lifelines")
        self.streams = {view.code.removeprefix("lifelines/"): view.datastream_id for view in views}
        self.people = {one.username: one for one in registry.people()}
        return self

    def read(
        self,
        code: str,
        *readings: tuple[datetime, float],
        quality: Quality = Quality.GOOD,
        told_at: datetime | None = None,
    ) -> None:
        """Write readings of a stream into the history, as they came just now unless another instant is given."""
        ids = self._ids if told_at is None else self._told_ids
        first, _ = ids.reserve(len(readings), now_us=to_us(told_at or datetime.now(UTC)))[0]
        rows = [
            (self.streams[code], at, first + number, value, int(quality)) for number, (at, value) in enumerate(readings)
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO sense_observation (datastream_id, phenomenon_time, id, result, quality, feature_id)"
                " VALUES (%s, %s, %s, %s, %s, 1)",
                rows,
            )

    def hours(self, code: str, of: Callable[[date, int], float], *, since: date, until: datetime) -> None:
        """Write a reading for every hour from a day on and before an instant."""
        count = int((until - midnight_of(since)).total_seconds() // 3600)
        moments = [midnight_of(since) + timedelta(hours=number) for number in range(count)]
        self.read(
            code,
            *((at, of(since + timedelta(days=number // 24), number % 24)) for number, at in enumerate(moments)),
        )

    def tell(self, code: str, value: float, *, at: datetime | None = None, told_at: datetime | None = None) -> None:
        """Write what a dispatcher told, for the day's midnight and just now unless other instants are given."""
        self.read(code, (at or midnight_of(DAY), value), quality=Quality.MANUAL, told_at=told_at)


@pytest.fixture
def lines(db: None) -> Lines:  # noqa: ARG001  the database
    return Lines().stand()
