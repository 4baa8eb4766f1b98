"""Where the fields of each mapping come from, and how often they hold something before and after: shares, never values.

A field that was filled in the source and is not afterwards was lost on the way; nothing in the ledger of rows would tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.ahead import made_ahead
from etl.report.facts import MappedField, MappingFact, RunFacts, RunFiles

THREADS = 2
"""How many batches are counted at a time."""


@dataclass(frozen=True, slots=True)
class FieldCoverage:
    """A target field, the columns and crosswalks that feed it, and the shares of rows and records that hold something;
    None where a share is not known (a joined table's column, a constant).
    """

    name: str
    columns: tuple[str, ...]
    crosswalks: tuple[str, ...]
    kind: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class MappingCoverage:
    """One mapping's fields."""

    mapping: str
    entity: str
    table: str
    fields: tuple[FieldCoverage, ...]


def coverage(files: RunFiles, facts: RunFacts) -> list[MappingCoverage]:
    """Every mapping, in the order of the manifest."""
    columns = {table.table: table.columns for table in facts.snapshot}
    return [_of_mapping(files, each, columns.get(each.table, ())) for each in facts.mappings if each.fields]


def _of_mapping(files: RunFiles, mapping: MappingFact, known: Sequence[str]) -> MappingCoverage:
    source, _, table = mapping.table.partition(".")
    before = _Filled([[name for name in each.columns if name in known] for each in mapping.fields])
    snapshot = f"snapshot/{quote(source, safe='')}.{quote(table, safe='')}.parquet"
    before.count(files.batches(snapshot, before.columns, texts_once=True))
    after = _Filled([[each.name] for each in mapping.fields])
    after.count(files.batches(f"records/mapped/{mapping.name}.parquet", after.columns, texts_once=True))
    fields = (_of_field(each, before.share(at), after.share(at)) for at, each in enumerate(mapping.fields))
    return MappingCoverage(mapping.name, mapping.entity, mapping.table, tuple(fields))


def _of_field(field: MappedField, before: float | None, after: float | None) -> FieldCoverage:
    return FieldCoverage(field.name, field.columns, field.crosswalks, field.kind, before, after)


class _Filled:
    """Counts, for several groups of columns, the rows in which any column of the group holds something."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self._groups = groups
        self._filled = [0] * len(groups)
        self._rows = 0
        self.columns = list(dict.fromkeys(name for group in groups for name in group))

    def count(self, batches: Iterator[pa.RecordBatch]) -> None:
        for rows, filled in made_ahead(self._counted, batches, THREADS) if self.columns else ():
            self._rows += rows
            self._filled = [before + more for before, more in zip(self._filled, filled, strict=True)]

    def _counted(self, batch: pa.RecordBatch) -> tuple[int, list[int]]:
        """The rows of a batch, and of each group those that it fills."""
        held = {name: _holds(batch[name]) for name in self.columns}
        filled = [_any([held[name] for name in group]).true_count if group else 0 for group in self._groups]
        return batch.num_rows, filled

    def share(self, at: int) -> float | None:
        """The share of the rows in which a group holds something; None where it has no column or there are no rows."""
        return self._filled[at] / self._rows if self._groups[at] and self._rows else None


def _any(masks: Sequence[pa.Array]) -> pa.Array:
    found = masks[0]
    for each in masks[1:]:
        found = pc.or_(found, each)
    return found


def _holds(column: pa.Array) -> pa.Array:
    """Which cells hold something: neither null nor blank nor an empty list."""
    if pa.types.is_dictionary(column.type):
        return pc.fill_null(pc.take(_holds(column.dictionary), column.indices), False)
    if pa.types.is_string(column.type):
        return pc.fill_null(pc.and_not(pc.greater(pc.binary_length(column), 0), pc.utf8_is_space(column)), False)
    if pa.types.is_list(column.type):
        return pc.fill_null(pc.greater(pc.list_value_length(column), 0), False)
    return pc.is_valid(column)
