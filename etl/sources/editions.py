"""A source that comes in several editions, read under the names that mappings use: what `varies` declares, applied to batches.

It stands around any adapter, so that everything behind it (snapshot, lint, drafts) sees one set of columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from etl.core.errors import SourceUnreadable
from etl.core.ports import Source, TableFacts
from etl.mapping.model import VaryingColumn, VaryingTable


class EditionSource:
    """Gives columns the names that mappings use, and blank ones for optional columns that this edition lacks."""

    def __init__(self, inner: Source, varies: Mapping[str, VaryingTable]) -> None:
        self.name = inner.name
        self._inner = inner
        self._varies = varies

    def tables(self) -> Sequence[str]:
        """The tables of this edition, sorted."""
        return self._inner.tables()

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches as the adapter gives them; blank columns come last. Raises SourceUnreadable too where one column stands
        under two of its names.
        """
        batches = self._inner.read(table, batch_rows)
        varying = self._varies.get(table)
        if varying is None:
            yield from batches
            return
        first = next(batches)
        names = _names(first.schema.names, varying.columns, f"{self.name}.{table}")
        blank = [name for name, each in varying.columns.items() if each.optional and name not in names]
        yield _restated(first, names, blank)
        for batch in batches:
            yield _restated(batch, names, blank)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end, as it was found."""
        return self._inner.facts(table)


def _names(found: Sequence[str], columns: Mapping[str, VaryingColumn], place: str) -> list[str]:
    """The names that mappings use for the columns found, in their order."""
    renamed: dict[str, str] = {}
    for name, each in columns.items():
        there = [other for other in (name, *each.also) if other in found]
        if len(there) > 1:
            hint = f"They are declared as the same column in `varies`: correct it, or take one out of {place}."
            raise SourceUnreadable(f"{place} has both {there[0]} and {there[1]}.", hint=hint)
        renamed |= dict.fromkeys(there, name)
    return [renamed.get(name, name) for name in found]


def _restated(batch: pa.RecordBatch, names: Sequence[str], blank: Sequence[str]) -> pa.RecordBatch:
    columns = dict(zip(names, batch.columns, strict=True))
    columns |= dict.fromkeys(blank, pa.nulls(batch.num_rows, pa.string()))
    return pa.record_batch(columns)
