"""Devices enter the ledger, come online and fall silent, are taken out, and every change is told."""

from datetime import timedelta
from typing import Any

import pytest

from cityloop.convey.facade import devices as facade
from cityloop.convey.facade.devices import Act, DeviceFilter, DeviceState
from cityloop.convey.models.devices import Arrival, Device, DeviceChange
from cityloop.convey.rules.sheet import ColumnsMissingError
from cityloop.convey.services.devices import (
    DatesInDisorderError,
    DeviceSilencedError,
    NoProtocolError,
    ReasonMissingError,
)
from cityloop.convey.services.devices_scan import FACTS_MAX
from cityloop.journal import facade as journal
from cityloop.kernel.errors import NotAllowedError, NotFoundError
from cityloop.kernel.facts import Fact
from cityloop.kernel.facts.conveyed import DeviceStateChanged, DeviceStatesChanged
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView

from .conftest import DEMO, NOON, asked, hear, later, row, sheet, take_in

People = dict[str, PersonView]
EAST, WEST = "demo-east-1", "demo-west-2"


def stream_of(code: str) -> int:
    return facade.channels_of(facade.device(code))[0].datastream_id


def told(kind: type[Fact]) -> list[Any]:
    return [entry.fact for entry in reversed(journal.newest_facts(kinds=(kind,), limit=100))]


def act(code: str, what: Act, who: PersonView, reason: str = "because", at: float = 0) -> facade.DeviceView:
    return facade.act_on_device(code, what, reason=reason, person=who, now=later(at))


def valid_keys() -> int:
    return sum(
        token.revoked_at is None and (token.expires_at is None or token.expires_at > NOON)
        for code in (EAST, WEST)
        for token in facade.credentials_of(facade.device(code))
    )


def test_declared_things_are_in_the_ledger_by_themselves_and_say_that_they_are_simulated(city: People) -> None:  # noqa: ARG001
    east = facade.device(EAST)
    assert (east.state, east.origin, east.organisation) == (DeviceState.TESTED, "simulated", "water-group")
    assert (east.area, east.period_s, east.project) == ("110105", 10.0, "demo")
    assert [channel.name for channel in facade.channels_of(east)] == ["east.1.pressure"]
    assert facade.enter_declared("demo", now=later(1)) == 0
    assert Device.objects.count() == len(DEMO.things)


def test_a_device_comes_online_by_its_first_reading_and_offline_after_three_periods(city: People) -> None:  # noqa: ARG001
    hear(stream_of(EAST), later(0))
    assert facade.scan_devices(later(1)) == 1
    assert facade.device(EAST).state is DeviceState.ONLINE
    assert facade.scan_devices(later(29)) == 0
    assert facade.scan_devices(later(31)) == 1
    east = facade.device(EAST)
    assert (east.state, east.last_heard_at, east.state_since) == (DeviceState.OFFLINE, later(0), later(31))
    hear(stream_of(EAST), later(40))
    assert facade.scan_devices(later(41)) == 1
    assert [change.state for change in facade.changes_of(facade.device(EAST))] == [
        "online",
        "offline",
        "online",
        "tested",
    ]


def test_a_device_that_reports_all_the_time_is_never_offline(city: People) -> None:  # noqa: ARG001
    for seconds in range(0, 300, 5):
        hear(stream_of(EAST), later(seconds))
        facade.scan_devices(later(seconds + 1))
    assert DeviceChange.objects.filter(device__code=EAST, state_to="offline").count() == 0


def test_a_sign_of_life_in_its_protocol_counts_as_well_as_a_reading(city: People) -> None:  # noqa: ARG001
    Device.objects.filter(code=WEST).update(last_heard_at=later(0))
    assert facade.scan_devices(later(1)) == 1
    assert facade.device(WEST).state is DeviceState.ONLINE


def test_what_nobody_has_accepted_is_not_online_but_waits_for_acceptance(city: People) -> None:
    take_in(sheet(row("NEW")))
    hear(stream_of("NEW"), later(0))
    assert facade.scan_devices(later(1)) == 0
    assert facade.device("NEW").state is DeviceState.REGISTERED
    wish = DeviceFilter(needs="acceptance")
    page = facade.ledger_page(city["operator"], wish, now=NOON, after=0, limit=10, silent=5)
    assert [device.code for device in page.devices] == ["NEW"]
    act("NEW", Act.TEST, city["operator"], at=2)
    facade.scan_devices(later(3))
    assert facade.device("NEW").state is DeviceState.ONLINE


def test_a_device_in_maintenance_stays_there_whatever_it_sends(city: People) -> None:
    act(EAST, Act.MAINTAIN, city["operator"])
    hear(stream_of(EAST), later(0))
    assert facade.scan_devices(later(1)) == 0
    act(EAST, Act.RESTORE, city["operator"], reason="", at=2)
    assert facade.scan_devices(later(3)) == 1


def test_every_act_is_a_fact_and_stands_in_the_audit(city: People) -> None:
    act(EAST, Act.MAINTAIN, city["water.data"], reason="new membrane")
    (fact,) = told(DeviceStateChanged)
    assert (fact.device, fact.state_before, fact.state, fact.reason) == (EAST, "tested", "maintenance", "new membrane")
    assert (fact.actor, fact.area) == (city["water.data"].actor, "110105")
    assert registry.audit_entries(limit=1)[0].what == f"device {EAST}: maintain"


def test_a_mass_outage_is_one_fact_and_each_change_stands_in_the_ledger(city: People) -> None:
    take_in(sheet(*[row(f"M-{number}", channel=f"c{number}") for number in range(FACTS_MAX + 5)]))
    Device.objects.filter(code__startswith="M-").update(state="online", last_heard_at=later(0))
    assert facade.scan_devices(later(1000)) == FACTS_MAX + 5
    (fact,) = told(DeviceStatesChanged)
    assert (fact.went_offline, fact.came_online) == (FACTS_MAX + 5, 0)
    assert fact.devices.startswith("M-0, M-1")
    assert DeviceChange.objects.filter(state_to="offline").count() == FACTS_MAX + 5
    assert city


@pytest.mark.parametrize("what", [Act.MAINTAIN, Act.QUARANTINE, Act.RETIRE])
def test_what_takes_a_device_out_needs_a_reason(city: People, what: Act) -> None:
    for reason in ("", "  ", "x" * 301):
        with pytest.raises(ReasonMissingError):
            act(EAST, what, city["operator"], reason=reason)


def test_a_key_is_shown_once_and_lets_the_device_speak(city: People) -> None:
    key = facade.issue_credential(EAST, person=city["water.data"], now=NOON)
    (token,) = facade.credentials_of(facade.device(EAST))
    assert (token.may_write, token.may_read, token.organisation) == (True, False, "water-group")
    assert key not in str(asked("SELECT * FROM registry_apitoken"))
    assert registry.audit_entries(limit=1)[0].what == f"device {EAST}: key issued"


def test_a_replaced_key_stays_valid_for_its_time_of_grace(city: People) -> None:
    facade.issue_credential(EAST, person=city["operator"], now=NOON)
    facade.issue_credential(EAST, person=city["operator"], now=NOON)
    new, old = facade.credentials_of(facade.device(EAST))
    assert new.expires_at is None
    assert old.expires_at == NOON + timedelta(days=7)
    facade.issue_credential(EAST, person=city["operator"], now=NOON + timedelta(days=1))
    assert [key.expires_at for key in facade.credentials_of(facade.device(EAST))] == [
        None,
        NOON + timedelta(days=8),
        NOON + timedelta(days=7),
    ]


def test_revoked_keys_end_at_once(city: People) -> None:
    facade.issue_credential(EAST, person=city["operator"], now=NOON)
    assert facade.revoke_credentials(EAST, person=city["operator"]) == 1
    assert valid_keys() == 0


def test_a_quarantined_device_may_not_speak_until_it_is_released(city: People) -> None:
    facade.issue_credential(EAST, person=city["operator"], now=NOON)
    facade.issue_credential(EAST, person=city["operator"], now=NOON)
    act(EAST, Act.QUARANTINE, city["operator"])
    assert valid_keys() == 0
    with pytest.raises(DeviceSilencedError):
        facade.issue_credential(EAST, person=city["operator"], now=NOON)
    act(EAST, Act.RELEASE, city["operator"], at=1)
    assert valid_keys() == 1
    assert facade.device(EAST).state is DeviceState.REGISTERED


def test_a_retired_device_never_speaks_again(city: People) -> None:
    facade.issue_credential(EAST, person=city["operator"], now=NOON)
    act(EAST, Act.RETIRE, city["operator"])
    assert valid_keys() == 0
    with pytest.raises(DeviceSilencedError):
        facade.issue_credential(EAST, person=city["operator"], now=NOON)


def test_a_secret_is_for_devices_with_a_protocol(city: People) -> None:
    take_in(sheet(row("H", protocol="hj212", address="88", secret="123456")))
    assert facade.device("H").has_secret
    facade.set_protocol_secret("H", "", person=city["operator"])
    assert not facade.device("H").has_secret
    with pytest.raises(NoProtocolError):
        facade.set_protocol_secret(EAST, "1", person=city["operator"])


def test_a_calibration_is_noted_and_is_due_after_it_was_done(city: People) -> None:
    day = NOON.date()
    facade.note_calibration(EAST, calibrated_on=day, due_on=day + timedelta(days=365), person=city["operator"])
    assert facade.device(EAST).calibration_due_on == day + timedelta(days=365)
    with pytest.raises(DatesInDisorderError):
        facade.note_calibration(EAST, calibrated_on=day, due_on=day, person=city["operator"])


@pytest.mark.parametrize("who", ["air.data", "assessor", "duty1", "water", "chaoyang.duty"])
def test_who_may_not_manage_a_device_is_refused_and_audited(city: People, who: str) -> None:
    with pytest.raises(NotAllowedError):
        act(EAST, Act.MAINTAIN, city[who])
    with pytest.raises(NotAllowedError):
        facade.issue_credential(EAST, person=city[who], now=NOON)
    with pytest.raises(NotAllowedError):
        facade.revoke_credentials(EAST, person=city[who])
    assert registry.audit_entries(limit=1)[0].outcome == "denied"


@pytest.mark.parametrize(
    ("who", "seen"),
    [("operator", {EAST, WEST}), ("chaoyang.duty", {EAST}), ("water.data", {EAST, WEST}), ("air.data", set())],
)
def test_each_sees_the_devices_of_the_own_district_and_organisation(city: People, who: str, seen: set[str]) -> None:
    page = facade.ledger_page(city[who], DeviceFilter(), now=NOON, after=0, limit=10, silent=5)
    assert {device.code for device in page.devices} == seen
    assert {point.code for point in page.points} == seen
    assert sum(page.counts.values()) == page.number == len(seen)
    assert sum(tally.devices for tally in facade.tallies(city[who], by="area", now=NOON)) == len(seen)
    for code in {EAST, WEST} - seen:
        with pytest.raises(NotAllowedError):
            facade.device(code, person=city[who])


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({"text": "east"}, {EAST}),
        ({"text": "水泵west"}, {WEST}),
        ({"area": "110105"}, {EAST}),
        ({"project": "demo", "state": "tested"}, {EAST, WEST}),
        ({"state": "retired"}, set()),
        ({"vendor": "Acme"}, set()),
        ({"needs": "calibration"}, {EAST}),
        ({"needs": "clock"}, {WEST}),
        ({"needs": "quarantine"}, {WEST}),
    ],
)
def test_devices_are_found_by_what_is_asked(city: People, wish: dict[str, str], found: set[str]) -> None:
    Device.objects.filter(code=EAST).update(calibration_due_on=NOON.date() - timedelta(days=1))
    Device.objects.filter(code=WEST).update(clock_skew_s=-301, impossible_count=100)
    page = facade.ledger_page(city["operator"], DeviceFilter(**wish), now=NOON, after=0, limit=10, silent=5)
    assert {device.code for device in page.devices} == found


def test_the_top_list_begins_with_whoever_is_silent_longest(city: People) -> None:
    Device.objects.filter(code=EAST).update(state="offline", last_heard_at=later(-50))
    Device.objects.filter(code=WEST).update(state="offline", last_heard_at=later(-90))
    page = facade.ledger_page(city["operator"], DeviceFilter(), now=NOON, after=0, limit=10, silent=5)
    assert [device.code for device in page.silent] == [WEST, EAST]


def test_arrivals_are_counted_against_what_was_promised(city: People) -> None:
    Device.objects.filter(code=EAST).update(state="online")
    assert facade.count_arrivals(later(0)) == 1
    row_kept = Arrival.objects.get()
    assert (row_kept.expected, row_kept.received, row_kept.project) == (30.0, 0, "demo")
    assert row_kept.since == later(-600)
    assert facade.count_arrivals(later(1)) == 1
    assert Arrival.objects.count() == 1
    (tally,) = facade.tallies(city["operator"], by="project", now=NOON)
    assert (tally.key, tally.devices, tally.in_service, tally.online) == ("demo", 2, 1, 1)
    assert (tally.online_percent, tally.arrival_percent) == (100.0, 0.0)
    facade.count_arrivals(later(49 * 3600))
    assert not Arrival.objects.filter(since=later(-600)).exists()


def test_a_list_makes_things_streams_channels_and_keys(city: People) -> None:  # noqa: ARG001
    gcj = {"longitude": "116.456", "latitude": "39.921", "datum": "gcj-02"}
    result = take_in(sheet(row("A", vendor="Acme", model="X1", valid_max="1.6", **gcj), row("A", channel="q", **gcj)))
    assert [(one.code, one.lines) for one in result.made] == [("A", (2, 3))]
    found = facade.device("A")
    assert found.longitude == pytest.approx(116.456 - 0.0062, abs=1e-3)
    assert asked("SELECT code, owner FROM sense_thing WHERE id = %s", found.thing_id) == [("device/A", "water-group")]
    streams = "SELECT unit_symbol, area, d.owner, period_s FROM sense_datastream d WHERE thing_id = %s"
    assert asked(streams, found.thing_id) == [("MPa", "110105", "water-group", 60.0)] * 2
    latest = "SELECT count(*) FROM sense_latest l JOIN sense_datastream d ON d.id = datastream_id WHERE thing_id = %s"
    assert asked(latest, found.thing_id) == [(2,)]
    assert [(one.name, one.valid_max) for one in facade.channels_of(found)] == [("p", 1.6), ("q", None)]
    assert len(facade.credentials_of(found)) == 1


def test_what_is_wrong_in_a_list_is_reported_row_by_row_and_holds_up_nothing(city: People) -> None:  # noqa: ARG001
    outside = {"longitude": "121.47", "latitude": "31.23"}
    data = sheet(row("A"), row("B", unit="furlong"), row("C", **outside), row(EAST))
    result = take_in(data)
    assert [one.code for one in result.made] == ["A"]
    report = facade.import_of(result.import_id)
    assert [(told.line, told.made, told.column) for told in report.rows] == [
        (2, True, ""),
        (3, False, "unit"),
        (4, False, "longitude"),
        (5, False, "code"),
    ]
    assert (report.made, report.refused) == (1, 3)


def test_all_or_none_makes_nothing_where_anything_is_wrong(city: People) -> None:  # noqa: ARG001
    result = take_in(sheet(row("A"), row("B", unit="furlong")), all_or_none=True)
    assert result.made == ()
    assert len(result.refusals) == 2
    with pytest.raises(NotFoundError):
        facade.device("A")


def test_an_owner_enters_devices_of_the_own_organisation_only(city: People) -> None:
    result = take_in(sheet(row("A"), row("B", organisation="heat-group")), person=city["water.data"])
    assert [one.code for one in result.made] == ["A"]
    assert [one.code for one in result.refusals] == ["B"]


def test_a_list_without_its_columns_is_refused_whole(city: People) -> None:  # noqa: ARG001
    with pytest.raises(ColumnsMissingError):
        take_in(b"code\n1")
