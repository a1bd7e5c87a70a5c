"""A reading that a person enters takes the pipeline's way, says who entered it, and is kept or refused aloud."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from cityloop.kernel.instants import to_us
from cityloop.kernel.quality import Quality
from cityloop.sense import facade
from cityloop.sense.services import entering
from cityloop.sense.stream.readings import Kept, Outcome, Readings

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)


class RecordingMouth:
    """Takes readings and answers as it is told."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.taken = outcome, list[Readings]()

    def __call__(self, readings: Readings) -> Kept:
        self.taken.append(readings)
        return Kept(np.array([17], dtype=np.int64), np.array([self.outcome], dtype=np.uint8))


def _entered(monkeypatch: pytest.MonkeyPatch, mouth: RecordingMouth | None, value: float = 4.5, note: str = "") -> int:
    monkeypatch.setattr(entering, "_mouths", [])
    if mouth is not None:
        facade.bind_mouth(mouth)
    return facade.enter_reading(3, at=NOW, value=value, actor="person:1", note=note, now=NOW)


def test_it_is_marked_manual_and_says_who_entered_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mouth = RecordingMouth(Outcome.KEPT)
    assert _entered(monkeypatch, mouth, note="by telephone") == 17
    (readings,) = mouth.taken
    assert readings.quality.tolist() == [Quality.MANUAL]
    assert (readings.datastream_id[0], readings.result[0], readings.phenomenon_us[0]) == (3, 4.5, to_us(NOW))
    told = readings.others[0].parameters_json
    assert told is not None
    assert json.loads(told) == {"entered_by": "person:1", "note": "by telephone"}


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN_DATASTREAM, Outcome.NOT_STORABLE])
def test_what_was_not_kept_is_said(monkeypatch: pytest.MonkeyPatch, outcome: Outcome) -> None:
    with pytest.raises(facade.NotKeptError):
        _entered(monkeypatch, RecordingMouth(outcome))


def test_nothing_is_entered_without_a_way_or_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(facade.NotKeptError):
        _entered(monkeypatch, None)
    mouth = RecordingMouth(Outcome.KEPT)
    with pytest.raises(facade.NotKeptError):
        _entered(monkeypatch, mouth, value=float("inf"))
    assert mouth.taken == []
