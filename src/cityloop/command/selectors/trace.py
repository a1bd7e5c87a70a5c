"""The causal trace: from any fact up to the readings it came from, and down to what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cityloop.command.rules.chain import address_of, counts
from cityloop.command.rules.words import QUALITY_TITLES, field_title, fields_of, page_of, title_of
from cityloop.command.selectors.sight import Sight
from cityloop.decide.facade import actor_names
from cityloop.journal import facade as journal
from cityloop.kernel.clocks import CITY_ZONE
from cityloop.kernel.facts import Fact, Ref, RefKind, fact_kind
from cityloop.kernel.facts.assessed import IndicatorValued
from cityloop.kernel.facts.responded import CaseStepped
from cityloop.kernel.levels import Level
from cityloop.kernel.quality import Quality
from cityloop.kernel.text import Text
from cityloop.registry.facade import PersonView, area_name
from cityloop.respond import facade as respond
from cityloop.sense import facade as sense

STEPS_MAX = 60
"""Steps of a chain shown in each direction; more are said to be left out."""
EFFECTS_OF_ONE_MAX = 20
AGGREGATE_SHOWN = 5
"""Facts of an aggregate shown in a chain; its own page lists them all."""
AGGREGATE_PAGE = 50
INDICATORS_LOOKED_AT = 400
"""Newest indicator values among which the one that counts a fact is looked for."""

_HIDDEN = {
    "alarm_id", "case_id", "case_number", "datastream_id", "first_observation_id", "handover_id",
    "last_observation_id", "latitude", "level", "longitude", "project", "signal_id", "thing_name", "title", "unit",
    "watch_code", "watch_version",
}  # fmt: skip
"""Fields that are said elsewhere in a step, or are mere row numbers."""

_NOT_HERE = Text("记录不在本节点（已清除或属其他节点）", "Fact not kept here (removed, or of another node)")
_BEYOND = Text("不在您的权限范围内，不予显示", "Not shown: it lies beyond your area or organisation")
_QUALITY = Text("质量标记", "Quality flag")
_CODES: dict[str, dict[str, Text]] = {
    "step": {str(code): title for code, title in respond.STEP_TITLES.items()},
    "state": {str(code): title for code, title in respond.STATE_TITLES.items()},
    "state_before": {str(code): title for code, title in respond.STATE_TITLES.items()},
}
"""Codes that are told in words."""

Value = Text | datetime | float | bool | str


@dataclass(frozen=True, slots=True)
class Detail:
    """One named value of a step."""

    title: Text
    value: Value
    unit: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """One step of a chain.

    Attributes:
        kind: `fact, observation, aggregate`, `gone` (what retention has removed, or another node keeps) or `withheld`
            (what the reader may not see).
        key: the fact's UUID, the observation's id, the aggregate's selector.
        link: its own page, empty where it has none.
        title: what happened.
        what: to what, None where that says nothing more.
        at: when, None where that is not known.
        actor: who, None where nobody is named.
        place: where, None where that is not known.
        level: severity, None where it has none.
        details: its numbers and words.
        among: of an aggregate: the first of its facts.
        count: of an aggregate: how many facts it counts.
    """

    kind: str
    key: str
    link: str
    title: Text
    what: Text | None = None
    at: datetime | None = None
    actor: Text | None = None
    place: Text | None = None
    level: Level | None = None
    details: tuple[Detail, ...] = ()
    among: tuple["TraceStep", ...] = ()
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A step with what it came from, oldest first, and what came of it, oldest first; whether steps were left out."""

    causes: tuple[TraceStep, ...]
    subject: TraceStep
    effects: tuple[TraceStep, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class AggregatePage:
    """A page of the facts an aggregate counts."""

    title: Text
    area: Text | None
    as_of: str
    count: int
    steps: tuple[TraceStep, ...]
    page: int
    pages: int


def _shown(name: str, value: object) -> Value | None:
    if isinstance(value, Text | datetime | bool):
        return value
    if name in _CODES and isinstance(value, str) and value in _CODES[name]:
        return _CODES[name][value]
    if isinstance(value, Level):
        return value.colour
    if isinstance(value, int | float):
        return float(value)
    text = str(value) if value is not None else ""
    if name in {"to", "consented_by"} and text:
        return actor_names([text])[text]
    return text or None


def _details_of(fact: Fact) -> tuple[Detail, ...]:
    unit = str(getattr(fact, "unit", ""))
    measured = {"value", "threshold", "target", "quantity", "granted"}
    found = []
    for name in fields_of(type(fact)):
        shown = None if name in _HIDDEN else _shown(name, getattr(fact, name))
        if shown is not None:
            found.append(Detail(field_title(name, type(fact)), shown, unit if name in measured else ""))
    if stream := getattr(fact, "datastream_id", None):
        views = sense.stream_views([stream])
        thing: Value = views[stream].thing_name if stream in views else getattr(fact, "thing_name", "")
        found.append(Detail(field_title("thing_name"), thing))
        found.append(Detail(field_title("datastream_id"), str(stream), link=f"/trace/stream/{stream}/"))
    if page := page_of(fact):
        found.append(Detail(page[0], str(getattr(fact, "number", page[1])), link=page[1]))
    if case := getattr(fact, "case_id", None):
        number = getattr(fact, "case_number", "") or str(case)
        found.append(Detail(field_title("case_id"), number, link=f"/cases/{case}/"))
    return tuple(found)


def _what(fact: Fact) -> Text | None:
    if isinstance(fact, CaseStepped):
        step = _CODES["step"].get(fact.step, Text(fact.step, fact.step))
        return Text(f"{fact.case_number} {step.zh}", f"{fact.case_number} {step.en}")
    return getattr(fact, "title", None)


def step_of_fact(fact: Fact) -> TraceStep:
    """Return a fact as a step."""
    kind = fact_kind(type(fact))
    level, what = getattr(fact, "level", None), _what(fact)
    return TraceStep(
        kind="fact", key=str(fact.fact_id), link=f"/trace/fact/{fact.fact_id}/", title=title_of(kind), what=what,
        at=fact.happened_at, actor=actor_names([fact.actor])[fact.actor], place=area_name(fact.area), level=level,
        details=_details_of(fact),
    )  # fmt: skip


def _seen_step(fact: Fact, sight: Sight) -> TraceStep:
    return step_of_fact(fact) if sight.of_fact(fact) else _withheld()


def _withheld() -> TraceStep:
    return TraceStep(kind="withheld", key="", link="", title=_BEYOND)


def _why_gone(observation_id: int) -> Text:
    if any(correction.after is None for correction in sense.corrections_of(observation_id)):
        return Text("读数（已被人工删除）", "Reading (deleted by hand)")
    if sense.removal_of(observation_id) is not None:
        return Text("读数（已按保存期限清除）", "Reading (removed by retention)")
    return Text("读数（此处没有，或由其他节点保存）", "Reading (not here, or another node keeps it)")


def _corrections(observation_id: int, unit: str) -> tuple[Detail, ...]:
    """Return what a reading was before it was changed: numbers made of it then can still be explained."""
    changed = [row for row in sense.corrections_of(observation_id) if row.after is not None]
    return tuple(Detail(_before(row.corrected_at), _result_before(row.before), unit) for row in changed)


def _before(corrected_at: datetime) -> Text:
    at = f"{corrected_at.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}"
    return Text(f"{at} 更正前的值", f"Value before the correction of {at}")


def _result_before(reading: dict[str, object]) -> str:
    number = reading.get("result")
    return str(reading.get("result_json") if number is None else number)


def step_of_observation(observation_id: int, sight: Sight) -> TraceStep:
    """Return a reading as a step; one that is no longer kept is said to be gone."""
    found = sense.observation(observation_id)
    if found is None:
        return _gone(str(observation_id), _why_gone(observation_id))
    stream = sense.stream_view(found.datastream_id)
    if not sight.of_area(stream.area):
        return _withheld()
    quality = () if found.quality is Quality.GOOD else (Detail(_QUALITY, QUALITY_TITLES[found.quality]),)
    return TraceStep(
        kind="observation", key=str(observation_id), link=f"/trace/observation/{observation_id}/",
        title=Text("读数", "Reading"), what=stream.title, at=found.phenomenon_time, place=area_name(stream.area),
        details=(
            Detail(field_title("value"), _result_of(found), stream.unit_symbol),
            Detail(Text("收到时间", "Received at"), found.received_at),
            *quality,
            *_corrections(observation_id, stream.unit_symbol),
            Detail(field_title("thing_name"), stream.thing_name),
            Detail(field_title("datastream_id"), stream.code, link=f"/trace/stream/{stream.datastream_id}/"),
        ),
    )  # fmt: skip


def _result_of(found: sense.ObservationView) -> Value:
    return found.value if found.value is not None else str(found.result)


def step_of_aggregate(ref: Ref, sight: Sight) -> TraceStep:
    """Return an aggregate as a step with the first of its facts; bare where the reader does not see what it counts."""
    kind = title_of(str(ref.parameters.get("kind", ref.key)))
    title = Text(f"统计自：{kind.zh}", f"Counted from: {kind.en}")
    if not address_of(ref) or not sight.of_aggregate(ref):
        return TraceStep(kind="aggregate", key=ref.key, link="", title=title)
    entries, count = journal.facts_of_aggregate(ref, limit=AGGREGATE_SHOWN)
    area = ref.parameters.get("area")
    return TraceStep(
        kind="aggregate", key=ref.key, link=address_of(ref), title=title, count=count,
        place=area_name(area) if area else None, among=tuple(_seen_step(entry.fact, sight) for entry in entries),
    )  # fmt: skip


def _gone(key: str, title: Text) -> TraceStep:
    return TraceStep(kind="gone", key=key, link="", title=title)


def _causes_of(refs: Iterable[Ref], sight: Sight) -> tuple[list[TraceStep], bool]:
    """Walk up from some references, breadth first."""
    steps: dict[tuple[str, str], TraceStep] = {}
    waiting = list(refs)
    while waiting and len(steps) < STEPS_MAX:
        fresh = {place: ref for ref in waiting if (place := (ref.kind, _key(ref))) not in steps}
        waiting = []
        facts = {str(entry.fact.fact_id): entry.fact for entry in journal.facts_with_ids(_ids(fresh.values()))}
        for place, ref in fresh.items():
            fact = facts.get(ref.key) if ref.kind is RefKind.FACT else None
            steps[place] = _step_of(ref, fact, sight)
            waiting += list(fact.causes) if fact else []
    return sorted(dict.fromkeys(steps.values()), key=_order), bool(waiting)


def _key(ref: Ref) -> str:
    return ref.key if ref.kind is not RefKind.AGGREGATE else f"{ref.key} {sorted(ref.parameters.items())} {ref.as_of}"


def _ids(refs: Iterable[Ref]) -> list[UUID]:
    return [UUID(ref.key) for ref in refs if ref.kind is RefKind.FACT]


def _step_of(ref: Ref, fact: Fact | None, sight: Sight) -> TraceStep:
    if ref.kind is RefKind.OBSERVATION:
        return step_of_observation(int(ref.key), sight)
    if ref.kind is RefKind.AGGREGATE:
        return step_of_aggregate(ref, sight)
    if fact is None:
        return _gone(ref.key, _NOT_HERE)
    return _seen_step(fact, sight)


def _order(step: TraceStep) -> float:
    return step.at.timestamp() if step.at else 0.0


def _effects_of(ref: Ref, subject: Fact | None, sight: Sight) -> tuple[list[TraceStep], bool]:
    """Walk down from a reference, breadth first, and on to the indicator that counts what was found."""
    found: dict[UUID, Fact] = {}
    waiting, cut = [ref], False
    while waiting and len(found) < STEPS_MAX:
        entries = journal.effects_of(waiting.pop(0), limit=EFFECTS_OF_ONE_MAX + 1)
        cut = cut or len(entries) > EFFECTS_OF_ONE_MAX
        for entry in entries[:EFFECTS_OF_ONE_MAX]:
            if entry.fact.fact_id not in found:
                found[entry.fact.fact_id] = entry.fact
                waiting.append(Ref.fact(entry.fact.fact_id))
    counted = [fact for fact in (subject, *found.values()) if fact is not None]
    for indicator in _indicators_counting(counted):
        found.setdefault(indicator.fact_id, indicator)
    steps = dict.fromkeys(_seen_step(fact, sight) for fact in found.values())
    return sorted(steps, key=_order), cut or bool(waiting)


def _indicators_counting(facts: list[Fact]) -> list[Fact]:
    """Return, of every indicator and area, the first value that counts one of some facts."""
    values = journal.newest_facts(kinds=[IndicatorValued], limit=INDICATORS_LOOKED_AT)
    first: dict[tuple[str, str], Fact] = {}
    for entry in reversed(values):
        value = entry.fact
        if any(
            value.happened_at >= fact.happened_at and any(counts(ref, fact) for ref in value.causes) for fact in facts
        ):
            first.setdefault((str(getattr(value, "indicator", "")), value.area), value)
    return list(first.values())


def chain_of_fact(fact_id: UUID, *, reader: PersonView | None) -> Chain | None:
    """Return the chain through a fact as a reader sees it, None where the journal does not hold it.

    Args:
        fact_id: the fact.
        reader: who looks; None for the machine's own command line.

    Raises:
        AccessDeniedError: if the reader may not see the fact; audited.
    """
    entry, sight = journal.fact_with_id(fact_id), Sight(reader)
    if entry is None:
        return None
    sight.require_fact(entry.fact)
    causes, causes_cut = _causes_of(entry.fact.causes, sight)
    effects, effects_cut = _effects_of(Ref.fact(fact_id), entry.fact, sight)
    return Chain(tuple(causes), step_of_fact(entry.fact), tuple(effects), causes_cut or effects_cut)


def chain_of_observation(observation_id: int, *, reader: PersonView | None) -> Chain:
    """Return the chain that begins with a reading as a reader sees it; the reading itself may be gone.

    Raises:
        AccessDeniedError: if the reader may not see the reading; audited.
    """
    sight, found = Sight(reader), sense.observation(observation_id)
    if found is not None:
        sight.require_area(sense.stream_view(found.datastream_id).area, what=f"observation {observation_id}")
    effects, cut = _effects_of(Ref.observation(observation_id), None, sight)
    return Chain((), step_of_observation(observation_id, sight), tuple(effects), cut)


def aggregate_page(ref: Ref, *, reader: PersonView | None, page: int) -> AggregatePage:
    """Return a page of the facts an aggregate counts, oldest first; page numbers begin with 1.

    Raises:
        AccessDeniedError: if the reader may not see where it counts; audited.
    """
    sight = Sight(reader)
    sight.require_aggregate(ref)
    entries, count = journal.facts_of_aggregate(ref, after=(page - 1) * AGGREGATE_PAGE, limit=AGGREGATE_PAGE)
    area = ref.parameters.get("area")
    return AggregatePage(
        title=title_of(str(ref.parameters["kind"])),
        area=area_name(area) if area else None,
        as_of=ref.as_of,
        count=count,
        steps=tuple(_seen_step(entry.fact, sight) for entry in entries),
        page=page,
        pages=max(1, -(-count // AGGREGATE_PAGE)),
    )
