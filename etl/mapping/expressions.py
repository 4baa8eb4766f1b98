"""Conditions of `where`, `when` and `check`: parsed once by a real parser, then evaluated on whole columns.

There are predicates and values. A predicate is never null (two-valued logic, see :mod:`etl.mapping.comparisons`), so that
``not`` means what it says; names are columns, and what a name's column holds decides how it is compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import pyarrow as pa
from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from etl.mapping.compiler import Compiler
from etl.mapping.nodes import ExpressionMistake, Frame, Groups, Node

__all__ = ["Expression", "ExpressionMistake", "Groups", "parse"]

_EXAMPLE = "An example: STATUS = 'A' and CLOSED is null."


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition ready to be evaluated.

    ``columns`` are the visible names it reads; ``grouped`` tells whether it asks about a group (any, all, count).
    """

    text: str
    columns: frozenset[str]
    grouped: bool
    node: Node = field(compare=False, repr=False)

    def evaluate(
        self, columns: Mapping[str, pa.Array], *, groups: Groups | None = None, today: dt.date | None = None
    ) -> pa.BooleanArray:
        """One truth a row, never null. Without ``groups`` each row is a group of its own.

        Columns of text are compared as numbers, dates or truths where the other side is one; text that is none of these
        counts as blank. ``columns`` holds at least one column, all of one length; ``today`` serves ``today()``.
        """
        return self.node.evaluate(Frame(columns, groups, today))

    def denies(self, columns: Mapping[str, pa.Array], *, today: dt.date | None = None) -> pa.BooleanArray:
        """One truth a row: whether the condition is certainly false. A comparison with a blank decides nothing, so a row
        may neither fulfil nor deny it.
        """
        return self.node.denies(Frame(columns, None, today))


def parse(text: str) -> Expression:
    """The expression of a text. Raises ExpressionMistake with the offset of the mistake in the text."""
    try:
        node = Compiler().transform(_parser().parse(text))
    except VisitError as error:
        if isinstance(error.orig_exc, ExpressionMistake):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _syntax_mistake(text, error) from None
    except RecursionError:
        raise ExpressionMistake("The condition is nested too deeply.", 0, "Split it into several fields.") from None
    if not node.predicate:
        raise ExpressionMistake("This is a value, not a condition.", 0, f"Compare it with something. {_EXAMPLE}")
    return Expression(text, node.columns, node.grouped, node)


def _syntax_mistake(text: str, error: UnexpectedInput) -> ExpressionMistake:
    offset = error.pos_in_stream
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if at_end or offset is None:
        return ExpressionMistake("The condition ends too early.", len(text), _EXAMPLE)
    if isinstance(error, UnexpectedCharacters) and text[offset] in "'\"":
        return ExpressionMistake(
            "A quote is never closed.", offset, "Text stands in '...', a column's name in \"...\"."
        )
    return ExpressionMistake(f"{_word_at(text, offset)!r} is not expected here.", offset, _EXAMPLE)


def _word_at(text: str, offset: int) -> str:
    return text[offset:].split(maxsplit=1)[0][:20]


@cache
def _parser() -> Lark:
    return Lark.open_from_package("etl.mapping", "expressions.lark", parser="lalr", maybe_placeholders=False)
