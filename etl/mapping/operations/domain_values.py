"""Runs readers written in plain Python over columns: once for each distinct value, so that a slow library is cheap.

The libraries are an extra. They are asked for when an operation is bound, so that a missing one is a mistake of the
mapping, found by lint, and never an error in the middle of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.records import JsonValue
from etl.mapping.operations.model import INVALID, Applied, BoundOperation, OperationMistake, marks, on_text

Reader: TypeAlias = Callable[[str], "str | None"]
"""Gives a trimmed, non-blank text's result: None for a good blank. Raises :class:`Unreadable`."""


class Unreadable(Exception):
    """This text has no certain reading; becomes an ``invalid_value`` of its row."""


@contextmanager
def people_libraries(name: str) -> Iterator[None]:
    """Imports of the extra happen inside; a missing library becomes an OperationMistake."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise OperationMistake(
            f"`{name}` needs a library that is not installed ({error.name}).",
            'Install the extra: `pip install "casebook-etl[people]"`.',
        ) from None


def on_distinct(name: str, argument: JsonValue, read: Reader) -> BoundOperation:
    """An operation that reads each distinct text once; blank text is null and no error."""
    return replace(on_text(name, argument, lambda texts, _: _applied(texts, read)), alone=True)


def from_table(
    name: str, argument: JsonValue, table: Mapping[str, str | None], form: Callable[[pa.Array], pa.Array]
) -> BoundOperation:
    """An operation that looks texts up in a table, a column at a time; what is not there is an error.

    Texts and spellings are compared in the same ``form``; where two spellings become one, the first counts.
    """
    spelled, values = form(pa.array(list(table), pa.string())), pa.array(list(table.values()), pa.string())

    def kernel(texts: pa.Array) -> Applied:
        written = form(texts)
        found = pc.take(values, pc.index_in(written, spelled))
        failed = pc.and_(pc.fill_null(pc.not_equal(written, ""), False), pc.is_null(found))
        return Applied(found, marks(INVALID, failed))

    return on_text(name, argument, lambda texts, _: kernel(texts))


def _applied(texts: pa.Array, read: Reader) -> Applied:
    encoded = texts.dictionary_encode()
    read_values, failures = [], []
    for text in pc.utf8_trim_whitespace(encoded.dictionary).to_pylist():
        value, failed = _read(text, read)
        read_values.append(value)
        failures.append(failed)
    values = pc.take(pa.array(read_values, pa.string()), encoded.indices)
    failed_rows = pc.fill_null(pc.take(pa.array(failures, pa.bool_()), encoded.indices), False)
    return Applied(values, marks(INVALID, failed_rows))


def _read(text: str, read: Reader) -> tuple[str | None, bool]:
    try:
        return (read(text) or None, False) if text else (None, False)
    except Unreadable:
        return None, True
