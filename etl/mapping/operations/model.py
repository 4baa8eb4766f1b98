"""What an operation is: a typed step that takes whole columns and gives a column with marks, and never raises for data.

Null and blank text are the same here: every operation leaves null null, and text that comes out blank becomes null.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue


class ValueType(StrEnum):
    """The type of a column between two operations."""

    TEXT = "text"
    TEXTS = "texts"
    DATE = "date"
    DATETIME = "datetime"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of such a column."""
        return _ARROW[self]


_ARROW = {
    ValueType.TEXT: pa.string(),
    ValueType.TEXTS: pa.list_(pa.string()),
    ValueType.DATE: pa.date32(),
    ValueType.DATETIME: pa.timestamp("us", tz="UTC"),
    ValueType.INTEGER: pa.int64(),
    ValueType.NUMBER: pa.float64(),
    ValueType.BOOLEAN: pa.bool_(),
}


class OperationMistake(Exception):
    """A step that cannot be: unknown operation, wrong argument, wrong chain. Found when mappings are checked."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Context:
    """What operations may know of the world: the snapshot's date in the project's time zone, and that zone."""

    today: dt.date
    timezone: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Rows to which a problem code applies: ``rows`` is a boolean column without nulls."""

    code: str
    rows: pa.BooleanArray


@dataclass(frozen=True, slots=True)
class Applied:
    """An operation's result. Rows marked in ``errors`` are null in ``values``; rows marked in ``warnings`` keep theirs."""

    values: pa.Array
    errors: tuple[Mark, ...] = ()
    warnings: tuple[Mark, ...] = ()


Run: TypeAlias = Callable[[Sequence[pa.Array], Context], Applied]
Kernel: TypeAlias = Callable[[pa.Array, Context], Applied]

INVALID = "invalid_value"
OUTSIDE = "out_of_range"
CUT = "too_long"


@dataclass(frozen=True, slots=True)
class BoundOperation:
    """An operation with its checked argument.

    ``joins``: takes several columns and gives one. ``columns`` are further source columns that it reads; its inputs are
    the pipeline's columns (one of them, unless it joins) followed by these. With neither the result depends on each value
    alone, so that a caller may run it on distinct values. ``alone``: it calls code that is not ours value by value, which no two threads may be
    in at once.
    """

    name: str
    argument: JsonValue = field(hash=False)
    consumes: ValueType
    produces: ValueType
    run: Run = field(compare=False, repr=False)
    joins: bool = False
    columns: tuple[str, ...] = ()
    alone: bool = False

    def apply(self, inputs: Sequence[pa.Array], context: Context) -> Applied:
        """One column from the inputs (unless it joins exactly one, and its further columns), of the Arrow type of ``produces``."""
        applied = self.run(inputs, context)
        if self.produces is not ValueType.TEXT:
            return applied
        return Applied(without_blanks(applied.values), applied.errors, applied.warnings)

    def on(self, *values: str | None, today: str = "2026-01-31", timezone: str = "America/New_York") -> list[JsonValue]:
        """The results for some texts, as examples show them: dates as ISO text, an error as ``!`` and its code."""
        applied = self.apply([pa.array(values, pa.string())], Context(dt.date.fromisoformat(today), timezone))
        return _shown(applied)

    def on_columns(self, *columns: Sequence[str | None]) -> list[JsonValue]:
        """The results of an operation that joins, or reads further columns, for some columns."""
        applied = self.apply([pa.array(each, pa.string()) for each in columns], Context(dt.date(2026, 1, 31), "UTC"))
        return _shown(applied)


def without_blanks(texts: pa.Array) -> pa.Array:
    """Texts with "" turned into null."""
    blank = pc.equal(texts, "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), texts) if pc.any(blank).as_py() else texts


def without_empty_cells(texts: pa.Array) -> pa.Array:
    """Texts in which cells of white space only are null; others keep their outer blanks."""
    blank = pc.equal(texts, "")
    if pc.any(pc.utf8_is_space(texts)).as_py():
        # Arrow takes more for white space than counts here, but hardly any column has a cell in doubt.
        blank = pc.match_substring_regex(texts, r"^[\s\p{Z}]*$")
    return pc.if_else(blank, pa.scalar(None, pa.string()), texts) if pc.any(blank).as_py() else texts


def checked(before: pa.Array, values: pa.Array) -> Applied:
    """Values, with an ``invalid_value`` where a value went in and none came out."""
    failed = pc.and_(pc.is_valid(before), pc.is_null(values))
    return Applied(values, marks(INVALID, failed))


def marks(code: str, rows: pa.BooleanArray) -> tuple[Mark, ...]:
    """The mark, or nothing where no row has it."""
    return (Mark(code, rows),) if pc.any(rows).as_py() else ()


def on_text(name: str, argument: JsonValue, kernel: Kernel, produces: ValueType = ValueType.TEXT) -> BoundOperation:
    """An operation on one column of text."""
    return BoundOperation(name, argument, ValueType.TEXT, produces, lambda inputs, context: kernel(inputs[0], context))


def plain(name: str, argument: JsonValue, change: Callable[[pa.Array], pa.Array]) -> BoundOperation:
    """A text operation that cannot fail."""
    return on_text(name, argument, lambda texts, _: Applied(change(texts)))


def _shown(applied: Applied) -> list[JsonValue]:
    shown = [_plain(value) for value in applied.values.to_pylist()]
    for mark in applied.errors:
        for row in pc.indices_nonzero(mark.rows).to_pylist():
            shown[row] = f"!{mark.code}"
    return shown


def _plain(value: object) -> JsonValue:
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | list) else None
