"""Turns the parse tree of a condition into nodes that compute columns, and finds what the grammar alone cannot.

A node knows whether it is a predicate or a value, which columns it reads and whether it asks about a group; all three
are settled here, so that evaluation needs no checks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from lark import Token, Transformer, v_args

from etl.mapping.comparisons import as_date, as_number, as_text, calculated, compared, is_blank, like, without_blanks
from etl.mapping.operations import readers


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

    ``constant`` holds the value of a literal. ``offset`` is its place in the text.
    """

    evaluate: Compute
    predicate: bool
    offset: int
    columns: frozenset[str] = frozenset()
    grouped: bool = False
    constant: pa.Scalar | None = field(default=None)


def _node(compute: Compute, predicate: bool, parts: Sequence[Node], offset: int | None = None) -> Node:
    columns = frozenset[str]().union(*(part.columns for part in parts))
    where = parts[0].offset if offset is None else offset
    return Node(compute, predicate, where, columns, any(part.grouped for part in parts))


def _literal(value: pa.Scalar, offset: int) -> Node:
    return Node(lambda frame: pa.repeat(value, frame.length), False, offset, constant=value)


def _values(*parts: Node) -> None:
    for part in parts:
        if part.predicate:
            raise ExpressionMistake("A condition stands where a value is needed.", part.offset, "Compare values only.")


def _predicates(*parts: Node) -> None:
    for part in parts:
        if not part.predicate:
            raise ExpressionMistake("A value stands where a condition is needed.", part.offset, "Write `... = 'Y'`.")


def _opposite(node: Node) -> Node:
    return _node(lambda frame: pc.invert(node.evaluate(frame)), True, [node])


@v_args(inline=True)
class Compiler(Transformer[Token, Node]):
    """Builds the node of each rule of ``expressions.lark``."""

    def disjunction(self, *parts: Node) -> Node:
        """``a or b``."""
        _predicates(*parts)
        return _node(lambda frame: reduce(pc.or_, (part.evaluate(frame) for part in parts)), True, parts)

    def conjunction(self, *parts: Node) -> Node:
        """``a and b``."""
        _predicates(*parts)
        return _node(lambda frame: reduce(pc.and_, (part.evaluate(frame) for part in parts)), True, parts)

    def negation(self, part: Node) -> Node:
        """``not a``."""
        _predicates(part)
        return _opposite(part)

    def comparison(self, left: Node, sign: Token, right: Node) -> Node:
        """``a <= b``."""
        _values(left, right)

        def compute(frame: Frame) -> pa.Array:
            return compared(left.evaluate(frame), str(sign), right.evaluate(frame))

        return _node(compute, True, [left, right])

    def is_null(self, part: Node) -> Node:
        """``a is null``: blank."""
        _values(part)
        return _node(lambda frame: is_blank(part.evaluate(frame)), True, [part])

    def is_not_null(self, part: Node) -> Node:
        """``a is not null``."""
        return _opposite(self.is_null(part))

    def is_in(self, part: Node, *members: Node) -> Node:
        """``a in (b, c)``."""
        _values(part, *members)

        def compute(frame: Frame) -> pa.Array:
            value = part.evaluate(frame)
            return reduce(pc.or_, (compared(value, "=", member.evaluate(frame)) for member in members))

        return _node(compute, True, [part, *members])

    def is_not_in(self, part: Node, *members: Node) -> Node:
        """``a not in (b, c)``: true for a blank, like ``<>``."""
        return _opposite(self.is_in(part, *members))

    def like(self, part: Node, pattern: Node) -> Node:
        """``a like 'b%'``; the pattern is a literal."""
        _values(part, pattern)
        if pattern.constant is None:
            raise ExpressionMistake("`like` needs a text in quotes.", pattern.offset, "Write `NAME like 'A%'`.")
        return _node(lambda frame: like(part.evaluate(frame), pattern.evaluate(frame)), True, [part])

    def not_like(self, part: Node, pattern: Node) -> Node:
        """``a not like 'b%'``: true for a blank."""
        return _opposite(self.like(part, pattern))

    def arithmetic(self, left: Node, sign: Token, right: Node) -> Node:
        """``a + b`` and its kin."""
        _values(left, right)

        def compute(frame: Frame) -> pa.Array:
            return calculated(left.evaluate(frame), str(sign), right.evaluate(frame))

        return _node(compute, False, [left, right])

    def signed(self, sign: Token, part: Node) -> Node:
        """``-a``."""
        _values(part)
        factor = -1.0 if sign == "-" else 1.0
        return _node(lambda frame: pc.multiply(as_number(part.evaluate(frame)), factor), False, [part])

    def text(self, token: Token) -> Node:
        """``'it''s'``."""
        return _literal(pa.scalar(token[1:-1].replace("''", "'")), _place(token))

    def number(self, token: Token) -> Node:
        """``1.5``."""
        return _literal(pa.scalar(float(token)), _place(token))

    def column(self, token: Token) -> Node:
        """``NAME``, ``alias.NAME`` or ``"a name"``."""
        name = _column_name(token)
        return Node(lambda frame: frame.columns[name], False, _place(token), frozenset({name}))

    def true(self, token: Token) -> Node:
        """``true``."""
        return _literal(pa.scalar(True), _place(token))

    def false(self, token: Token) -> Node:
        """``false``."""
        return _literal(pa.scalar(False), _place(token))

    def call(self, name: Token, *arguments: Node) -> Node:
        """``upper(a)``."""
        called, place = name.lower(), _place(name)
        if called in _GROUP_FUNCTIONS:
            return _group_call(called, place, arguments)
        return _plain_call(called, place, arguments)


def _place(token: Token) -> int:
    return token.start_pos or 0


def _column_name(token: str) -> str:
    """The visible name: quotes around its pieces are taken off, doubled ones inside are one."""
    pieces, rest = [], token
    while rest:
        if rest.startswith('"'):
            end = _closing(rest)
            pieces.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 2 :]
        else:
            piece, _, rest = rest.partition(".")
            pieces.append(piece)
    return ".".join(pieces)


def _closing(text: str) -> int:
    position = text.index('"', 1)
    while text[position + 1 : position + 2] == '"':
        position = text.index('"', position + 2)
    return position


# ---------------------------------------------------------------- functions of a row


@dataclass(frozen=True, slots=True)
class _Function:
    least: int
    most: int
    compute: Callable[[Sequence[pa.Array], Frame], pa.Array]


def _literal_number(values: Sequence[pa.Array]) -> int:
    return int(as_number(values[1])[0].as_py() or 0) if len(values[1]) else 0


def _left(values: Sequence[pa.Array], _: Frame) -> pa.Array:
    return pc.utf8_slice_codeunits(as_text(values[0]), 0, max(_literal_number(values), 0))


def _right(values: Sequence[pa.Array], _: Frame) -> pa.Array:
    count = max(_literal_number(values), 0)
    texts = as_text(values[0])
    return pc.utf8_slice_codeunits(texts, -count, None) if count else pc.utf8_slice_codeunits(texts, 0, 0)


def _date(values: Sequence[pa.Array], _: Frame) -> pa.Array:
    if len(values) == 1 or not len(values[1]):
        return as_date(values[0])
    return readers.dates(as_text(values[0]), readers.date_format(values[1][0].as_py()))


def _coalesce(values: Sequence[pa.Array], _: Frame) -> pa.Array:
    filled = [without_blanks(value) for value in values]
    alike = len({value.type for value in filled}) == 1
    return pc.coalesce(*(filled if alike else map(as_text, filled)))


def _today(_: Sequence[pa.Array], frame: Frame) -> pa.Array:
    if frame.today is None:
        raise ValueError("an expression with today() was evaluated without the snapshot's date")
    return pa.repeat(pa.scalar(frame.today, pa.date32()), frame.length)


_FUNCTIONS = {
    "upper": _Function(1, 1, lambda values, _: pc.utf8_upper(as_text(values[0]))),
    "lower": _Function(1, 1, lambda values, _: pc.utf8_lower(as_text(values[0]))),
    "trim": _Function(1, 1, lambda values, _: pc.utf8_trim_whitespace(as_text(values[0]))),
    "length": _Function(1, 1, lambda values, _: pc.utf8_length(without_blanks(as_text(values[0])))),
    "number": _Function(1, 1, lambda values, _: as_number(values[0])),
    "date": _Function(1, 2, _date),
    "left": _Function(2, 2, _left),
    "right": _Function(2, 2, _right),
    "coalesce": _Function(1, 99, _coalesce),
    "today": _Function(0, 0, _today),
}
_LITERAL_SECOND = {"left", "right", "date"}
_GROUP_FUNCTIONS = {"any", "all", "count"}


def functions() -> tuple[str, ...]:
    """The names of all functions, in alphabetical order."""
    return tuple(sorted(_GROUP_FUNCTIONS | set(_FUNCTIONS)))


def _plain_call(name: str, place: int, arguments: Sequence[Node]) -> Node:
    function = _FUNCTIONS.get(name)
    if function is None:
        raise ExpressionMistake(f"There is no function {name!r}.", place, f"There are: {', '.join(functions())}.")
    _check_arguments(name, place, arguments, function)

    def compute(frame: Frame) -> pa.Array:
        return function.compute([argument.evaluate(frame) for argument in arguments], frame)

    return _node(compute, False, arguments, place)


def _check_arguments(name: str, place: int, arguments: Sequence[Node], function: _Function) -> None:
    _values(*arguments)
    if not function.least <= len(arguments) <= function.most:
        raise ExpressionMistake(f"{name!r} takes another number of arguments.", place, f"It takes {function.least}.")
    if name in _LITERAL_SECOND and len(arguments) > 1 and arguments[1].constant is None:
        raise ExpressionMistake(f"The second argument of {name!r} must be written out.", arguments[1].offset)
    if name in _LITERAL_SECOND and len(arguments) > 1:
        (_check_format if name == "date" else _check_count)(arguments[1])


def _check_count(node: Node) -> None:
    count = node.constant.as_py() if node.constant is not None else None
    if not isinstance(count, float) or not count.is_integer():
        raise ExpressionMistake("A whole number is needed here.", node.offset, "Write `left(NAME, 3)`.")


def _check_format(node: Node) -> None:
    written = str(node.constant.as_py() if node.constant is not None else "")
    try:
        form = readers.date_format(written)
    except ValueError as error:
        raise ExpressionMistake(f"'date' cannot read this format: {error}.", node.offset, "As in '%m/%d/%Y'.") from None
    if "y" in form.parts:
        raise ExpressionMistake("A two-digit year does not say its century.", node.offset, "Use %Y.")


# ---------------------------------------------------------------- functions of a group


def _group_call(name: str, place: int, arguments: Sequence[Node]) -> Node:
    if len(arguments) != 1:
        raise ExpressionMistake(f"{name!r} takes one argument.", place, f"Write `{name}(STATUS = 'A')`.")
    inner = arguments[0]
    if inner.grouped:
        raise ExpressionMistake("Functions of a group cannot stand inside each other.", inner.offset)
    if name != "count":
        _predicates(inner)
    return Node(_group_compute(name, inner), name != "count", place, inner.columns, grouped=True)


def _group_compute(name: str, inner: Node) -> Compute:
    def compute(frame: Frame) -> pa.Array:
        values = inner.evaluate(frame)
        rows = values if inner.predicate else pc.invert(is_blank(values))
        groups = frame.groups or Groups.of(pa.array(range(len(rows)), pa.int64()))
        trues = groups.trues(rows)
        return pc.take(_of_group(name, trues, groups), groups.ids)

    return compute


def _of_group(name: str, trues: pa.Array, groups: Groups) -> pa.Array:
    if name == "count":
        return trues
    return pc.greater(trues, 0) if name == "any" else pc.equal(trues, groups.sizes())
