"""Who hangs on a record that will not be loaded, to the last descendant: part of the record graph.

A round is one question to the engine, which holds for any number of records. Deep chains would take as many questions
as they have generations, so what is left after some rounds is followed in memory where it is small enough for that.
"""

from __future__ import annotations

# ruff: noqa: S608 - SQL of our own words and numbers
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.sources.graph_tables import STORE, registered

if TYPE_CHECKING:
    import duckdb

Numbers = npt.NDArray[np.int64]

ROUNDS = 8
"""Generations that the engine follows before it is asked how many links are left."""
MOST_IN_MEMORY = 1_000_000
_BELOW = f"""
from {STORE}.links l join refs r using (f) where r.policy <> 'empty' and not l.old
and not exists (select 1 from reach w where w.n = l.n)"""


def reach(
    database: duckdb.DuckDBPyConnection, rounds_at_once: int = ROUNDS, most_in_memory: int = MOST_IN_MEMORY
) -> None:
    """Fills the table ``reach`` with all records that have a fate (round 0) and all that hang on them by links that must
    hold, each with the round in which it is reached first.
    """
    database.execute("create or replace table reach as select n, 0 as round from fates")
    number = 0
    while _next_round(database, number := number + 1):
        if number % rounds_at_once == 0 and _count(database, f"select count(*) {_BELOW}") <= most_in_memory:
            _follow_in_memory(database, number)
            return


def _next_round(database: duckdb.DuckDBPyConnection, number: int) -> int:
    """How many records are reached from those of the round before."""
    above = f"select n from reach where round = {number - 1}"
    return _count(database, f"insert into reach select distinct l.n, {number} {_BELOW} and l.pn in ({above})")


def _count(database: duckdb.DuckDBPyConnection, statement: str) -> int:
    # Fetched to the end: DuckDB registers nothing on a connection that still holds a result.
    ((count,),) = database.execute(statement).fetchall()
    return int(count)


def _follow_in_memory(database: duckdb.DuckDBPyConnection, number: int) -> None:
    links = database.execute(f"select l.pn, l.n {_BELOW} and l.pn is not null order by l.pn").fetchnumpy()
    last = database.execute("select n from reach where round = $number", {"number": number}).fetchnumpy()
    records, rounds = generations(np.asarray(links["pn"]), np.asarray(links["n"]), np.asarray(last["n"]))
    with registered(database, "given", pa.table({"n": records, "round": rounds + number})):
        database.execute("insert into reach select n, round from given")


def generations(parents: Numbers, children: Numbers, start: Numbers) -> tuple[Numbers, Numbers]:
    """The records below some others, and how many generations below; ``parents`` are sorted, children beside them.

    >>> generations(np.array([1, 2, 2]), np.array([2, 3, 4]), np.array([1]))
    (array([2, 3, 4]), array([1, 2, 2]))
    """
    is_seen = np.zeros(int(children.max(initial=0)) + 1, dtype=np.bool_)
    found: list[Numbers] = []
    while len(start):
        firsts, ends = np.searchsorted(parents, start, "left"), np.searchsorted(parents, start, "right")
        below = np.unique(children[_ranges(firsts, ends)])
        start = below[~is_seen[below]]
        is_seen[start] = True
        found.append(start)
    sizes = [len(each) for each in found]
    records = np.concatenate(found) if found else start
    return records, np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int64), sizes)


def _ranges(firsts: Numbers, ends: Numbers) -> Numbers:
    """The concatenation of ``range(first, end)`` for every pair."""
    lengths = ends - firsts
    places: Numbers = np.arange(int(lengths.sum()), dtype=np.int64)
    places += np.repeat(firsts - (np.cumsum(lengths) - lengths), lengths)
    return places
