"""The order of records inside an entity that refers to itself: parents first, loops closed later.

Depths come from Kahn's algorithm over record numbers held as arrays, so a chain of a hundred thousand generations needs
no recursion and loops in the data are found row by row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SelfReference:
    """References inside one entity through one field: record numbers of children and parents, row by row."""

    mapping: str
    field: str
    required: bool
    children: Numbers
    parents: Numbers


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """Depth of every record that takes part; links to be set later; records that no order can serve."""

    depths: pa.Table
    deferred: pa.Table
    impossible: pa.Table


def order_records(references: Sequence[SelfReference]) -> RecordOrder:
    """Depth 0 has no parent inside the entity. Loops are opened at optional links; what cannot be opened is impossible."""
    children = np.concatenate([each.children for each in references])
    parents = np.concatenate([each.parents for each in references])
    source = np.concatenate([np.full(len(each.children), i) for i, each in enumerate(references)])
    keep = np.ones(len(children), dtype=bool)
    records, child_at, parent_at = _numbered(children, parents)
    depths, done = _depths(len(records), child_at, parent_at)
    deferred: list[tuple[int, str]] = []
    while not done.all():
        opened = _open_loops(references, child_at, parent_at, source, keep & ~done[child_at] & ~done[parent_at])
        if not opened:
            break
        keep[opened] = False
        deferred += [(int(children[i]), references[source[i]].field) for i in opened]
        depths, done = _depths(len(records), child_at[keep], parent_at[keep])
    return RecordOrder(
        depths=pa.table({"record": records, "depth": depths}),
        deferred=_pairs(deferred),
        impossible=pa.table({"record": records[~done]}),
    )


def self_references(edges: Iterable[pa.RecordBatch], required: Collection[tuple[str, str]]) -> list[SelfReference]:
    """Edges of the record graph by (mapping, field); ``required`` lists the pairs that cannot be set later."""
    table = pa.Table.from_batches(edges) if (edges := list(edges)) else None
    if table is None or not table.num_rows:
        return []
    found = []
    for pair in table.select(["mapping", "field"]).group_by(["mapping", "field"]).aggregate([]).to_pylist():
        mask = pc.and_(pc.equal(table["mapping"], pair["mapping"]), pc.equal(table["field"], pair["field"]))
        rows = table.filter(mask)
        key = (pair["mapping"], pair["field"])
        found.append(SelfReference(*key, key in required, rows["child"].to_numpy(), rows["parent"].to_numpy()))
    return sorted(found, key=lambda each: (each.mapping, each.field))


def _numbered(children: Numbers, parents: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    records, inverse = np.unique(np.concatenate([children, parents]), return_inverse=True)
    return records, inverse[: len(children)], inverse[len(children) :]


def _depths(count: int, child: Numbers, parent: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Longest distance from a record without parents, and which records got one (the rest sit in or behind loops)."""
    order = np.argsort(parent, kind="stable")
    first = np.searchsorted(parent[order], np.arange(count + 1))
    waiting = np.bincount(child, minlength=count)
    depths = np.zeros(count, dtype=np.int64)
    done = np.zeros(count, dtype=bool)
    frontier = np.flatnonzero(waiting == 0)
    depth = 0
    while len(frontier):
        depths[frontier], done[frontier] = depth, True
        reached = child[order[_ranges(first[frontier], first[frontier + 1])]]
        np.subtract.at(waiting, reached, 1)
        frontier = np.unique(reached[waiting[reached] == 0])
        depth += 1
    return depths, done


def _ranges(starts: Numbers, ends: Numbers) -> Numbers:
    """The concatenation of ``range(start, end)`` for every pair."""
    lengths = ends - starts
    offsets = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return np.arange(lengths.sum()) + offsets


def _open_loops(
    references: Sequence[SelfReference],
    child: Numbers,
    parent: Numbers,
    source: Numbers,
    candidates: npt.NDArray[np.bool_],
) -> list[int]:
    """One optional edge of each loop among the candidates; the lowest edge number wins, so the choice is stable."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for i in np.flatnonzero(candidates):
        pair = (int(parent[i]), int(child[i]))
        if not graph.has_edge(*pair) or references[source[i]].required:
            graph.add_edge(*pair, number=int(i), required=references[source[i]].required)
    opened = []
    for component in nx.strongly_connected_components(graph):
        inside = graph.subgraph(component).edges(data=True)
        optional = [data["number"] for _, _, data in inside if not data["required"]]
        if optional:
            opened.append(min(optional))
    return opened


def _pairs(pairs: Iterable[tuple[int, str]]) -> pa.Table:
    records = [record for record, _ in pairs]
    fields = [field for _, field in pairs]
    return pa.table({"record": pa.array(records, pa.int64()), "field": pa.array(fields, pa.string())})
