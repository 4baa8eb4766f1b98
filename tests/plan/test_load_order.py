"""The order of entities: every edge respected, loops opened where that costs least, impossible ones named edge by edge."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.errors import MappingError
from etl.plan.graph import Edge, explain, load_order


def edge(
    child: str, parent: str, field: str = "", *, required: bool = False, later: bool = False, count: int = 1
) -> Edge:
    place = (f"{child}.yaml", 7, 3)
    return Edge(parent, child, child, field or parent, required, later, count, place)


def drawn(child: str, parent: str, field: str, count: int) -> Edge:
    """Whether a field is required, or set later, is a fact of the field, whatever it points to."""
    return edge(child, parent, field, required=field == "must", later=field == "later", count=count)


names = st.sampled_from("abcdef")
edges = st.builds(drawn, names, names, st.sampled_from(["must", "may", "might", "later"]), st.integers(0, 9))


@given(st.lists(edges, max_size=25))
def test_every_edge_is_respected_or_deferred_wherever_an_order_exists(some: list[Edge]) -> None:
    required = nx.DiGraph((each.parent, each.child) for each in some if each.required and each.parent != each.child)
    if not nx.is_directed_acyclic_graph(required):
        with pytest.raises(MappingError):
            load_order("abcdef", some)
        return
    order = load_order("abcdef", some)
    at = {entity: number for number, wave in enumerate(order.waves) for entity in wave}
    assert sorted(order.entities) == list("abcdef")
    assert not any(field == "must" for _, field in order.deferred)
    for each in some:
        respected = each.parent == each.child or at[each.parent] < at[each.child]
        assert respected or (each.mapping, each.field) in order.deferred


@given(st.lists(edges, max_size=25))
def test_the_order_does_not_depend_on_how_mappings_are_listed(some: list[Edge]) -> None:
    assert _outcome(some) == _outcome(some[::-1])


def _outcome(some: list[Edge]) -> object:
    unique = {(each.child, each.field): each for each in sorted(some, key=repr)}
    try:
        order = load_order("abcdef", [each for each in some if unique[each.child, each.field] is each])
    except MappingError:
        return "impossible"
    return order.waves, set(order.deferred)


@given(st.lists(edges.filter(lambda each: each.required), max_size=20))
def test_required_edges_that_form_no_cycle_are_never_deferred(some: list[Edge]) -> None:
    forwards = [each for each in some if each.parent < each.child and not each.later]
    assert load_order("abcdef", forwards).deferred == {}


def test_a_cycle_is_opened_at_the_edge_that_fewest_records_use() -> None:
    order = load_order("ab", [edge("a", "b", count=900), edge("b", "a", count=3)])
    assert order.waves == (("b",), ("a",))
    assert list(order.deferred) == [("b", "a")]


def test_a_cycle_is_never_opened_at_a_required_edge() -> None:
    order = load_order("ab", [edge("a", "b", count=900), edge("b", "a", count=3, required=True)])
    assert list(order.deferred) == [("a", "b")]


def test_of_two_parallel_edges_the_required_one_holds_the_order() -> None:
    parallel = [edge("a", "b", "owner", required=True), edge("a", "b", "friend", count=0), edge("b", "a", count=5)]
    assert list(load_order("ab", parallel).deferred) == [("b", "a")]


def test_a_polymorphic_reference_is_deferred_towards_all_its_targets() -> None:
    order = load_order(
        "abc", [edge("a", "b", "about"), edge("a", "c", "about", count=0), edge("c", "a", required=True)]
    )
    assert list(order.deferred) == [("a", "about")]
    assert order.waves == (("a", "b"), ("c",))


def test_a_link_that_the_catalogue_sets_later_is_no_edge() -> None:
    order = load_order("ab", [edge("a", "b", later=True), edge("b", "a", required=True)])
    assert order.waves == (("a",), ("b",))
    assert order.deferred["a", "b"] == "the catalogue sets it by a later PATCH"


def test_a_required_cycle_is_named_edge_by_edge_with_its_place() -> None:
    with pytest.raises(MappingError) as caught:
        load_order("abc", [edge(one, other, required=True) for one, other in ("ab", "bc", "ca")])
    (mistake,) = caught.value.mistakes
    assert mistake.code == "required_cycle"
    assert mistake.line == 7
    for path in ("a -[b]-> b", "b -[c]-> c", "c -[a]-> a"):
        assert path in mistake.message


def test_every_required_cycle_is_told_at_once() -> None:
    pairs = [edge(one, other, required=True) for one, other in ("ab", "ba", "cd", "dc")]
    with pytest.raises(MappingError) as caught:
        load_order("abcd", pairs)
    assert len(caught.value.mistakes) == 2


def test_an_entity_that_refers_to_itself_is_no_cycle_of_entities() -> None:
    assert load_order("a", [edge("a", "a", required=True)]).waves == (("a",),)


def test_waves_count_the_depth_of_records_inside_their_entity() -> None:
    order = load_order("abc", [edge("b", "a", required=True), edge("c", "b", required=True)])
    assert order.first_waves({"a": 3}) == {"a": 1, "b": 5, "c": 6}


def test_the_order_can_be_told_in_sentences() -> None:
    order = load_order("ab", [edge("a", "b", count=9), edge("b", "a")])
    assert list(explain(order)) == [
        "wave 1: b",
        "wave 2: a",
        "  a after b (b)",
        "later: b.a, because it closes the cycle a -[b]-> b, b -[a]-> a",
    ]
