"""Which device protocols are switched on, and where each listens."""

import pytest

from cityloop.convey.stream.gateway import Intake, Refusals
from cityloop.sense.stream.protocols.found import protocols
from cityloop.site.configuration import Configuration, ConfigurationError
from cityloop.site.gateway import openings_of
from cityloop.site.processes import city_children


def names(configuration: Configuration) -> set[str]:
    return {child.name for child in city_children(configuration, listener_number=3)}


def test_every_protocol_can_be_switched_on() -> None:
    codes = ",".join(protocols())
    openings = openings_of(Configuration(gateways=f" {codes} ,"))
    assert {opening.protocol.code: opening.port for opening in openings} == {
        code: protocol.port for code, protocol in protocols().items()
    }


def test_a_port_behind_a_colon_takes_the_place_of_the_usual_one() -> None:
    (opening,) = openings_of(Configuration(gateways="hj212:7001"))
    assert opening.port == 7001


@pytest.mark.parametrize("gateways", ["telex", "hj212:x", "hj212:70000", "hj212:²", ":80"])
def test_what_cannot_be_switched_on_is_told(gateways: str) -> None:
    with pytest.raises(ConfigurationError, match="gateways"):
        openings_of(Configuration(gateways=gateways))


def test_the_gateway_is_a_process_only_where_something_is_switched_on() -> None:
    assert "gateway" in names(Configuration(gateways="hj212"))
    assert "gateway" not in names(Configuration())


def test_counts_are_one_line_for_the_log() -> None:
    intake = Intake(None, None, Refusals(None))  # type: ignore[arg-type]  # nothing is taken in here
    intake.of("hj212").refused["garbage"] += 2
    assert "refused {'garbage': 2}" in intake.of("hj212").line()
