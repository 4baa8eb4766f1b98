"""The functions of conditions: those of a row, and any, all and count, which look at a row's whole group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.mapping.comparisons import as_date, as_number, as_text, is_blank, without_blanks
from etl.mapping.nodes import (
    Compute,
    ExpressionMistake,
    Frame,
    Groups,
    Node,
    Use,
    node_of,
    require_predicates,
    require_values,
)
from etl.mapping.operations import readers

# ---------------------------------------------------------------- functions of a row


@dataclass(frozen=True, slots=True)
class _Function:
    least: int
    most: int
    compute: Callable[[Sequence[pa.Array], Frame], pa.Array]
    gives: str = ""
    asks: str = "single"


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


def _years(values: Sequence[pa.Array], _: Frame) -> pa.Array:
    """Full years from one day to another, as ages are counted; blank where a day is, negative where the order is wrong."""
    first, second = as_date(values[0]), as_date(values[1])
    passed = pc.subtract(pc.year(second), pc.year(first))
    months, days = pc.subtract(pc.month(second), pc.month(first)), pc.subtract(pc.day(second), pc.day(first))
    before = pc.or_(pc.less(months, 0), pc.and_(pc.equal(months, 0), pc.less(days, 0)))
    return pc.subtract(passed, before.cast(pa.int64())).cast(pa.float64())


_FUNCTIONS = {
    "upper": _Function(1, 1, lambda values, _: pc.utf8_upper(as_text(values[0]))),
    "lower": _Function(1, 1, lambda values, _: pc.utf8_lower(as_text(values[0]))),
    "trim": _Function(1, 1, lambda values, _: pc.utf8_trim_whitespace(as_text(values[0]))),
    "length": _Function(1, 1, lambda values, _: pc.utf8_length(without_blanks(as_text(values[0]))), "number"),
    "number": _Function(1, 1, lambda values, _: as_number(values[0]), "number"),
    "date": _Function(1, 2, _date, "date"),
    "left": _Function(2, 2, _left),
    "right": _Function(2, 2, _right),
    "coalesce": _Function(1, 99, _coalesce),
    "years": _Function(2, 2, _years, "number", "date"),
    "today": _Function(0, 0, _today, "date"),
}
_LITERAL_SECOND = {"left", "right", "date"}
GROUP_FUNCTIONS = {"any", "all", "count"}


def functions() -> tuple[str, ...]:
    """The names of all functions, in alphabetical order."""
    return tuple(sorted(GROUP_FUNCTIONS | set(_FUNCTIONS)))


def plain_call(name: str, place: int, arguments: Sequence[Node]) -> Node:
    """A function of a row. Raises ExpressionMistake for an unknown name or wrong arguments."""
    function = _FUNCTIONS.get(name)
    if function is None:
        raise ExpressionMistake(f"There is no function {name!r}.", place, f"There are: {', '.join(functions())}.")
    _check_arguments(name, place, arguments, function)

    def compute(frame: Frame) -> pa.Array:
        return function.compute([argument.evaluate(frame) for argument in arguments], frame)

    asked = arguments[:1] if name in _LITERAL_SECOND else arguments
    uses = [Use(function.asks, (each,)) for each in asked]
    return node_of(compute, False, arguments, place, gives=function.gives, uses=uses)


def _check_arguments(name: str, place: int, arguments: Sequence[Node], function: _Function) -> None:
    require_values(*arguments)
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


def group_call(name: str, place: int, arguments: Sequence[Node]) -> Node:
    """A function of a group. Raises ExpressionMistake for wrong arguments."""
    if len(arguments) != 1:
        raise ExpressionMistake(f"{name!r} takes one argument.", place, f"Write `{name}(STATUS = 'A')`.")
    inner = arguments[0]
    if inner.grouped:
        raise ExpressionMistake("Functions of a group cannot stand inside each other.", inner.offset)
    if name != "count":
        require_predicates(inner)
    return replace(node_of(_group_compute(name, inner), name != "count", [inner], place), grouped=True)


def _group_compute(name: str, inner: Node) -> Compute:
    def compute(frame: Frame) -> pa.Array:
        values = inner.evaluate(frame)
        rows = values if inner.predicate else pc.invert(is_blank(values))
        groups = frame.groups or Groups.of(whole_numbers(len(rows)))
        trues = groups.trues(rows)
        return pc.take(_of_group(name, trues, groups), groups.ids)

    return compute


def _of_group(name: str, trues: pa.Array, groups: Groups) -> pa.Array:
    if name == "count":
        return trues
    return pc.greater(trues, 0) if name == "any" else pc.equal(trues, groups.sizes())
