"""Judges whether a rule compares what can be compared: a date with a date, a number with a number, no list with anything.

Fields have the types of the catalogue. What comes from the source is text that says itself what it is, and so is what a
function makes of text: these meet every type.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import combinations

import pyarrow as pa

from etl.catalog.model import Kind
from etl.mapping.expressions import Expression, ExpressionMistake
from etl.mapping.model import Field
from etl.mapping.nodes import Node, Use

_KINDS = {
    Kind.DATE: "date",
    Kind.DATETIME: "date",
    Kind.INTEGER: "number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "truth",
    Kind.OBJECT: "list",
}
_SAID = {"date": "a date", "number": "a number", "truth": "true or false", "list": "a list", "text": "text"}
_READING = {"date": "`date(...)` reads text as a date.", "number": "`number(...)` reads text as a number."}
_TRUTHS = {"true", "false"}


def type_of_field(field: Field) -> str:
    """What a field holds: a date, a number, a truth, text, or a list (of which only `is null` can be asked)."""
    if field.link is not None and field.link.many:
        return "list"
    return _KINDS.get(field.attribute.kind, "text") if field.attribute is not None else "text"


def type_mistakes(expression: Expression, fields: Mapping[str, Field]) -> Iterator[ExpressionMistake]:
    """Every place where a condition asks of a value what its type cannot give."""
    types = {name: type_of_field(field) for name, field in fields.items()}
    for use in expression.node.uses:
        found = next(_wrong(use, types), None)
        if found is not None:
            yield found


def _wrong(use: Use, types: Mapping[str, str]) -> Iterator[ExpressionMistake]:
    for part in use.parts:
        found = _type(part, types)
        if found == "list":
            hint = "Of a list, only `is null` and `is not null` can be asked."
            yield ExpressionMistake(f"`{part.name}` is a list.", part.offset, hint)
        elif use.asks in {"number", "date"} and not _fits(part, found, use.asks):
            message = f"{_named(part)} is {_SAID[found]}, where {_SAID[use.asks]} is needed."
            yield ExpressionMistake(message, part.offset, _hint(found, use.asks))
    if use.asks in {"alike", "difference"}:
        for left, right in combinations(use.parts, 2):
            yield from _unlike(use, left, right, types)


def _unlike(use: Use, left: Node, right: Node, types: Mapping[str, str]) -> Iterator[ExpressionMistake]:
    first, second = _type(left, types), _type(right, types)
    if "list" in {first, second}:
        return
    if not (_fits(left, first, second) or _fits(right, second, first)):
        message = f"{_named(left)} is {_SAID[first]}, {_named(right).lower()} is {_SAID[second]}."
        kind = first if second == "text" else second
        yield ExpressionMistake(message, left.offset, _hint("text" if "text" in {first, second} else "", kind))
    elif use.asks == "difference" and {first, second} <= {"text", "truth"}:
        yield ExpressionMistake("A difference is of two numbers or two dates.", left.offset, _READING["number"])


def _type(node: Node, types: Mapping[str, str]) -> str:
    """The type of a value; "" where it is text that may mean any."""
    if node.constant is not None:
        kind = node.constant.type
        return "number" if pa.types.is_floating(kind) else "truth" if pa.types.is_boolean(kind) else "text"
    return types.get(node.name, "") if node.name else node.gives


def _fits(part: Node, found: str, wanted: str) -> bool:
    """Whether a value of a type may stand where another is wanted; a text that is written out may be any that it spells."""
    if found == wanted or "" in {found, wanted}:
        return True
    return found == "text" and part.constant is not None and _spells(str(part.constant.as_py()), wanted)


def _spells(text: str, wanted: str) -> bool:
    try:
        if wanted == "date":
            dt.date.fromisoformat(text)
        elif wanted == "number":
            float(text)
    except ValueError:
        return False
    return wanted != "truth" or text in _TRUTHS


def _named(part: Node) -> str:
    if part.name:
        return f"`{part.name}`"
    return "What is written" if part.constant is not None else "What is computed"


def _hint(found: str, wanted: str) -> str:
    return _READING.get(wanted, "Compare it with what it holds.") if found == "text" else "Compare values of one type."
