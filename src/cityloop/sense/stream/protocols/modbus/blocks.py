"""Which questions read all channels of a device: neighbours together, gaps never, for many devices refuse them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cityloop.sense.stream.protocols.modbus.channels import Channel
from cityloop.sense.stream.protocols.modbus.codec import BITS_MAX, REGISTERS_MAX, Block


@dataclass(frozen=True, slots=True)
class Reading:
    """A block and the channels within it."""

    block: Block
    channels: tuple[Channel, ...]


def readings_of(channels: Iterable[Channel]) -> Iterator[Reading]:
    """Return the questions that read some channels, in order of table and address."""
    run: list[Channel] = []
    for channel in sorted(set(channels)):
        if run and not _joins(run, channel):
            yield _reading(run)
            run = []
        run.append(channel)
    if run:
        yield _reading(run)


def _end(run: list[Channel]) -> int:
    return max(channel.address + channel.count for channel in run)


def _joins(run: list[Channel], channel: Channel) -> bool:
    most = BITS_MAX if channel.table.holds_bits else REGISTERS_MAX
    if channel.table is not run[0].table or channel.address > _end(run):
        return False
    return max(_end(run), channel.address + channel.count) - run[0].address <= most


def _reading(run: list[Channel]) -> Reading:
    first = run[0]
    return Reading(Block(first.table, first.address, _end(run) - first.address), tuple(run))
