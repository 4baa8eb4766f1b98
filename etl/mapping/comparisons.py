"""What expressions compute on Arrow columns: two-valued comparisons and the readings of mixed types they need.

Every predicate column is free of nulls. A blank is null or empty text; a comparison with a blank is false, except
``<>`` with a value, which is true.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from etl.mapping.operations import readers

_KERNELS: dict[str, Callable[[pa.Array, pa.Array], pa.Array]] = {
    "=": pc.equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_ARITHMETIC: dict[str, Callable[[pa.Array, pa.Array], pa.Array]] = {
    "+": pc.add,
    "-": pc.subtract,
    "*": pc.multiply,
    "/": pc.divide,
}


def without_blanks(values: pa.Array) -> pa.Array:
    """The values with empty text turned into null."""
    if not pa.types.is_string(values.type):
        return values
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def is_blank(values: pa.Array) -> pa.BooleanArray:
    """Whether each value is null or empty text."""
    return pc.is_null(without_blanks(values))


def compared(left: pa.Array, sign: str, right: pa.Array) -> pa.BooleanArray:
    """The comparison of two columns of one length, each first read as the other's type where one is text."""
    left, right = _alike(without_blanks(left), without_blanks(right))
    if sign == "<>":
        both_blank = pc.and_(pc.is_null(left), pc.is_null(right))
        return pc.invert(pc.or_(pc.fill_null(pc.equal(left, right), False), both_blank))
    return pc.fill_null(_KERNELS[sign](left, right), False)


def contradicted(left: pa.Array, sign: str, right: pa.Array) -> pa.BooleanArray:
    """Where the comparison is certainly false: both sides have a value and it does not hold between them."""
    left, right = _alike(without_blanks(left), without_blanks(right))
    holds = pc.not_equal(left, right) if sign == "<>" else _KERNELS[sign](left, right)
    return pc.fill_null(pc.invert(holds), False)


def like(texts: pa.Array, pattern: pa.Array) -> pa.BooleanArray:
    """SQL's ``like`` with one pattern for all rows; false for a blank."""
    written = pattern[0].as_py() if len(pattern) else ""
    return pc.fill_null(pc.match_like(as_text(texts), written or ""), False)


def calculated(left: pa.Array, sign: str, right: pa.Array) -> pa.Array:
    """Arithmetic on numbers (float64), and the days between two dates (one may be text); blank where a part is blank or the divisor 0."""
    if sign == "-" and (_is_day(left.type) or _is_day(right.type)):
        return pc.subtract(*(day.cast(pa.int32()) for day in (as_date(left), as_date(right)))).cast(pa.float64())
    first, second = as_number(left), as_number(right)
    if sign == "/":
        second = pc.if_else(pc.equal(second, 0), pa.scalar(None, pa.float64()), second)
    return _ARITHMETIC[sign](first, second)


def as_number(values: pa.Array) -> pa.Array:
    """Float64; text that is no number, and every other type, is blank."""
    if pa.types.is_string(values.type):
        return readers.numbers(values)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return values.cast(pa.float64())
    return pa.nulls(len(values), pa.float64())


def as_date(values: pa.Array) -> pa.Array:
    """Date32; text is read in ISO form, a moment gives its day in UTC, every other type is blank."""
    if pa.types.is_string(values.type):
        return readers.dates(values, readers.ISO_DATE)
    if pa.types.is_timestamp(values.type):
        return pc.floor_temporal(values, unit="day").cast(pa.timestamp("us")).cast(pa.date32())
    return values if pa.types.is_date32(values.type) else pa.nulls(len(values), pa.date32())


def as_text(values: pa.Array) -> pa.Array:
    """Text: dates in ISO form, ``true`` and ``false``, whole numbers without a fraction."""
    if pa.types.is_floating(values.type):
        return pc.replace_substring_regex(values.cast(pa.string()), r"\.0$", "")
    return values.cast(pa.string())


def _is_day(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date32(kind) or pa.types.is_timestamp(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _alike(left: pa.Array, right: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Both columns in one type: that of the side which is no text."""
    if left.type == right.type:
        return left, right
    for belongs, read in ((_is_number, as_number), (_is_day, as_date), (pa.types.is_boolean, _as_truth)):
        if belongs(left.type) or belongs(right.type):
            return read(left), read(right)
    return as_text(left), as_text(right)


def _as_truth(values: pa.Array) -> pa.Array:
    return readers.truths(values) if pa.types.is_string(values.type) else values
