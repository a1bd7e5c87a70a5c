"""What devices publish, whichever way they say it: SensorThings Observations, or their vendor's JSON by mapping."""

from collections.abc import Sequence

from cityloop.convey.stream.jetstream import Fetch, Message
from cityloop.convey.stream.mappings import SUBJECTS, MappedMouth
from cityloop.convey.stream.mqtt import Decoded, MqttMouth
from cityloop.sense.stream.readings import concatenated


class Mouths:
    """Decodes fetches, each message by the mouth of its subject."""

    def __init__(self, observations: MqttMouth, mapped: MappedMouth) -> None:
        """Take both mouths."""
        self._observations, self._mapped = observations, mapped

    def decode(self, messages: Sequence[Message], *, received_us: int) -> Decoded:
        """Return the readings of a fetch; a message that cannot be read never stops its neighbours.

        Args:
            messages: in order.
            received_us: the present, microseconds since the Unix epoch.
        """
        fetch = Fetch.of(messages)
        mapped = [row for row, subject in enumerate(fetch.subjects) if subject.startswith(SUBJECTS)]
        if not mapped:
            return self._observations.decode(fetch, received_us=received_us)
        others = sorted(set(range(len(fetch))) - set(mapped))
        first = self._observations.decode(fetch.chosen(others), received_us=received_us)
        second = self._mapped.decode(fetch.chosen(mapped), received_us=received_us)
        return Decoded(
            concatenated([first.readings, second.readings]),
            [*first.message, *second.message],
            [*first.rejected, *second.rejected],
            first.answers,
        )
