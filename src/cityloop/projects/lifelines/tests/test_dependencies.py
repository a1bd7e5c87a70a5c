"""A loss followed along the dependencies: the earliest hour counts, circles end, the weakened carry nothing on."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloop.kernel.text import Text
from cityloop.projects.lifelines.rules.dependencies import (
    Affected,
    Edge,
    Effect,
    Node,
    NodeKind,
    UnknownNodeError,
    affected_by,
)
from cityloop.projects.lifelines.rules.layout import HIGH, WIDE, laid_out
from cityloop.projects.lifelines.rules.network import EDGES, NODES

SAID = Text("测试", "test")
NAMES = "abcdefg"
NODES_OF_TEST = tuple(Node(code=name, title=SAID, kind=NodeKind.STATION) for name in NAMES)


def edge(source: str, target: str, hours: float, effect: Effect = Effect.FAILS) -> Edge:
    return Edge(source=source, target=target, reserve_hours=hours, reserve=SAID, effect=effect, basis=SAID)


def after(lost: str, *edges: Edge) -> dict[str, tuple[float, Effect]]:
    return {one.code: (one.after_hours, one.effect) for one in affected_by(lost, nodes=NODES_OF_TEST, edges=edges)}


def test_hours_add_up_along_the_way() -> None:
    assert after("a", edge("a", "b", 2.0), edge("b", "c", 1.5)) == {
        "a": (0.0, Effect.FAILS), "b": (2.0, Effect.FAILS), "c": (3.5, Effect.FAILS)
    }  # fmt: skip


def test_the_earliest_way_counts() -> None:
    found = affected_by("a", nodes=NODES_OF_TEST, edges=(edge("a", "c", 9.0), edge("a", "b", 1.0), edge("b", "c", 2.0)))
    last = found[-1]
    assert (last.code, last.after_hours) == ("c", 3.0)
    assert last.through is not None
    assert last.through.source == "b"


def test_a_circle_ends() -> None:
    assert after("a", edge("a", "b", 0.0), edge("b", "a", 0.0), edge("b", "b", 0.0)).keys() == {"a", "b"}


def test_what_goes_on_with_less_carries_nothing_on() -> None:
    found = after("a", edge("a", "b", 1.0, Effect.WEAKENS), edge("b", "c", 0.0))
    assert found == {"a": (0.0, Effect.FAILS), "b": (1.0, Effect.WEAKENS)}


def test_the_soonest_weakening_counts_and_a_failure_outweighs_it() -> None:
    weak = (
        edge("a", "b", 5.0, Effect.WEAKENS),
        edge("a", "b", 2.0, Effect.WEAKENS),
        edge("a", "b", 3.0, Effect.WEAKENS),
    )
    assert after("a", *weak)["b"] == (2.0, Effect.WEAKENS)
    assert after("a", *weak, edge("a", "b", 30.0))["b"] == (30.0, Effect.FAILS)


def test_several_things_are_lost_at_once() -> None:
    found = after("ab", edge("a", "c", 9.0), edge("b", "c", 3.0), edge("a", "b", 1.0))
    assert found == {"a": (0.0, Effect.FAILS), "b": (0.0, Effect.FAILS), "c": (3.0, Effect.FAILS)}


@pytest.mark.parametrize(("lost", "edges"), [("z", ()), ("a", (edge("a", "z", 1.0),)), ("a", (edge("z", "a", 1.0),))])
def test_what_nobody_knows_is_refused(lost: str, edges: tuple[Edge, ...]) -> None:
    with pytest.raises(UnknownNodeError):
        affected_by(lost, nodes=NODES_OF_TEST, edges=edges)


@st.composite
def webs(draw: st.DrawFn) -> tuple[Edge, ...]:
    names, hours = st.sampled_from(NAMES), st.integers(0, 50).map(float)
    return tuple(draw(st.lists(st.builds(edge, names, names, hours, st.sampled_from(Effect)), max_size=25)))


LOSSES = st.sets(st.sampled_from(NAMES), min_size=1, max_size=3)


def slowly(lost: set[str], edges: tuple[Edge, ...]) -> dict[str, float]:
    """Return when each node fails by trying every edge again and again (Bellman and Ford)."""
    hours = dict.fromkeys(lost, 0.0)
    for _, one in itertools.product(NAMES, edges):
        if one.effect is Effect.FAILS and one.source in hours:
            hours[one.target] = min(hours.get(one.target, float("inf")), hours[one.source] + one.reserve_hours)
    return hours


@given(LOSSES, webs())
def test_failures_come_at_their_earliest_hour(lost: set[str], edges: tuple[Edge, ...]) -> None:
    found = affected_by(lost, nodes=NODES_OF_TEST, edges=edges)
    assert {one.code: one.after_hours for one in found if one.effect is Effect.FAILS} == slowly(lost, edges)


@given(LOSSES, webs())
def test_each_node_stands_once_soonest_first_and_its_cause_before_it(lost: set[str], edges: tuple[Edge, ...]) -> None:
    found = affected_by(lost, nodes=NODES_OF_TEST, edges=edges)
    by_code: dict[str, Affected] = {one.code: one for one in found}
    assert len(by_code) == len(found)
    assert [one.after_hours for one in found] == sorted(one.after_hours for one in found)
    assert lost == {one.code for one in found if one.through is None}
    for one in found:
        if one.through is not None:
            cause = by_code[one.through.source]
            assert cause.effect is Effect.FAILS
            assert one.after_hours == cause.after_hours + one.through.reserve_hours
            assert one.effect is one.through.effect


@given(LOSSES, st.sampled_from(NAMES), webs())
def test_a_greater_loss_spares_nothing(lost: set[str], more: str, edges: tuple[Edge, ...]) -> None:
    less = {one.code: one for one in affected_by(lost, nodes=NODES_OF_TEST, edges=edges) if one.effect is Effect.FAILS}
    greater = {one.code: one for one in affected_by(lost | {more}, nodes=NODES_OF_TEST, edges=edges)}
    assert all(greater[code].after_hours <= one.after_hours for code, one in less.items())


def test_the_citys_dependencies_name_only_what_there_is_and_once() -> None:
    codes = [node.code for node in NODES]
    assert len(set(codes)) == len(codes)
    assert len({(one.source, one.target) for one in EDGES}) == len(EDGES)
    for code in codes:
        affected_by([code], nodes=NODES, edges=EDGES)
    assert all(one.reserve_hours >= 0 and not one.confirmed for one in EDGES)
    assert {one.target for one in EDGES} >= {node.code for node in NODES if node.kind is NodeKind.SERVED}


def test_rule_eight_stands() -> None:
    """Power carries pumps and heat stations, gas carries power and heat, water the make-up, drainage the underpass."""
    reached = {
        code: {one.code for one in affected_by([code], nodes=NODES, edges=EDGES)} for code in ("power", "gas", "water")
    }
    assert reached["power"] >= {"pump-stations", "heat-stations", "underpasses", "hospitals"}
    assert reached["gas"] >= {"power", "heat", "homes-heat"}
    assert "heat-stations" in reached["water"]


def test_the_pictures_boxes_do_not_overlap_and_every_edge_is_drawn() -> None:
    layout = laid_out(NODES, EDGES)
    assert len(layout.boxes) == len(NODES)
    assert len(layout.paths) == len(EDGES)
    for one, other in itertools.combinations(layout.boxes, 2):
        assert abs(one.x - other.x) >= WIDE or abs(one.y - other.y) >= HIGH
    assert all(0 <= box.x <= layout.width - WIDE and 0 <= box.y <= layout.height - HIGH for box in layout.boxes)


def test_a_picture_of_nothing_is_empty() -> None:
    assert laid_out((), ()).boxes == ()
