"""The rows of one batch that may become records, with their groups.

Without groups every row is a record. With groups the first row of each supplies plain columns, and only `take` and the
functions of a group look at the others; a batch never holds part of a group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.core.records import GROUP, LINE, ROW
from etl.mapping.expressions import Expression, Groups
from etl.mapping.operations.model import without_empty_cells
from etl.transform.distinct import Lane, lane


@dataclass(slots=True)
class Rows:
    """Rows and records of a batch. A position counts from 0 among the rows, a record's number among the records.

    Cells of white space only are blank from here on.
    """

    batch: pa.RecordBatch
    today: dt.date
    groups: Groups | None
    leaders: pa.Array | None
    _lanes: dict[tuple[str, bool], Lane] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: pa.RecordBatch, today: dt.date) -> Rows:
        """The rows of a batch, grouped where it says so."""
        if GROUP not in batch.schema.names:
            return cls(batch, today, None, None)
        groups = Groups.of(batch[GROUP])
        return cls(batch, today, groups, _first_positions(groups))

    @property
    def count(self) -> int:
        """The number of records."""
        return self.batch.num_rows if self.groups is None else self.groups.count

    @property
    def columns(self) -> Mapping[str, pa.Array]:
        """All columns by name, as expressions read them."""
        return dict(zip(self.batch.schema.names, self.batch.columns, strict=True))

    def lane(self, name: str, *, every_row: bool) -> Lane:
        """A source column, of every row or of the rows that lead."""
        wanted = (name, every_row or self.leaders is None)
        if wanted not in self._lanes:
            column = self.batch[name] if wanted[1] else self.leading(self.batch[name])
            found = lane(column)
            self._lanes[wanted] = found.with_values(without_empty_cells(found.values))
        return self._lanes[wanted]

    def column(self, name: str, *, every_row: bool = False) -> pa.Array:
        """A source column spread over its rows."""
        return self.lane(name, every_row=every_row).spread()

    def leading(self, values: pa.Array) -> pa.Array:
        """Of values one a row, those of the rows that lead: one a record."""
        return values if self.leaders is None else pc.take(values, self.leaders)

    def holds(self, expression: Expression) -> pa.BooleanArray:
        """For each record whether a condition holds on the row that leads it."""
        return self.leading(expression.evaluate(self.columns, groups=self.groups, today=self.today))

    def positions(self, records: pa.Array) -> pa.Array:
        """The rows that lead some records."""
        return records if self.leaders is None else pc.take(self.leaders, records)

    def records_of(self, positions: pa.Array) -> pa.Array:
        """The records that some rows belong to."""
        return positions if self.groups is None else pc.take(self.groups.ids, positions)

    def places(self, positions: pa.Array) -> pa.RecordBatch:
        """Record number and line in the source of some rows."""
        return self.batch.select([ROW, LINE]).take(positions)


def _first_positions(groups: Groups) -> pa.Array:
    table = pa.table({"group": groups.ids, "position": whole_numbers(len(groups.ids))})
    return table.group_by("group", use_threads=False).aggregate([("position", "min")])["position_min"].combine_chunks()
