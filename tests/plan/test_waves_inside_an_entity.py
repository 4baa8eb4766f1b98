"""The order of records that refer to records of their own entity: parents first, loops opened, nothing recursive."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from etl.plan.waves import RecordOrder, SelfReference, order_records, self_references


def reference(pairs: list[tuple[int, int]], field: str = "mother", *, required: bool = False) -> SelfReference:
    """(child, parent) pairs."""
    children, parents = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    return SelfReference("people", field, required, children, parents)


def depths(order: RecordOrder) -> dict[int, int]:
    return {row["record"]: row["depth"] for row in order.depths.to_pylist()}


pairs = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=25
)


@given(optional=pairs, required=pairs)
def test_every_link_is_respected_deferred_or_impossible(
    optional: list[tuple[int, int]], required: list[tuple[int, int]]
) -> None:
    order = order_records([reference(optional), reference(required, "guardian", required=True)])
    at, later = depths(order), {(row["record"], row["field"]) for row in order.deferred.to_pylist()}
    impossible = {row["record"] for row in order.impossible.to_pylist()}
    for field, links in (("mother", optional), ("guardian", required)):
        for child, parent in links:
            hopeless = child in impossible
            assert at[parent] < at[child] or (child, field) in later or hopeless
    assert not any(field == "guardian" for _, field in later)


@given(pairs)
def test_without_required_links_nothing_is_impossible(links: list[tuple[int, int]]) -> None:
    assert order_records([reference(links)]).impossible.num_rows == 0


@given(pairs)
def test_where_no_loop_is_nothing_is_deferred(links: list[tuple[int, int]]) -> None:
    downwards = [(max(pair), min(pair)) for pair in links]
    assert order_records([reference(downwards)]).deferred.num_rows == 0


def test_a_depth_is_the_longest_way_from_a_record_without_parents() -> None:
    assert depths(order_records([reference([(2, 1), (3, 2), (3, 1)])])) == {1: 0, 2: 1, 3: 2}


def test_a_loop_is_opened_at_one_link_and_its_records_are_ordered() -> None:
    order = order_records([reference([(1, 2), (2, 3), (3, 1)])])
    assert order.deferred.to_pylist() == [{"record": 1, "field": "mother"}]
    assert depths(order) == {1: 0, 3: 1, 2: 2}


def test_a_loop_of_required_links_is_impossible_with_all_that_hangs_on_it() -> None:
    order = order_records([reference([(1, 2), (2, 1), (3, 1)], required=True)])
    assert sorted(row["record"] for row in order.impossible.to_pylist()) == [1, 2, 3]


def test_two_links_between_the_same_two_records_are_both_opened() -> None:
    order = order_records([reference([(1, 2), (2, 1)]), reference([(1, 2)], "father")])
    assert order.impossible.num_rows == 0
    assert depths(order)[1] != depths(order)[2]


def test_a_chain_of_a_hundred_thousand_generations_is_ordered_in_seconds() -> None:
    began, count = time.monotonic(), 100_000
    order = order_records([reference([(child, child - 1) for child in range(1, count)])])
    assert max(depths(order).values()) == count - 1
    assert time.monotonic() - began < 30


def test_references_are_parted_by_mapping_and_field() -> None:
    def rows(field: str, child: int) -> pa.RecordBatch:
        return pa.record_batch({"child": [child], "parent": [9], "mapping": ["people"], "field": [field]})

    found = self_references([rows("mother", 1), rows("father", 2), rows("mother", 3)], {("people", "father")})
    assert [(each.field, each.required, each.children.tolist()) for each in found] == [
        ("father", True, [2]),
        ("mother", False, [1, 3]),
    ]


def test_no_references_are_no_order() -> None:
    assert self_references([], set()) == []
