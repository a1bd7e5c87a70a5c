"""Vendors' JSON and LoRaWAN uplinks, read by mappings: data files that say what stands where."""

from cityloop.convey.stream.mappings.found import FOLDER, Mappings
from cityloop.convey.stream.mappings.mapping import PROTOCOL_PREFIX, Mapping, MappingError
from cityloop.convey.stream.mappings.mouth import MOUTH, SUBJECTS, MappedMouth
from cityloop.convey.stream.mappings.reading import MappedMessage, MappedValue, UnfitError, read_message

__all__ = [
    "FOLDER",
    "MOUTH",
    "PROTOCOL_PREFIX",
    "SUBJECTS",
    "MappedMessage",
    "MappedMouth",
    "MappedValue",
    "Mapping",
    "MappingError",
    "Mappings",
    "UnfitError",
    "read_message",
]
