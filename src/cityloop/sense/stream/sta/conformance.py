"""What the service root says: the entity sets and the requirements that tests of ours prove."""

import msgspec

from cityloop.sense.stream.sta.names import ENTITY_TYPES
from cityloop.sense.stream.sta.showing import BASE

_SPECIFICATION = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
_DATAMODEL = (
    "thing",
    "location",
    "historical-location",
    "datastream",
    "sensor",
    "observed-property",
    "observation",
    "feature-of-interest",
)
_REQUIREMENTS = (
    "datamodel/entity-control-information/common-control-information",
    *(f"datamodel/{entity}/{part}" for entity in _DATAMODEL for part in ("properties", "relations")),
    "resource-path/resource-path-to-entities",
    "request-data/status-code",
    "request-data/query-status-code",
    "request-data/order",
    "request-data/expand",
    "request-data/select",
    "request-data/orderby",
    "request-data/top",
    "request-data/skip",
    "request-data/count",
    "request-data/filter",
    "request-data/built-in-filter-operations",
    "request-data/built-in-query-functions",
    "request-data/pagination",
    "create-update-delete/create-entity",
    "create-update-delete/link-to-existing-entities",
    "create-update-delete/deep-insert",
    "create-update-delete/deep-insert-status-code",
    "create-update-delete/update-entity",
    "create-update-delete/update-entity-put",
    "create-update-delete/update-entity-jsonpatch",
    "create-update-delete/delete-entity",
    "create-update-delete/historical-location-auto-creation",
    "create-update-delete/historical-location-manual-creation",
    "batch-request/batch-request",
    "data-array/data-array",
    "create-observations-via-mqtt/observations-creation",
    "receive-updates-via-mqtt/receive-updates",
)
_TASKING = "http://www.opengis.net/spec/iot_tasking/1.0/req/"
_TASKING_REQUIREMENTS = (
    *(
        f"{entity}/{part}"
        for entity in ("tasking-capability", "task", "actuator")
        for part in ("properties", "relations")
    ),
    "create-tasks/task-creation",
    "receive-updates-via-mqtt/receive-updates",
)


def root_body() -> bytes:
    """Return the service root; `BASE` stands where the address of the service comes."""
    sets = [{"name": entity.collection, "url": f"{BASE}/{entity.collection}"} for entity in ENTITY_TYPES]
    conformance = [_SPECIFICATION + requirement for requirement in _REQUIREMENTS]
    conformance += [_TASKING + requirement for requirement in _TASKING_REQUIREMENTS]
    body = {"value": sets, "serverSettings": {"conformance": conformance}}
    return msgspec.json.encode(body).replace(b"\\u0001", BASE.encode())
