"""What faults do to their records: the named policies of the field, and the problems that tell of it.

The values of cells never reach a problem: a detail shows the operation and, where the text is no narrative, its shape.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from etl.catalog.model import Kind
from etl.core.counting import whole_numbers
from etl.core.decisions import SHAPE_END
from etl.core.errors import TooManyProblems
from etl.core.problems import Severity, problem_code
from etl.mapping.model import Field, OnError, OnUnmapped
from etl.transform.faults import Fault, mask_of
from etl.transform.rows import Rows

_BLOCKING = {OnError.QUARANTINE, OnUnmapped.QUARANTINE, OnUnmapped.ASK}
_STOPPING = {OnError.FAIL, OnUnmapped.FAIL}
_OPEN_CLASSES = {None, "", "none", "demographic"}
_LONGEST = 20
_OTHERS = (r"[^\x20-\x7e]", "?")
_SHAPES = ((r"\p{N}", "9"), (r"[\p{L}\p{M}]", "a"), _OTHERS)
_ASCII_SHAPES = (("[0-9]", "9"), ("[A-Za-z]", "a"), _OTHERS)
"""The same for ASCII: the tables of Unicode are put together anew each time that they are named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault with its consequence, ready to be told."""

    code: str
    severity: Severity
    positions: pa.Array
    details: pa.Array


def policy_of(fault: Fault, field: Field) -> OnError | OnUnmapped:
    """The policy that the field has for this fault."""
    return field.on_error if fault.unmapped is None else fault.unmapped


def stop_if_asked(faults: Iterable[Fault], field: Field, rows: Rows, table: str) -> None:
    """Raises TooManyProblems for a fault whose policy is `fail`."""
    for fault in faults:
        if policy_of(fault, field) in _STOPPING and not fault.harmless:
            row = rows.places(fault.positions.slice(0, 1))["_row"][0].as_py()
            raise TooManyProblems(
                f"{problem_code(fault.code).title}: field `{field.name}`, row {row} of {table}; its policy is `fail`.",
                hint=f"{problem_code(fault.code).remedy} Or choose another policy at "
                f"{field.position.file}:{field.position.line}:{field.position.column}.",
            )


def severity_of(fault: Fault, field: Field) -> Severity:
    """How far the fault reaches under its policy."""
    blocks = policy_of(fault, field) in _BLOCKING and not fault.harmless
    return Severity.BLOCK if blocks else Severity.WARN


def mended(values: pa.Array, faults: Iterable[Fault], field: Field, rows: Rows, filling: pa.Array) -> pa.Array:
    """The values with the field's default, or with the text as it came, where `on_error` asks for it.

    The text as it came can stand only in a field of text; elsewhere `warn` leaves the field empty.
    """
    for fault in faults:
        if fault.unmapped is not None or fault.harmless:
            continue
        records = rows.records_of(fault.positions)
        if field.on_error is OnError.DEFAULT:
            values = pc.if_else(pc.and_(pc.is_null(values), mask_of(records, rows.count)), filling, values)
        elif field.on_error is OnError.WARN and pa.types.is_string(values.type):
            place = pc.index_in(whole_numbers(rows.count), records)
            values = pc.coalesce(values, pc.take(fault.texts, place))
    return values


def findings(faults: Iterable[Fault], field: Field) -> list[Finding]:
    """The faults with severity and details."""
    return [Finding(each.code, severity_of(each, field), each.positions, _details(each, field)) for each in faults]


def _details(fault: Fault, field: Field) -> pa.Array:
    pii = field.pii if field.attribute is None else field.pii or field.attribute.pii
    if fault.unmapped is not None:
        return _code_details(fault, open_to_read=pii in _OPEN_CLASSES)
    if pii == "text" or (field.attribute is not None and field.attribute.kind is Kind.TEXT):
        return _constant(fault.cause, fault)
    return pc.utf8_rtrim_whitespace(_joined(f"{fault.cause} ", pc.fill_null(shapes(fault.texts), "")))


def _code_details(fault: Fault, *, open_to_read: bool) -> pa.Array:
    """The crosswalk and, unless the field tells who somebody is, the code: without it nobody can decide."""
    start = f"crosswalk {fault.cause}"
    return _joined(f"{start}: ", _cut(fault.texts)) if open_to_read else _constant(start, fault)


def _constant(text: str, fault: Fault) -> pa.Array:
    return pa.repeat(pa.scalar(text), len(fault.positions))


def _joined(start: str, texts: pa.Array, end: str = "") -> pa.Array:
    return pc.binary_join_element_wise(start, texts, end, "")


def _cut(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.greater(pc.utf8_length(texts), _LONGEST), _joined("", shapes(texts), SHAPE_END), texts)


def shapes(texts: pa.Array) -> pa.Array:
    """What texts look like without what they say: digits as 9, letters as a, twenty characters at most.

    >>> shapes(pa.array(["12/ab/2020"])).to_pylist()
    ['99/aa/9999']
    """
    short = pc.utf8_slice_codeunits(texts, 0, _LONGEST)
    is_plain = pc.all(pc.string_is_ascii(short)).as_py() is not False
    for pattern, sign in _ASCII_SHAPES if is_plain else _SHAPES:
        short = pc.replace_substring_regex(short, pattern, sign)
    return short
