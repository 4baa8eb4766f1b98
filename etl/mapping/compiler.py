"""Turns the parse tree of a condition into nodes, and finds the mistakes that the grammar alone cannot."""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from lark import Token, Transformer, v_args

from etl.mapping.calls import GROUP_FUNCTIONS, group_call, plain_call
from etl.mapping.comparisons import as_number, calculated, compared, contradicted, is_blank, like
from etl.mapping.nodes import (
    ExpressionMistake,
    Frame,
    Node,
    Use,
    literal,
    node_of,
    opposite,
    require_predicates,
    require_values,
)


@v_args(inline=True)
class Compiler(Transformer[Token, Node]):
    """Builds the node of each rule of ``expressions.lark``."""

    def disjunction(self, *parts: Node) -> Node:
        """``a or b``."""
        require_predicates(*parts)
        return node_of(
            lambda frame: reduce(pc.or_, (part.evaluate(frame) for part in parts)),
            True,
            parts,
            denial=lambda frame: reduce(pc.and_, (part.denies(frame) for part in parts)),
        )

    def conjunction(self, *parts: Node) -> Node:
        """``a and b``."""
        require_predicates(*parts)
        return node_of(
            lambda frame: reduce(pc.and_, (part.evaluate(frame) for part in parts)),
            True,
            parts,
            denial=lambda frame: reduce(pc.or_, (part.denies(frame) for part in parts)),
        )

    def negation(self, part: Node) -> Node:
        """``not a``."""
        require_predicates(part)
        return opposite(part)

    def comparison(self, left: Node, sign: Token, right: Node) -> Node:
        """``a <= b``."""
        require_values(left, right)

        def compute(frame: Frame) -> pa.Array:
            return compared(left.evaluate(frame), str(sign), right.evaluate(frame))

        def deny(frame: Frame) -> pa.Array:
            return contradicted(left.evaluate(frame), str(sign), right.evaluate(frame))

        return node_of(compute, True, [left, right], denial=deny, uses=[Use("alike", (left, right))])

    def is_null(self, part: Node) -> Node:
        """``a is null``: blank."""
        require_values(part)
        return node_of(lambda frame: is_blank(part.evaluate(frame)), True, [part])

    def is_not_null(self, part: Node) -> Node:
        """``a is not null``."""
        return opposite(self.is_null(part))

    def is_in(self, part: Node, *members: Node) -> Node:
        """``a in (b, c)``."""
        require_values(part, *members)

        def compute(frame: Frame) -> pa.Array:
            value = part.evaluate(frame)
            return reduce(pc.or_, (compared(value, "=", member.evaluate(frame)) for member in members))

        def deny(frame: Frame) -> pa.Array:
            value = part.evaluate(frame)
            return reduce(pc.and_, (contradicted(value, "=", member.evaluate(frame)) for member in members))

        uses = [Use("alike", (part, member)) for member in members]
        return node_of(compute, True, [part, *members], denial=deny, uses=uses)

    def is_not_in(self, part: Node, *members: Node) -> Node:
        """``a not in (b, c)``: true for a blank, like ``<>``."""
        return opposite(self.is_in(part, *members))

    def like(self, part: Node, pattern: Node) -> Node:
        """``a like 'b%'``; the pattern is a literal."""
        require_values(part, pattern)
        if pattern.constant is None:
            raise ExpressionMistake("`like` needs a text in quotes.", pattern.offset, "Write `NAME like 'A%'`.")

        def compute(frame: Frame) -> pa.Array:
            return like(part.evaluate(frame), pattern.evaluate(frame))

        def deny(frame: Frame) -> pa.Array:
            return pc.and_not(pc.invert(is_blank(part.evaluate(frame))), compute(frame))

        return node_of(compute, True, [part], denial=deny, uses=[Use("single", (part,))])

    def not_like(self, part: Node, pattern: Node) -> Node:
        """``a not like 'b%'``: true for a blank."""
        return opposite(self.like(part, pattern))

    def arithmetic(self, left: Node, sign: Token, right: Node) -> Node:
        """``a + b`` and its kin."""
        require_values(left, right)

        def compute(frame: Frame) -> pa.Array:
            return calculated(left.evaluate(frame), str(sign), right.evaluate(frame))

        asks = "difference" if sign == "-" else "number"
        return node_of(compute, False, [left, right], gives="number", uses=[Use(asks, (left, right))])

    def signed(self, sign: Token, part: Node) -> Node:
        """``-a``."""
        require_values(part)
        factor = -1.0 if sign == "-" else 1.0

        def compute(frame: Frame) -> pa.Array:
            return pc.multiply(as_number(part.evaluate(frame)), factor)

        return node_of(compute, False, [part], gives="number", uses=[Use("number", (part,))])

    def text(self, token: Token) -> Node:
        """``'it''s'``."""
        return literal(pa.scalar(token[1:-1].replace("''", "'")), _place(token))

    def number(self, token: Token) -> Node:
        """``1.5``."""
        return literal(pa.scalar(float(token)), _place(token))

    def column(self, token: Token) -> Node:
        """``NAME``, ``alias.NAME`` or ``"a name"``."""
        name = _column_name(token)
        return Node(lambda frame: frame.columns[name], False, _place(token), frozenset({name}), name=name)

    def true(self, token: Token) -> Node:
        """``true``."""
        return literal(pa.scalar(True), _place(token))

    def false(self, token: Token) -> Node:
        """``false``."""
        return literal(pa.scalar(False), _place(token))

    def call(self, name: Token, *arguments: Node) -> Node:
        """``upper(a)``."""
        called, place = name.lower(), _place(name)
        if called in GROUP_FUNCTIONS:
            return group_call(called, place, arguments)
        return plain_call(called, place, arguments)


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
