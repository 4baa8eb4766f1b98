"""Where the fields of each mapping come from, and how often they hold something before and after: shares, never values.

A field that was filled in the source and is not afterwards was lost on the way; nothing in the ledger of rows would tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.core.batching import file_batches
from etl.report.bounds import proven
from etl.report.facts import BATCH_ROWS, MappedField, MappingFact, RunFacts, RunFiles


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
    before.count(files, snapshot)
    after = _Filled([[each.name] for each in mapping.fields])
    after.count(files, f"records/mapped/{mapping.name}.parquet")
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
        self._columns = list(dict.fromkeys(name for group in groups for name in group))

    def count(self, files: RunFiles, name: str) -> None:
        """Takes the rows of a file, a row group at a time; of it only the columns of which its bounds do not tell all."""
        if not self._columns or not files.has(name):
            return
        with files.opened(name, texts_once=True) as file:
            for number in range(file.num_row_groups):
                group = file.metadata.row_group(number)
                rows, held = group.num_rows, proven(group, self._columns)
                self._rows += rows
                known = [_known(group, held, rows) for group in self._groups]
                self._filled = [before + (more or 0) for before, more in zip(self._filled, known, strict=True)]
                self._look(file, number, [at for at, count in enumerate(known) if count is None])

    def _look(self, file: pq.ParquetFile, number: int, unknown: Sequence[int]) -> None:
        """Counts in a row group what fills the groups of columns of which it is not known."""
        columns = list(dict.fromkeys(name for at in unknown for name in self._groups[at]))
        for batch in file_batches(file, BATCH_ROWS, columns, [number]) if columns else ():
            held = {name: _holds(batch[name]) for name in columns}
            for at in unknown:
                self._filled[at] += _any([held[name] for name in self._groups[at]]).true_count

    def share(self, at: int) -> float | None:
        """The share of the rows in which a group holds something; None where it has no column or there are no rows."""
        return self._filled[at] / self._rows if self._groups[at] and self._rows else None


def _known(group: Sequence[str], held: Mapping[str, int], rows: int) -> int | None:
    """The rows in which a group of columns holds something, by what each is known to hold; None where one must look."""
    if len(group) > 1:
        return rows if rows in (held.get(name) for name in group) else None
    return held.get(group[0]) if group else 0


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
