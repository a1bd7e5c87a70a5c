"""The life of a device: its states, and which act leads from which to which."""

import re
from enum import StrEnum

from cityloop.kernel.errors import CityloopError
from cityloop.kernel.text import Text

CODE_CHARACTERS_MAX = 60
"""Longest code of a device, characters."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]+")

RESERVED_CODES = frozenset({"server", "wire", "device", "callout", "system", "import"})
"""Names the transport knows by itself, and the page of lists."""


class DeviceState(StrEnum):
    """Where a device stands in its life."""

    REGISTERED = "registered"
    TESTED = "tested"
    ONLINE = "online"
    OFFLINE = "offline"
    MAINTENANCE = "maintenance"
    QUARANTINED = "quarantined"
    RETIRED = "retired"

    @property
    def words(self) -> Text:
        """Return the state in words."""
        return _STATES[self]


_STATES = {
    DeviceState.REGISTERED: Text("已登记", "registered"),
    DeviceState.TESTED: Text("已验收", "tested"),
    DeviceState.ONLINE: Text("在线", "online"),
    DeviceState.OFFLINE: Text("离线", "offline"),
    DeviceState.MAINTENANCE: Text("检修", "maintenance"),
    DeviceState.QUARANTINED: Text("已隔离", "quarantined"),
    DeviceState.RETIRED: Text("已退役", "retired"),
}

SILENCED = frozenset({DeviceState.QUARANTINED, DeviceState.RETIRED})
"""States in which a device may not speak, on no path."""

IN_SERVICE = frozenset({DeviceState.ONLINE, DeviceState.OFFLINE})
"""States that count in the online rate: what nobody has accepted, and what is being repaired, does not."""


class Act(StrEnum):
    """What is done to a device, by a person or, the last two, by the periodic look at what has been heard."""

    TEST = "test"
    MAINTAIN = "maintain"
    RESTORE = "restore"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    RETIRE = "retire"
    HEARD = "heard"
    SILENT = "silent"

    @property
    def words(self) -> Text:
        """Return the act in words."""
        return _ACTS[self]


_ACTS = {
    Act.TEST: Text("验收通过", "accept after the test"),
    Act.MAINTAIN: Text("转入检修", "take into maintenance"),
    Act.RESTORE: Text("检修结束", "end the maintenance"),
    Act.QUARANTINE: Text("隔离", "quarantine"),
    Act.RELEASE: Text("解除隔离", "release from quarantine"),
    Act.RETIRE: Text("退役", "retire"),
    Act.HEARD: Text("收到数据", "data came in"),
    Act.SILENT: Text("超时无数据", "no data in time"),
}

_S = DeviceState
_ACCEPTED = frozenset({_S.TESTED, _S.ONLINE, _S.OFFLINE})
_ANYWHERE = frozenset(DeviceState) - {_S.RETIRED}

STEPS: dict[Act, tuple[frozenset[DeviceState], DeviceState]] = {
    Act.TEST: (frozenset({_S.REGISTERED}), _S.TESTED),
    Act.MAINTAIN: (_ACCEPTED, _S.MAINTENANCE),
    Act.RESTORE: (frozenset({_S.MAINTENANCE}), _S.TESTED),
    Act.QUARANTINE: (_ANYWHERE - {_S.QUARANTINED}, _S.QUARANTINED),
    Act.RELEASE: (frozenset({_S.QUARANTINED}), _S.REGISTERED),
    Act.RETIRE: (_ANYWHERE, _S.RETIRED),
    Act.HEARD: (frozenset({_S.TESTED, _S.OFFLINE}), _S.ONLINE),
    Act.SILENT: (frozenset({_S.ONLINE}), _S.OFFLINE),
}
"""Of each act the states it starts from and the one it leads to.

After a repair a device counts again from its first reading; after a quarantine it must be tested anew.
"""

PEOPLES_ACTS = tuple(act for act in Act if act not in {Act.HEARD, Act.SILENT})
"""What people do, in the order in which it is offered."""


class StepNotPossibleError(CityloopError):
    """An act does not start from the state a device is in."""

    key = "A device that is %(state)s cannot go this way: %(act)s."
    status = 409


class DeviceCodeError(CityloopError):
    """A code cannot be a device's."""

    key = "The code %(code)s cannot be a device's: at most 60 letters, digits, - and _, and no name the platform uses."


def state_after(state: DeviceState, act: Act) -> DeviceState:
    """Return the state an act leads to.

    Raises:
        StepNotPossibleError: if it does not start from this state.
    """
    starts, ends = STEPS[act]
    if state not in starts:
        raise StepNotPossibleError(state=state.words, act=act.words)
    return ends


def acts_from(state: DeviceState) -> tuple[Act, ...]:
    """Return what people can do to a device in a state."""
    return tuple(act for act in PEOPLES_ACTS if state in STEPS[act][0])


def checked_code(code: str) -> str:
    """Return a device code as given.

    Raises:
        DeviceCodeError: if it does not fit into a topic of the transport, or is taken by the transport itself.
    """
    if not _CODE.fullmatch(code) or code.lower() in RESERVED_CODES:
        raise DeviceCodeError(code=code[:CODE_CHARACTERS_MAX], field="code")
    return code


def code_of_thing(project: str, thing: str) -> str:
    """Return the code of the device that a declared thing is, as a topic can hold it."""
    return _FOREIGN.sub("-", f"{project}-{thing}").strip("-")[:CODE_CHARACTERS_MAX]
