"""The order of records that refer to records of their own entity: parents first, loops opened, nothing recursive."""

from __future__ import annotations

import time
from collections import defaultdict

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.plan.waves import RecordOrder, order_records

Links = list[tuple[int, int]]
GUARDIAN = {("people", "guardian")}


def ordered(mother: Links, father: Links = (), guardian: Links = (), batch_rows: int = 4) -> RecordOrder:
    """The order of (child, parent) pairs; a guardian is required."""
    fields = {"mother": mother, "father": father, "guardian": guardian}
    rows = [(child, parent, "people", field) for field, pairs in fields.items() for child, parent in pairs]
    rows.sort(key=lambda row: row[1])
    table = pa.table([list(column) for column in zip(*rows, strict=True)], ["child", "parent", "mapping", "field"])
    return order_records(lambda: table.to_batches(batch_rows), GUARDIAN)


def depths(order: RecordOrder) -> dict[int, int]:
    """Depths from 1; whoever is not named is at the top."""
    found = {row["record"]: row["depth"] for batch in order.depths() for row in batch.to_pylist()}
    return defaultdict(int, found)


pairs = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=25
)


@settings(deadline=None)
@given(optional=pairs, required=pairs)
def test_every_link_is_respected_deferred_or_impossible(optional: Links, required: Links) -> None:
    order = ordered(optional, guardian=required)
    at, later = depths(order), {(row["record"], row["field"]) for row in order.deferred.to_pylist()}
    impossible = {row["record"] for row in order.impossible.to_pylist()}
    for field, links in (("mother", optional), ("guardian", required)):
        for child, parent in links:
            hopeless = child in impossible
            assert at[parent] < at[child] or (child, field) in later or hopeless
    assert not any(field == "guardian" for _, field in later)


@settings(deadline=None)
@given(pairs)
def test_without_required_links_nothing_is_impossible(links: Links) -> None:
    assert ordered(links).impossible.num_rows == 0


@settings(deadline=None)
@given(pairs)
def test_where_no_loop_is_nothing_is_deferred(links: Links) -> None:
    downwards = [(max(pair), min(pair)) for pair in links]
    assert ordered(downwards).deferred.num_rows == 0


def test_a_depth_is_the_longest_way_from_a_record_without_parents() -> None:
    assert depths(ordered([(2, 1), (3, 2), (3, 1)])) == {2: 1, 3: 2}


def test_a_loop_is_opened_at_one_link_and_its_records_are_ordered() -> None:
    order = ordered([(1, 2), (2, 3), (3, 1)])
    assert order.deferred.to_pylist() == [{"record": 1, "field": "mother"}]
    assert depths(order) == {3: 1, 2: 2}


def test_a_loop_of_required_links_is_impossible_with_all_that_hangs_on_it() -> None:
    order = ordered([], guardian=[(1, 2), (2, 1), (3, 1)])
    assert sorted(row["record"] for row in order.impossible.to_pylist()) == [1, 2, 3]


def test_two_links_between_the_same_two_records_are_both_opened() -> None:
    order = ordered([(1, 2), (2, 1)], [(1, 2)])
    assert order.impossible.num_rows == 0
    assert depths(order)[1] != depths(order)[2]


def test_a_chain_of_a_hundred_thousand_generations_is_ordered_in_seconds() -> None:
    began, count = time.monotonic(), 100_000
    order = ordered([(child, child - 1) for child in range(1, count)], batch_rows=16_384)
    assert max(depths(order).values()) == count - 1
    assert time.monotonic() - began < 30


def test_no_references_are_no_order() -> None:
    order = order_records(list, GUARDIAN)
    assert (list(order.depths()), order.deferred.num_rows, order.impossible.num_rows, order.deepest) == ([], 0, 0, 0)
