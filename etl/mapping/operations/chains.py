"""Which results of operations fit which attribute."""

from __future__ import annotations

from etl.catalog.model import Kind
from etl.mapping.operations.model import ValueType

_KIND_TYPES = {
    Kind.DATE: ValueType.DATE,
    Kind.DATETIME: ValueType.DATETIME,
    Kind.INTEGER: ValueType.INTEGER,
    Kind.NUMBER: ValueType.NUMBER,
    Kind.BOOLEAN: ValueType.BOOLEAN,
}
_WIDENING = {(ValueType.INTEGER, ValueType.NUMBER), (ValueType.DATE, ValueType.DATETIME)}


def type_of(kind: Kind | None) -> ValueType:
    """The column type of an attribute's kind; links and files (None) are text."""
    return ValueType.TEXT if kind is None else _KIND_TYPES.get(kind, ValueType.TEXT)


def fits(produced: ValueType, kind: Kind | None, *, many: bool = False) -> bool:
    """Whether a pipeline's result can become an attribute (or, with None, a link's label).

    Text fits everything: what is no text is read in its plain form (ISO dates, ``true``), and errors are problems of
    the data. Everything fits text. A list fits only where many values are held.
    """
    wanted = type_of(kind)
    if produced is ValueType.TEXTS:
        return many
    return ValueType.TEXT in {produced, wanted} or produced is wanted or (produced, wanted) in _WIDENING
