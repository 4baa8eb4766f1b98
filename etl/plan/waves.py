"""The order of records inside an entity that refers to itself: parents first, loops closed later.

Records are taken away from the top, parents before children (Kahn's algorithm), over arrays of 16 bytes a record, so a
chain of a hundred thousand generations needs no recursion. Only what is left, the loops and what hangs on them, is read
a second time with the names of its fields, and only the loops themselves meet a graph library.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int32]
Edges: TypeAlias = Callable[[], Iterable[pa.RecordBatch]]
"""Reads the references inside one entity, from the beginning each time: ``child``, ``parent`` (record numbers),
``mapping``, ``field``, in the order of parents."""
_BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """Depth of every record, from number 0; links to be set later; records that no order can serve."""

    depth: Numbers
    deferred: pa.Table
    impossible: pa.Table

    @property
    def deepest(self) -> int:
        """The greatest depth."""
        return int(self.depth.max(initial=0))

    def depths(self) -> Iterator[pa.RecordBatch]:
        """``record`` and ``depth`` of whoever is below another, in batches."""
        for start in range(0, len(self.depth), _BATCH_ROWS):
            part = self.depth[start : start + _BATCH_ROWS]
            places = np.flatnonzero(part)
            if len(places):
                yield pa.record_batch({"record": places + start, "depth": part[places]})


def order_records(edges: Edges, required: Collection[tuple[str, str]]) -> RecordOrder:
    """Depth 0 has no parent inside the entity. Loops are opened at optional links; what cannot be opened is impossible.

    ``required`` lists the (mapping, field) pairs that cannot be set later.
    """
    peel = _read(edges())
    peel.take_away(peel.tops())
    deferred: list[tuple[int, str]] = []
    if peel.is_left.any():
        deferred = _without_loops(peel, _Rest.read(edges(), peel.is_left, required))
    left = np.flatnonzero(peel.is_left)
    peel.depth[left] = 0
    return RecordOrder(peel.depth, _pairs(deferred), pa.table({"record": left}))


class _Peel:
    """References from parents to children, and how many parents each record still waits for.

    ``children`` stand in the order of parents; those of parent ``n`` begin at ``first[n]``.
    """

    def __init__(self, first: Numbers, children: Numbers) -> None:
        self._first = first
        self._children = children
        self._waiting = np.zeros(len(first) - 1, dtype=np.int32)
        for start in range(0, len(children), _BATCH_ROWS):
            found, times = np.unique(children[start : start + _BATCH_ROWS], return_counts=True)
            self._waiting[found] += times.astype(np.int32)
        self.depth = np.zeros(len(first) - 1, dtype=np.int32)

    @property
    def is_left(self) -> npt.NDArray[np.bool_]:
        """Which records were not taken away: those in loops and those that hang on them."""
        return self._waiting > 0

    def tops(self) -> Numbers:
        """The records that have children and wait for nobody."""
        return np.flatnonzero((self._waiting == 0) & (self._first[1:] > self._first[:-1])).astype(np.int32)

    def take_away(self, tops: Numbers) -> None:
        """Takes away records that wait for nobody, and whoever waits for nobody else then."""
        ready = [tops]
        while ready:
            some = ready.pop()
            for start in range(0, len(some), _BATCH_ROWS):
                below = self._below(some[start : start + _BATCH_ROWS])
                if len(below):
                    ready.append(below)

    def cut(self, parent: int, child: int) -> None:
        """Forgets one reference; the child may be taken away then."""
        start, end = self._first[parent], self._first[parent + 1]
        place = start + int(np.flatnonzero(self._children[start:end] == child)[0])
        self._children[place] = -1
        self._waiting[child] -= 1

    def _below(self, parents: Numbers) -> Numbers:
        starts, ends = self._first[parents], self._first[parents + 1]
        reached = self._children[_ranges(starts, ends)]
        depths = np.repeat(self.depth[parents] + np.int32(1), ends - starts)
        is_uncut = reached >= 0
        reached, depths = reached[is_uncut], depths[is_uncut]
        np.maximum.at(self.depth, reached, depths)
        np.subtract.at(self._waiting, reached, np.int32(1))
        return np.unique(reached[self._waiting[reached] == 0])


@dataclass(frozen=True, slots=True)
class _Rest:
    """The references among the records that are left, in a stable order: numbers of child, parent and name."""

    children: Numbers
    parents: Numbers
    names: Numbers
    fields: tuple[tuple[str, str], ...]
    required: Collection[tuple[str, str]]

    @staticmethod
    def read(
        edges: Iterable[pa.RecordBatch], is_left: npt.NDArray[np.bool_], required: Collection[tuple[str, str]]
    ) -> _Rest:
        """Those of some edges that join two records that are left."""
        fields: dict[tuple[str, str], int] = {}
        parts = [part for batch in edges for part in _parts(batch, is_left, fields)]
        children, parents, names = (np.concatenate(column) for column in zip(*parts, strict=True))
        ranks = np.argsort(np.argsort(np.array([f"{mapping}\0{field}" for mapping, field in fields])))
        order = np.lexsort((parents, children, ranks[names]))
        return _Rest(children[order], parents[order], names[order], tuple(fields), required)

    def kept(self, mask: npt.NDArray[np.bool_]) -> _Rest:
        """The references under a mask."""
        return _Rest(self.children[mask], self.parents[mask], self.names[mask], self.fields, self.required)

    def in_loops(self) -> npt.NDArray[np.intp]:
        """Which of them remain when whoever has no children is taken away from below, again and again."""
        upwards = np.argsort(self.children, kind="stable")
        size = int(max(self.children.max(initial=0), self.parents.max(initial=0))) + 1
        times = np.bincount(self.children, minlength=size)
        peel = _Peel(_starts(times), self.parents[upwards])
        peel.take_away(peel.tops())
        return np.flatnonzero(peel.is_left[self.parents] & peel.is_left[self.children])


def _without_loops(peel: _Peel, rest: _Rest) -> list[tuple[int, str]]:
    """Opens loops until none is left that can be opened; returns record and field of the links to be set later."""
    deferred: list[tuple[int, str]] = []
    while opened := _open_loops(rest, rest.in_loops()):
        for number in opened:
            peel.cut(int(rest.parents[number]), int(rest.children[number]))
            deferred.append((int(rest.children[number]), rest.fields[rest.names[number]][1]))
        free = np.unique(rest.children[opened])
        peel.take_away(free[~peel.is_left[free]])
        keep = peel.is_left[rest.children] & peel.is_left[rest.parents]
        keep[opened] = False
        rest = rest.kept(keep)
    return deferred


def _open_loops(rest: _Rest, candidates: npt.NDArray[np.intp]) -> list[int]:
    """One optional reference of each loop among the candidates; the first in order wins, so the choice is stable."""
    import networkx as nx  # noqa: PLC0415 - a fifth of a second that only records in loops need

    graph: nx.DiGraph[int] = nx.DiGraph()
    for i in candidates.tolist():
        pair = (int(rest.parents[i]), int(rest.children[i]))
        is_required = rest.fields[rest.names[i]] in rest.required
        if not graph.has_edge(*pair) or is_required:
            graph.add_edge(*pair, number=i, required=is_required)
    opened = []
    for component in nx.strongly_connected_components(graph):
        inside = graph.subgraph(component).edges(data=True)
        optional = [data["number"] for _, _, data in inside if not data["required"]]
        if optional:
            opened.append(min(optional))
    return opened


def _read(edges: Iterable[pa.RecordBatch]) -> _Peel:
    """The references as numbers only; ``edges`` come in the order of parents."""
    children, counts, size = [np.zeros(0, dtype=np.int32)], [], 0
    for batch in edges:
        if batch.num_rows:
            children.append(batch["child"].to_numpy().astype(np.int32))
            counts.append(np.unique(batch["parent"].to_numpy(), return_counts=True))
            size = max(size, int(children[-1].max()) + 1, int(counts[-1][0][-1]) + 1)
    times = np.zeros(size, dtype=np.int32)
    for parents, count in counts:
        times[parents] += count.astype(np.int32)
    return _Peel(_starts(times), np.concatenate(children))


def _starts(times: npt.NDArray[np.integer]) -> Numbers:
    """Where each record's references begin, and where the last one's end."""
    starts = np.zeros(len(times) + 1, dtype=np.int32)
    np.cumsum(times, out=starts[1:])
    return starts


def _parts(
    batch: pa.RecordBatch, is_left: npt.NDArray[np.bool_], fields: dict[tuple[str, str], int]
) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """References of a batch among the records left, one part a field; new fields get the next number."""
    pairs = pa.Table.from_batches([batch]).select(["mapping", "field"]).group_by(["mapping", "field"]).aggregate([])
    for pair in pairs.to_pylist():
        name = fields.setdefault((pair["mapping"], pair["field"]), len(fields))
        mask = pc.and_(pc.equal(batch["mapping"], pair["mapping"]), pc.equal(batch["field"], pair["field"]))
        rows = batch.filter(mask)
        child, parent = (rows[column].to_numpy().astype(np.int32) for column in ("child", "parent"))
        keep = is_left[child] & is_left[parent]
        yield child[keep], parent[keep], np.full(int(keep.sum()), name, dtype=np.int32)


def _ranges(starts: Numbers, ends: Numbers) -> npt.NDArray[np.int64]:
    """The concatenation of ``range(start, end)`` for every pair."""
    lengths = (ends - starts).astype(np.int64)
    offsets = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    places: npt.NDArray[np.int64] = np.arange(len(offsets), dtype=np.int64) + offsets
    return places


def _pairs(pairs: Iterable[tuple[int, str]]) -> pa.Table:
    records = [record for record, _ in pairs]
    fields = [field for _, field in pairs]
    return pa.table({"record": pa.array(records, pa.int64()), "field": pa.array(fields, pa.string())})
