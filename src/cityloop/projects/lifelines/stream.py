"""The lifelines' door of the data plane: what can be played into their streams."""

from cityloop.projects.lifelines.rules.cold_wave import EASED_AT, ESTIMATED_AT, STREAMS, PlayedReadings, cold_wave

__all__ = ["EASED_AT", "ESTIMATED_AT", "STREAMS", "PlayedReadings", "cold_wave"]
