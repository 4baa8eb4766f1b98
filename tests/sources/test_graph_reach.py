"""Who hangs on a record that is not loaded: the same whether the engine or numpy follows the links."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.sources.graph_reach import generations, reach

RECORDS = 24
Link = tuple[int, int, bool]
"""Child, parent, and whether the link must hold."""

links_of_records = st.lists(
    st.tuples(st.integers(0, RECORDS - 1), st.integers(0, RECORDS - 1), st.booleans()), max_size=40
)
some_records = st.sets(st.integers(0, RECORDS - 1), min_size=1, max_size=4)


def by_hand(links: list[Link], lost: set[int]) -> dict[int, int]:
    """Records and rounds, one generation after the other."""
    rounds = dict.fromkeys(lost, 0)
    number = 0
    while True:
        number += 1
        below = {child for child, parent, holds in links if holds and parent in rounds and child not in rounds}
        if not below:
            return rounds
        rounds |= dict.fromkeys(below, number)


def reached(links: list[Link], lost: set[int], rounds_at_once: int, most_in_memory: int) -> dict[int, int]:
    with duckdb.connect() as database:
        database.execute(
            "attach ':memory:' as graph; create table graph.links (n bigint, f smallint, pn bigint, old bool)"
        )
        database.execute(
            "create table refs (f smallint, policy varchar); insert into refs values (0, 'empty'), (1, 'block')"
        )
        database.execute("create table fates (n bigint)")
        database.executemany("insert into fates values (?)", [[number] for number in lost])
        for child, parent, holds in links:
            database.execute("insert into graph.links values (?, ?, ?, false)", [child, int(holds), parent])
        reach(database, rounds_at_once, most_in_memory)
        return dict(database.execute("select n, round from reach").fetchall())


@settings(max_examples=20, deadline=None)
@given(
    links=links_of_records, lost=some_records, rounds_at_once=st.integers(1, 5), in_memory=st.sampled_from([0, 10, 99])
)
def test_numpy_and_the_engine_reach_the_same_records_in_the_same_rounds(links, lost, rounds_at_once, in_memory):
    assert reached(links, lost, rounds_at_once, in_memory) == by_hand(links, lost)


def test_a_chain_of_a_hundred_thousand_takes_no_question_a_generation():
    depth = 100_000
    parents = np.arange(depth, dtype=np.int64)
    records, rounds = generations(parents, parents + 1, np.array([0]))
    assert records.tolist() == rounds.tolist() == list(range(1, depth + 1))


@pytest.mark.parametrize("start", [[], [9]], ids=["none", "without-children"])
def test_nobody_below_is_nobody(start):
    records, rounds = generations(np.array([1]), np.array([2]), np.array(start, dtype=np.int64))
    assert records.tolist() == rounds.tolist() == []
