"""The alarm machine: consumes changes of band in order and makes alarms of them.

There is one machine in the house: a lock lets a second one wait. Everything it knows stands in the database, so it may
be killed at any moment: a run is one transaction, and what it consumed is deleted in it.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import ExpressionWrapper, F, Max, Min, Q, fields

from cityloop.decide.models import Alarm, Candidate, Machine, Pending, ScreenRow, Watch
from cityloop.decide.rules import Condition, Event, Ladder, Sample, matured, step
from cityloop.decide.selectors.streams import Newest, newest_of
from cityloop.decide.selectors.watches import bindings_of, codes_of, in_force, ladder_of
from cityloop.decide.services import life
from cityloop.decide.services.chronicle import Chronicle
from cityloop.decide.services.shelving import expire_requests
from cityloop.decide.services.suppression import (
    Suppressors,
    settle_suppression,
    standing_suppressors,
    suppressing_watches,
)
from cityloop.journal.facade import post
from cityloop.kernel.facts import Fact
from cityloop.kernel.instants import from_us, to_us
from cityloop.kernel.levels import Level
from cityloop.sense import facade as sense

CANDIDATES_PER_RUN_MAX = 5000
"""How many changes one transaction consumes; keeps it under a second in a flood."""

RUNS_MAX = 10
"""How many transactions one call makes before it lets others have their turn."""

PENDING_MAX = 20_000
"""How many held levels one run looks at; more wait for the next run."""

LATE_AFTER = timedelta(minutes=5)
"""A reading that arrives this long after its phenomenon is late (allowed skew of the domain reference, section 2)."""

LATE_SETTLES = timedelta(seconds=60)
"""Late changes wait until their stream has caught up with the present, but not longer than this after their arrival:
a condition that has ended meanwhile becomes history, not a fresh alarm (house default)."""

CATCHES_UP_BY = timedelta(seconds=30)
"""A stream whose newest reading is less late than its change by this is catching up: a cut cable was mended."""

CATCHES_UP_MAX = timedelta(minutes=10)
"""How long a stream may take to catch up before its changes are judged by what is known (house default)."""

SKEW_MAX = timedelta(minutes=5)
"""A reading whose clock runs ahead by more is never judged (domain reference, section 2)."""

_LOCK = 0x63_69_74_79_01
"""Key of the advisory lock of the one machine."""

Key = tuple[str, int]
"""Code of a watch and a stream."""


@dataclass(frozen=True, slots=True)
class _Late:
    """Since when a stream's late changes wait, and how late the latest of them came."""

    came: datetime
    by: timedelta


@dataclass(slots=True)
class _Run:
    """What one run read and will write."""

    now: datetime
    newest: dict[int, Newest]
    candidates: list[Candidate] = field(default_factory=list)
    put_off: set[int] = field(default_factory=set)
    held_back: set[int] = field(default_factory=set)
    is_cut_short: bool = False
    ignored: int = 0
    facts: list[Fact] = field(default_factory=list)
    stale: set[tuple[int, int]] = field(default_factory=set)
    periods: dict[tuple[int, int], float | None] = field(default_factory=dict)
    suppressors: Suppressors = field(default_factory=Suppressors)


def run_machine(now: datetime) -> int:
    """Consume the changes that wait, raise what was held long enough, take back what was shelved until now.

    Args:
        now: the wall clock, aware.

    Returns:
        How many changes were consumed and facts posted; 0 means that there was nothing to do.
    """
    total = 0
    for _ in range(RUNS_MAX):
        with transaction.atomic():
            run = _run_once(now)
        total += len(run.candidates) + len(run.facts)
        if not run.is_cut_short:
            break
    return total


def hold_lock() -> None:
    """Wait for the machine's lock and keep it until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _run_once(now: datetime) -> _Run:
    hold_lock()
    pending = list(Pending.objects.order_by("due_at")[:PENDING_MAX])
    late, held_back = _late_streams()
    # The newest readings are read before the candidates: a return that came before a newest reading is then among
    # the candidates, so that "still over the limit up to that reading" is true.
    run = _Run(now, newest_of({*late, *(row.datastream_id for row in pending)}))
    run.held_back = held_back
    run.put_off = {stream for stream, one in late.items() if not _has_caught_up(run, stream, one)}
    _read_candidates(run, late)
    _take_back_shelved(run)
    expire_requests(run.now)
    _judge(run, pending)
    _write(run)
    return run


def _lateness() -> "ExpressionWrapper[Any]":
    return ExpressionWrapper(F("received_at") - F("phenomenon_time"), output_field=fields.DurationField())


def _late_streams() -> tuple[dict[int, _Late], set[int]]:
    """Return the streams with changes that came late, and the ids of the readings that were held back on their way."""
    rows = Candidate.objects.order_by("pk").values_list("datastream_id", "phenomenon_time", "observation_id")
    held_back = sense.late_among(rows[:CANDIDATES_PER_RUN_MAX])
    late = Q(lateness__gt=LATE_AFTER) | Q(observation_id__in=held_back)
    found = Candidate.objects.annotate(lateness=_lateness()).filter(late).values("datastream_id")
    found = found.annotate(came=Min("received_at"), by=Max("lateness")).order_by()
    return {row["datastream_id"]: _Late(row["came"], row["by"]) for row in found}, held_back


def _has_caught_up(run: _Run, datastream_id: int, late: _Late) -> bool:
    newest = run.newest.get(datastream_id)
    waited = run.now - late.came
    if newest is None:
        return waited >= LATE_SETTLES
    lateness = newest.received_at - newest.at
    if not newest.is_late and lateness <= LATE_AFTER:
        return True
    catches_up = newest.is_late and run.now - newest.received_at < LATE_SETTLES and late.by - lateness > CATCHES_UP_BY
    return waited >= (CATCHES_UP_MAX if catches_up else LATE_SETTLES)


def _read_candidates(run: _Run, late: Container[int]) -> None:
    rows = Candidate.objects.exclude(datastream_id__in=run.put_off).order_by("pk")
    read = list(rows[:CANDIDATES_PER_RUN_MAX])
    run.is_cut_short = len(read) == CANDIDATES_PER_RUN_MAX
    for row in read:
        if row.received_at - row.phenomenon_time > LATE_AFTER and row.datastream_id not in late:
            run.put_off.add(row.datastream_id)  # came after we looked; the next run knows about it
        if row.datastream_id not in run.put_off:
            run.candidates.append(row)


def _take_back_shelved(run: _Run) -> None:
    for alarm in Alarm.objects.select_for_update().filter(closed_at=None, shelved_until__lte=run.now).order_by("pk"):
        run.facts.append(life.unshelved(alarm, actor=life.MACHINE_ACTOR, reason="time", now=run.now))
        run.facts += life.closed_if_done(alarm, actor=life.MACHINE_ACTOR, now=run.now)
        alarm.save()


def _judge(run: _Run, pending: list[Pending]) -> None:
    samples = _samples_by_key(run)
    held: dict[Key, list[Pending]] = defaultdict(list)
    for row in pending:
        held[row.watch_code, row.datastream_id].append(row)
    watches = in_force({code for code, _ in samples} | {code for code, _ in held})
    run.periods = bindings_of(watch.pk for watch in watches.values())
    open_alarms = _open_alarms(samples.keys() | held.keys())
    suppressing = suppressing_watches()
    keys = dict.fromkeys([*samples, *held])
    # Whoever suppresses is judged first, so that what it suppresses in the same run calls nobody.
    for part in ([key for key in keys if key[0] in suppressing], [key for key in keys if key[0] not in suppressing]):
        run.suppressors = standing_suppressors(suppressing)
        _judge_keys(run, part, samples=samples, held=held, watches=watches, open_alarms=open_alarms)
    run.facts += settle_suppression(standing_suppressors(suppressing), run.now)


def _judge_keys(  # noqa: PLR0913  each says one thing
    run: _Run,
    keys: Iterable[Key],
    *,
    samples: Mapping[Key, list[Sample]],
    held: Mapping[Key, list[Pending]],
    watches: Mapping[str, Watch],
    open_alarms: Mapping[Key, Alarm],
) -> None:
    for key in keys:
        watch = watches.get(key[0])
        if watch is None:
            run.ignored += len(samples.get(key, ()))
            Pending.objects.filter(watch_code=key[0], datastream_id=key[1]).delete()
        elif key in samples or not (run.is_cut_short or key[1] in run.put_off):
            _judge_one(run, watch, key, samples.get(key, []), held.get(key, []), open_alarms.get(key))


def _samples_by_key(run: _Run) -> dict[Key, list[Sample]]:
    codes = codes_of(row.watch_id for row in run.candidates)
    current = {row.code: row.pk for row in Watch.objects.filter(code__in=set(codes.values()), valid_until=None)}
    samples: dict[Key, list[Sample]] = defaultdict(list)
    for row in run.candidates:
        code = codes.get(row.watch_id)
        if code is None or row.phenomenon_time > row.received_at + SKEW_MAX:
            run.ignored += 1
            continue
        if current.get(code, row.watch_id) != row.watch_id:
            run.stale.add((row.datastream_id, current[code]))
        samples[code, row.datastream_id].append(
            Sample(
                to_us(row.phenomenon_time),
                to_us(row.received_at),
                row.value,
                row.observation_id,
                row.observation_id in run.held_back,
            )
        )
    return samples


def _open_alarms(keys: Iterable[Key]) -> dict[Key, Alarm]:
    keys = set(keys)
    rows = Alarm.objects.select_for_update().filter(
        Q(watch_code__in={code for code, _ in keys}) & Q(datastream_id__in={stream for _, stream in keys}),
        closed_at=None,
    )
    return {(row.watch_code, row.datastream_id): row for row in rows.order_by("pk")}


def _judge_one(  # noqa: PLR0913, PLR0917  each says one thing
    run: _Run, watch: Watch, key: Key, samples: list[Sample], held: list[Pending], alarm: Alarm | None
) -> None:
    bound = (watch.pk, key[1])
    ladder = ladder_of(watch, period_s=run.periods[bound]) if bound in run.periods else None
    if ladder is None:
        run.ignored += len(samples)
        Pending.objects.filter(watch_code=key[0], datastream_id=key[1]).delete()
        return
    before = Condition(
        Level(alarm.level) if alarm is not None and alarm.cleared_at is None else None,
        tuple(sorted(((Level(row.level), _sample(row)) for row in held if not row.leaving), reverse=True)),
        tuple(sorted((Level(row.level), _sample(row)) for row in held if row.leaving)),
    )
    condition, events = before, list[Event]()
    for sample in samples:
        condition, happened = step(condition, ladder, sample)
        events += happened
    if not run.is_cut_short:
        condition, happened = matured(condition, ladder, until_us=_clock_of(run, key[1], condition, ladder))
        events += happened
    if events:
        chronicle = Chronicle(
            watch, ladder, datastream_id=key[1], alarm=alarm, now=run.now, late_after=LATE_AFTER,
            suppressor=run.suppressors.over(*key),
        )  # fmt: skip
        run.facts += chronicle.write(events)
    if (condition.onsets, condition.leavings) != (before.onsets, before.leavings):
        _keep_pending(key, condition, ladder)


def _sample(row: Pending) -> Sample:
    return Sample(to_us(row.since), to_us(row.received_at), row.value, row.observation_id)


def _delays(condition: Condition, ladder: Ladder) -> list[tuple[Level, Sample, int, bool]]:
    """Return what waits: the level, its sample, its delay in microseconds, whether it is being left."""
    onsets = [(level, sample, ladder.on_us(level), False) for level, sample in condition.onsets]
    return onsets + [(level, sample, ladder.off_us(level), True) for level, sample in condition.leavings]


def _clock_of(run: _Run, datastream_id: int, condition: Condition, ladder: Ladder) -> int:
    """Return how far the stream's own clock has come: to its newest reading, or as far as we have waited since."""
    now_us, newest = to_us(run.now), run.newest.get(datastream_id)
    waited = [s.at_us + span for _, s, span, _ in _delays(condition, ladder) if now_us - s.received_us >= span]
    shown = [to_us(newest.at)] if newest is not None and newest.at <= newest.received_at + SKEW_MAX else []
    return max(waited + shown, default=0)


def _keep_pending(key: Key, condition: Condition, ladder: Ladder) -> None:
    Pending.objects.filter(watch_code=key[0], datastream_id=key[1]).delete()
    Pending.objects.bulk_create(
        Pending(
            watch_code=key[0],
            datastream_id=key[1],
            level=level,
            leaving=is_left,
            since=from_us(sample.at_us),
            received_at=from_us(sample.received_us),
            due_at=from_us(sample.received_us + span_us),
            value=sample.value,
            observation_id=sample.observation_id,
        )
        for level, sample, span_us, is_left in _delays(condition, ladder)
    )


def _write(run: _Run) -> None:
    post(*run.facts)
    if run.candidates:
        Candidate.objects.filter(pk__in=[row.pk for row in run.candidates]).delete()
        Machine.objects.get_or_create(pk=1)
        Machine.objects.filter(pk=1).update(
            consumed=F("consumed") + len(run.candidates),
            ignored=F("ignored") + run.ignored,
            cut_short=F("cut_short") + int(run.is_cut_short),
            moved_at=run.now,
        )
    forget_bands(run.stale)


def forget_bands(streams: Iterable[tuple[int, int]]) -> None:
    """Make the next reading of each (stream, version of a watch) a candidate, whatever its band."""
    rows = [ScreenRow(datastream_id=stream, watch_id=watch_id, band=-1) for stream, watch_id in sorted(streams)]
    ScreenRow.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["datastream_id", "watch_id"], update_fields=["band"]
    )
