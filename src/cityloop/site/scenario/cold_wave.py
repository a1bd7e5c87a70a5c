"""The cold wave of January 2010: gas runs short, upstream is asked, demand is cut, the curve comes back.

The figures are computed by the product's own rules from the readings that are played; the steps of the request and the
cut are taken by the demo's people, with their rights, and recorded as theirs.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from gettext import gettext as _
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.errors import NotFoundError
from cityloop.projects.lifelines.stream import ESTIMATED_AT, PlayedReadings, cold_wave
from cityloop.site.configuration import Configuration
from cityloop.site.language import words
from cityloop.site.scenario.guide import Guide
from cityloop.site.scenario.playing import await_kept, label_streams, play

NAME = "cold-wave"
RELIEF_SEEN_AT = datetime(2010, 1, 6, 10, tzinfo=CITY_ZONE)
ENDS_AT = datetime(2010, 1, 7, tzinfo=CITY_ZONE)
ASKED, GRANTED, CUT = 800.0, 300.0, 200.0
"""Asked of upstream (the published gap), granted (the field raised from 40 to 43 million m3, as published), cut by the
demand-side plan (assumed), 10^4 m3 a day."""

DISPATCHER, LEADER, OFFICER = "gas", "leader", "duty1"
"""Who acts: the gas company's dispatcher, the city leader, the duty officer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where the scenario plays.

    Attributes:
        configuration: of the city.
        guide: says what happens.
        stop: set from outside to end.
        write_brief: writes the brief of an instant in a language and returns the file's name.
    """

    configuration: Configuration
    guide: Guide
    stop: threading.Event
    write_brief: Callable[[datetime, str], str]


def run(scene: Scene) -> None:
    """Play the scenario from its first reading to the brief of the day after; Django is set up already.

    Raises:
        CityloopError: if the readings do not arrive, or a step is refused.
    """
    readings = cold_wave()
    _play_until_ten(scene, readings)
    _show_gap(scene)
    request_id = _ask_upstream(scene)
    reduction_id = _cut_demand(scene)
    _play_the_rest(scene, readings)
    _deliver_and_close(scene, request_id, reduction_id)
    _show_briefs(scene)


def _play_until_ten(scene: Scene, readings: PlayedReadings) -> None:
    guide = scene.guide
    guide.step(_("Two winters of gas, up to 5 January 2010, 10:00"))
    guide.say(_("A scenario, not a recording: reconstructed from published day figures; the hours are made by rule "
                "from a seed. Every reading is marked so."))  # fmt: skip
    label_streams()
    sent = play(readings.between(None, ESTIMATED_AT), scene.configuration, scenario=NAME, stop=scene.stop)
    await_kept(lambda: _day(ESTIMATED_AT).arrived_percent.value == 100.0)  # noqa: PLR2004  every reading
    guide.say(_("%(count)s readings were sent through MQTT at their own times and acknowledged.") % {"count": sent})


def _show_gap(scene: Scene) -> None:
    guide, day = scene.guide, _day(ESTIMATED_AT)
    guide.step(_("The daily sheet at 10:00: the full day is estimated from ten hours"))
    told = {
        _("planned for the day"): day.planned, _("used yesterday"): day.yesterday,
        _("full-day estimate"): day.estimate, _("supply"): day.supply, _("gap"): day.gap,
    }  # fmt: skip
    for name, figure in told.items():
        guide.say(f"{name}: {_amount(figure)}")
    level = words(day.level.colour) if day.level else _("none")
    guide.say(_("level: %(level)s") % {"level": level})
    guide.look(f"/projects/lifelines/sheet/?at={_written(ESTIMATED_AT)}")
    guide.look(f"/projects/lifelines/brief/?at={_written(ESTIMATED_AT)}")


def _ask_upstream(scene: Scene) -> int:
    facade, guide = _lifelines(), scene.guide
    guide.step(_("A request to upstream: drafted by the gas company with the curve of 10:00 frozen into it"))
    gas, picture = _person(DISPATCHER), facade.picture_of_line(facade.Line.GAS, ESTIMATED_AT)
    wish = facade.Wish(
        quantity=ASKED, begins_at=ESTIMATED_AT + timedelta(hours=4), ends_at=ENDS_AT,
        reason=_("Cold wave: the full-day estimate lies far above the supply, and line-pack is falling (scenario)."),
        legal_basis=_("Supply plan of level 1 (scenario)"), party_name=_("Upstream gas supplier (scenario)"),
        party_contact=_("Dispatch room"),
    )  # fmt: skip
    request_id: int = facade.draft_request(
        facade.Line.GAS, wish, picture, person=gas, token=uuid4(), now=datetime.now(UTC)
    )
    guide.look(f"/projects/lifelines/requests/{request_id}/")
    guide.step(_("The city leader approves, for the gap is orange; the company sends it; upstream grants a part"))
    steps = facade.RequestStep
    _step(request_id, steps.APPROVE, LEADER)
    _step(request_id, steps.SEND, DISPATCHER)
    due_at = facade.request_for(gas, request_id).due_at
    guide.say(_("An answer is due at %(at)s.") % {"at": due_at.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")})
    answer = _("The gas field is raised from 40 to 43 million m³ a day; storage withdraws at its maximum.")
    _step(request_id, steps.ACCEPT_PARTLY, DISPATCHER, note=answer, quantity=GRANTED,
          answered_by=_("Upstream gas supplier (scenario)"))  # fmt: skip
    guide.say(answer)
    guide.look(f"/projects/lifelines/requests/{request_id}/")
    return request_id


def _cut_demand(scene: Scene) -> int:
    facade, guide = _lifelines(), scene.guide
    guide.step(_("What upstream does not give is cut from demand: interruptible users first, protected users never"))
    gas, now = _person(DISPATCHER), datetime.now(UTC)
    _ensure_users(gas, now)
    begins_at = now + timedelta(hours=4)
    reduction_id: int = facade.propose_reduction(
        facade.Line.GAS, facade.picture_of_line(facade.Line.GAS, ESTIMATED_AT), gap=CUT, begins_at=begins_at,
        ends_at=begins_at + timedelta(days=1), reason=_("Cold wave: the rest of the gap (scenario)"), person=gas,
        token=uuid4(), now=now,
    )  # fmt: skip
    for step, account in ((facade.ReductionStep.APPROVE, LEADER), (facade.ReductionStep.PUT_IN_FORCE, DISPATCHER)):
        _reduction_step(reduction_id, step, account)
    for cut in facade.cuts_of(reduction_id):
        guide.say(f"{cut.user.name}: {cut.quantity:,.0f} {facade.MAKES[facade.Line.GAS].unit}")
    guide.look(f"/projects/lifelines/reductions/{reduction_id}/")
    return reduction_id


def _play_the_rest(scene: Scene, readings: PlayedReadings) -> None:
    guide = scene.guide
    guide.step(_("The afternoon and the next day: more comes in, less is used"))
    play(readings.between(ESTIMATED_AT, None), scene.configuration, scenario=NAME, stop=scene.stop)
    await_kept(lambda: _day(RELIEF_SEEN_AT).arrived_percent.value == 100.0)  # noqa: PLR2004  every reading
    day = _day(RELIEF_SEEN_AT)
    figures = {"estimate": _amount(day.estimate), "supply": _amount(day.supply), "gap": _amount(day.gap)}
    guide.say(_("6 January, 10:00: full-day estimate %(estimate)s, supply %(supply)s, gap %(gap)s.") % figures)
    guide.look(f"/projects/lifelines/sheet/?at={_written(RELIEF_SEEN_AT)}")


def _deliver_and_close(scene: Scene, request_id: int, reduction_id: int) -> None:
    facade, guide = _lifelines(), scene.guide
    guide.step(_("What came is noted, the request is closed by the duty room, the cut is lifted"))
    steps = facade.RequestStep
    _step(request_id, steps.NOTE_DELIVERY, DISPATCHER, quantity=GRANTED, day=RELIEF_SEEN_AT.date())
    _step(request_id, steps.FINISH_DELIVERY, DISPATCHER)
    _step(request_id, steps.CLOSE, OFFICER, note=_("The gap is closed (scenario)."))
    _reduction_step(reduction_id, facade.ReductionStep.LIFT, DISPATCHER, note=_("The gap is closed (scenario)."))
    closed = facade.request_for(_person(OFFICER), request_id)
    guide.say(f"{closed.number}: {words(facade.STATE_TITLES[closed.state])}")
    guide.look(f"/projects/lifelines/requests/{request_id}/")


def _show_briefs(scene: Scene) -> None:
    guide = scene.guide
    guide.step(_("The morning brief in both languages, its figures those of the sheet"))
    for language in ("zh", "en"):
        guide.say(scene.write_brief(ESTIMATED_AT, language))
    guide.say(_("The end of the scenario. What everybody may see of the lifelines today:"))
    guide.look("/lifelines/")


def _ensure_users(person: Any, now: datetime) -> None:
    """Give the gas line a list of users where it has none."""
    facade = _lifelines()
    kinds, known = facade.UserKind, facade.user_list(facade.Line.GAS)
    if known.users:
        return
    named = (
        (_("Chemical works (scenario)"), kinds.INTERRUPTIBLE, 150.0, 120.0),
        (_("Glass works (scenario)"), kinds.INTERRUPTIBLE, 90.0, 60.0),
        (_("Peaking station (scenario)"), kinds.PEAKING_PLANT, 300.0, 250.0),
        (_("Heating of homes (scenario)"), kinds.HOME_HEATING, 2600.0, 0.0),
        (_("Hospitals (scenario)"), kinds.HOSPITAL, 60.0, 0.0),
    )
    users = [
        facade.LineUser(
            position=place, name=name, kind=kind, use=use, quantity=quantity, heat_bound=0.0, notice_hours=2.0,
            basis=_("made for the scenario"),
        )
        for place, (name, kind, use, quantity) in enumerate(named, start=1)
    ]  # fmt: skip
    facade.change_user_list(
        facade.Line.GAS, users, unit=facade.MAKES[facade.Line.GAS].unit, note=_("made for the scenario"),
        person=person, expected_version=known.version, now=now,
    )  # fmt: skip


def _step(request_id: int, step: Any, account: str, **brought: Any) -> None:
    facade, person = _lifelines(), _person(account)
    version = facade.request_for(person, request_id).version
    changes = facade.StepChanges(token=uuid4(), **brought)
    facade.take_request_step(request_id, step, changes, person=person, version=version, now=datetime.now(UTC))


def _reduction_step(reduction_id: int, step: Any, account: str, *, note: str = "") -> None:
    facade, person = _lifelines(), _person(account)
    version = facade.reduction_for(person, reduction_id).version
    facade.take_reduction_step(
        reduction_id, step, person=person, token=uuid4(), version=version, note=note, now=datetime.now(UTC)
    )


def _person(account: str) -> Any:
    from cityloop.registry.facade import people  # noqa: PLC0415  Django is set up first

    for person in people(text=account):
        if person.username == account:
            return person
    raise NotFoundError(what=account)


def _lifelines() -> Any:
    from cityloop.projects.lifelines import facade  # noqa: PLC0415  Django is set up first

    return facade


def _day(at: datetime) -> Any:
    facade = _lifelines()
    return facade.line_day(facade.Line.GAS, at)


def _amount(figure: Any) -> str:
    return "–" if figure.value is None else f"{figure.value:,.{figure.decimals}f} {figure.unit}"


def _written(at: datetime) -> str:
    return quote(at.isoformat(), safe=":")
