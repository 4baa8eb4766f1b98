"""How a column's text becomes a field's value: the operations that its shapes ask for, and what they leave open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etl.catalog.model import Attribute, Kind
from etl.core import intake
from etl.core.intake import Column
from etl.mapping.draft.keys import flags
from etl.mapping.draft.model import Written
from etl.mapping.draft.terms import Terms

_Shape = intake.Kind
_PIVOT = 30


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of a field as a document says it, and what a person must decide about it."""

    value: Written
    decide: str = ""


def reading(column: Column, attribute: Attribute, terms: Terms) -> Reading:
    """How an attribute that has no list of options is read from a column."""
    match attribute.kind:
        case Kind.DATE | Kind.DATETIME:
            return _dated(column, attribute)
        case Kind.BOOLEAN:
            return _boolean(column)
        case Kind.INTEGER | Kind.NUMBER:
            return Reading({"from": column.name, "do": [attribute.kind.value]})
        case _:
            return Reading(_text(column, attribute, terms))


def _text(column: Column, attribute: Attribute, terms: Terms) -> Written:
    step = terms.readings.get(attribute.name)
    if step is not None:
        return {"from": column.name, "do": [step]} | ({} if attribute.required else {"on_error": "empty"})
    if attribute.pii == "name":
        return {"from": column.name, "do": ["trim", "squeeze"]}
    return column.name


def _boolean(column: Column) -> Reading:
    yes, no = flags(column)
    if yes or no:
        return Reading({"from": column.name, "do": [{"boolean": _lists(yes, no)}]})
    return Reading({"from": column.name, "do": ["boolean"]}, "which codes mean yes, and which no?")


def _lists(yes: list[str], no: list[str]) -> dict[str, Written]:
    named: dict[str, Written] = {"true_if": list(yes), "false_if": list(no)}
    return {name: each for name, each in named.items() if each}


def _dated(column: Column, attribute: Attribute) -> Reading:
    formats = list(dict.fromkeys(_formats(column)))
    step = attribute.kind.value
    argument: dict[str, Written] = {"in": list(formats)} if formats else {}
    if any("%y" in each for each in formats):
        argument["pivot"] = _PIVOT
    do: list[Written] = [{step: argument} if argument else step]
    return Reading({"from": column.name, "do": do}, _doubt(column, formats))


def _doubt(column: Column, formats: list[str]) -> str:
    if any("%y" in each for each in formats):
        return f"years of two digits: up to {_PIVOT} they are read as 20xx"
    order = column.day_order.verdict if column.day_order else ""
    if order == "mixed":
        return "some dates have the day first, others the month"
    if order == "ambiguous":
        return "no value shows whether day or month comes first"
    return "" if column.filled else "the column is empty: how are dates written in it?"


def _formats(column: Column) -> Iterator[str]:
    """The formats that the most frequent shapes show; none where all dates are in ISO form."""
    shapes = [each.text for each in column.shapes]
    kinds = [kind for kind, rows in column.kinds.items() if rows and kind is not _Shape.TEXT]
    for kind in kinds:
        if kind in (_Shape.DATE_LONG, _Shape.DATE_SHORT):
            yield from (
                _long(column, shape, "%Y" if kind is _Shape.DATE_LONG else "%y") for shape in _like(shapes, kind)
            )
        elif kind is _Shape.DATE_DIGITS:
            yield "%Y%m%d"
        elif kind is _Shape.DATE_ISO and len(kinds) > 1:
            yield from (_iso(shape) for shape in shapes if shape.startswith("9999"))


def _like(shapes: list[str], kind: _Shape) -> Iterator[str]:
    """The shapes with three parts whose year has four or two digits."""
    for shape in shapes:
        parts = shape.partition(" ")[0].replace("-", "/").replace(".", "/").split("/")
        wanted = "9999" if kind is _Shape.DATE_LONG else "99"
        if len(parts) == 3 and parts[2] == wanted and len(parts[0]) <= 2:  # noqa: PLR2004 - day, month, year
            yield shape


def _long(column: Column, shape: str, year: str) -> str:
    separator = next(each for each in shape if each in "-/.")
    is_day_first = column.day_order is not None and column.day_order.verdict == "day first"
    days = ("%d", "%m") if is_day_first else ("%m", "%d")
    return separator.join((*days, year)) + _time(shape)


def _iso(shape: str) -> str:
    separator = next((each for each in shape if each in "-/."), "-")
    return separator.join(("%Y", "%m", "%d")) + _time(shape)


def _time(shape: str) -> str:
    """The format of the time of day behind a date."""
    clock = shape.partition(" ")[2]
    if not clock:
        return ""
    is_twelve = clock.lower().endswith("a")
    seconds = ":%S" if clock.count(":") > 1 else ""
    return f" {'%I' if is_twelve else '%H'}:%M{seconds}{' %p' if is_twelve else ''}"
