"""Brings a pipeline's result into the type of its attribute.

Text is read in its plain form only (ISO dates, ``true``, plain numbers), by the same operations that mappings name, so
that a short ``opened_on: EntryDate`` and its long form agree.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from etl.mapping.operations import BoundOperation, Context, ValueType, bind
from etl.mapping.operations.readers import instants

_PLAIN: dict[ValueType, BoundOperation] = {
    ValueType.DATE: bind("date", None),
    ValueType.DATETIME: bind("datetime", None),
    ValueType.INTEGER: bind("integer", None),
    ValueType.NUMBER: bind("number", None),
    ValueType.BOOLEAN: bind("boolean", None),
}


def plain_reader(values: pa.Array, wanted: ValueType) -> BoundOperation | None:
    """The operation that reads text as the wanted type; None where the values are no text or are to stay so."""
    return _PLAIN.get(wanted) if pa.types.is_string(values.type) else None


def widened(values: pa.Array, wanted: ValueType, context: Context) -> pa.Array:
    """Values that are no text to be read, in the wanted type: days begin at midnight in the project's time zone."""
    if values.type == wanted.arrow or pa.types.is_list(values.type):
        return values
    if wanted is ValueType.TEXT:
        return _as_text(values)
    if wanted is ValueType.DATETIME and pa.types.is_date32(values.type):
        midnight = values.cast(pa.timestamp("us"))
        return instants(midnight, pa.nulls(len(values), pa.int64()), context.timezone, "earliest")
    return values.cast(wanted.arrow)


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        return pc.replace_substring_regex(pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ"), r"\.0+Z$", "Z")
    if pa.types.is_floating(values.type):
        return pc.replace_substring_regex(values.cast(pa.string()), r"\.0$", "")
    return values.cast(pa.string())
