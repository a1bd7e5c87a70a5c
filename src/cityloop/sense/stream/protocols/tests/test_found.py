"""A protocol is one folder: found on disk, whole, with a port of its own."""

from pathlib import Path

import pytest

from cityloop.sense.stream.protocols import found
from cityloop.sense.stream.protocols.clocks import AGREE_US, NEAR_US, SteadyClock
from cityloop.sense.stream.protocols.found import protocol_names, protocols
from cityloop.sense.stream.protocols.port import Carrier

FOLDER = Path(found.__file__).parent


@pytest.mark.parametrize("name", protocol_names())
def test_a_protocol_is_a_folder_with_readme_and_tests(name: str) -> None:
    protocol = protocols()[name]
    assert protocol.code == name
    assert protocol.source.zh
    assert (protocol.port == 0) == (protocol.carrier is Carrier.POLLED_TCP)
    assert protocol.silent_s_max > 0
    assert (FOLDER / name / "README.md").read_text(encoding="utf-8").strip()
    assert list((FOLDER / name / "tests").glob("test_*.py"))


def test_no_two_protocols_want_the_same_port() -> None:
    ports = [protocol.port for protocol in protocols().values() if protocol.port]
    assert len(ports) == len(set(ports))


def test_a_clock_near_the_present_is_believed_at_once() -> None:
    assert SteadyClock().believes(NEAR_US, now_us=0)
    assert not SteadyClock().believes(NEAR_US + 1, now_us=0)


def test_a_clock_far_off_is_believed_when_it_stays_as_far_off() -> None:
    clock = SteadyClock()
    far = -10 * NEAR_US
    assert not clock.believes(far, now_us=0)
    assert clock.believes(far + AGREE_US, now_us=0)
    assert not clock.believes(far + 3 * AGREE_US, now_us=0)
