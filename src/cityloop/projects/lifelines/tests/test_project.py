"""The declaration says what the lifelines watch, sensibly."""

from collections import Counter

from cityloop.kernel.declarations import WatchKind
from cityloop.kernel.levels import Level
from cityloop.projects.lifelines.project import PROJECT
from cityloop.projects.lifelines.rules.lines import TEMPERATURE_AHEAD


def test_every_district_has_a_pressure_point() -> None:
    points = PROJECT.streams_matching(("water.point-*",))
    assert len({stream.thing for stream in points}) == 16
    assert all(stream.period_s <= 5 for stream in points)


def test_every_stream_stands_on_a_thing_and_codes_are_unique() -> None:
    things = {thing.code for thing in PROJECT.things}
    codes = [stream.code for stream in PROJECT.streams]
    assert {stream.thing for stream in PROJECT.streams} == things
    assert len(codes) == len(set(codes)) == 10 + 16 + 3 * 6 + 1 + 24 + 18 + 32 + 1


def test_every_stream_is_watched_for_silence_exactly_once() -> None:
    silent = [watch for watch in PROJECT.watches if watch.kind is WatchKind.SILENT]
    watched = Counter(stream.code for watch in silent for stream in PROJECT.streams_matching(watch.streams))
    promised = [stream.code for stream in PROJECT.streams if stream.code != TEMPERATURE_AHEAD]
    assert watched == Counter(promised)
    for watch in silent:
        periods = {stream.period_s for stream in PROJECT.streams_matching(watch.streams)}
        assert all(watch.limits[Level.BLUE] >= 3 * period for period in periods)


def test_a_graver_level_lies_further_out() -> None:
    for watch in PROJECT.watches:
        limits = [watch.limits[level] for level in sorted(watch.limits)]
        assert limits == sorted(limits, reverse=watch.kind is not WatchKind.LOW), watch.code


def test_pressure_that_is_lost_is_judged_at_once_and_opens_a_case() -> None:
    watch = next(watch for watch in PROJECT.watches if watch.code == "lifelines.water-pressure-loss")
    assert watch.hold_s == 0
    assert watch.case_kind in {kind.code for kind in PROJECT.case_kinds}
    low = next(watch for watch in PROJECT.watches if watch.code == "lifelines.water-pressure-low")
    assert max(watch.limits.values()) + watch.hysteresis < min(low.limits.values())


def test_nothing_is_claimed_to_be_confirmed() -> None:
    assert not any(item.confirmed for item in (*PROJECT.watches, *PROJECT.case_kinds))
