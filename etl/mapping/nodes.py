"""The parts of a condition that was parsed: how each computes its column, and what is known of it beforehand.

A node knows whether it is a predicate or a value, which columns it reads and whether it asks about a group; all three
are settled when the condition is parsed, so that evaluation needs no checks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc


class ExpressionMistake(Exception):
    """A text that is no condition. ``offset`` counts characters from 0."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Groups:
    """Which group each row belongs to: ``ids`` (int64) are dense from 0, in the order of first appearance."""

    ids: pa.Array
    count: int

    @classmethod
    def of(cls, numbers: pa.Array) -> Groups:
        """The groups of a column that has one number a group."""
        encoded = numbers.dictionary_encode()
        return cls(encoded.indices.cast(pa.int64()), len(encoded.dictionary))

    def trues(self, rows: pa.BooleanArray) -> pa.Array:
        """How many rows of each group hold (int64, one a group)."""
        table = pa.table({"group": self.ids, "rows": rows.cast(pa.int64())})
        return table.group_by("group", use_threads=False).aggregate([("rows", "sum")])["rows_sum"].combine_chunks()

    def sizes(self) -> pa.Array:
        """How many rows each group has."""
        return self.trues(pa.repeat(pa.scalar(True), len(self.ids)))


@dataclass(frozen=True, slots=True)
class Frame:
    """What an expression is evaluated on."""

    columns: Mapping[str, pa.Array]
    groups: Groups | None
    today: dt.date | None

    @property
    def length(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())))


Compute: TypeAlias = Callable[[Frame], pa.Array]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression: how its column is computed and what is known of it beforehand.

    ``constant`` holds the value of a literal, ``name`` that of a column. ``offset`` is its place in the text. ``denial``
    computes where a predicate is certainly false; None means: wherever it is not true. ``gives`` is the type of its values
    where it has one whatever the columns hold; ``uses`` tells what it and its parts ask of the types of values.
    """

    evaluate: Compute
    predicate: bool
    offset: int
    columns: frozenset[str] = frozenset()
    grouped: bool = False
    constant: pa.Scalar | None = field(default=None)
    denial: Compute | None = None
    name: str = ""
    gives: str = ""
    uses: tuple[Use, ...] = ()

    def denies(self, frame: Frame) -> pa.Array:
        """Where this predicate is certainly false: a comparison with a blank decides nothing."""
        return self.denial(frame) if self.denial is not None else pc.invert(self.evaluate(frame))


@dataclass(frozen=True, slots=True)
class Use:
    """What a node asks of its parts: to be of one type (``alike``), numbers, dates, the one or the other (``difference``),
    or no more than single values (``single``).
    """

    asks: str
    parts: tuple[Node, ...]


def node_of(
    compute: Compute,
    predicate: bool,
    parts: Sequence[Node],
    offset: int | None = None,
    denial: Compute | None = None,
    gives: str = "",
    uses: Sequence[Use] = (),
) -> Node:
    """A node over other nodes: it reads and asks what they do. ``offset`` is that of the first part unless given."""
    columns = frozenset[str]().union(*(part.columns for part in parts))
    where = parts[0].offset if offset is None else offset
    asked = (*(use for part in parts for use in part.uses), *uses)
    is_grouped = any(part.grouped for part in parts)
    return Node(compute, predicate, where, columns, is_grouped, denial=denial, gives=gives, uses=asked)


def literal(value: pa.Scalar, offset: int) -> Node:
    """A node of one constant value."""
    return Node(lambda frame: pa.repeat(value, frame.length), False, offset, constant=value)


def require_values(*parts: Node) -> None:
    """Raises ExpressionMistake at the first part that is a condition."""
    for part in parts:
        if part.predicate:
            raise ExpressionMistake("A condition stands where a value is needed.", part.offset, "Compare values only.")


def require_predicates(*parts: Node) -> None:
    """Raises ExpressionMistake at the first part that is a value."""
    for part in parts:
        if not part.predicate:
            raise ExpressionMistake("A value stands where a condition is needed.", part.offset, "Write `... = 'Y'`.")


def opposite(node: Node) -> Node:
    """The negation of a predicate."""
    return node_of(lambda frame: pc.invert(node.evaluate(frame)), True, [node], denial=node.evaluate)
