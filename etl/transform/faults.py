"""What went wrong in a field, column-wise: which rows, by which cause, and the text that caused it (never shown)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.mapping.model import OnUnmapped
from etl.transform.rows import Rows


@dataclass(frozen=True, slots=True)
class Fault:
    """One cause in some rows. ``positions`` and ``texts`` run in parallel.

    ``cause`` names an operation, a crosswalk or a column. ``unmapped`` is the crosswalk's policy where one caused it;
    ``harmless`` marks what changes nothing about the value, such as a cut.
    """

    code: str
    cause: str
    positions: pa.Array
    texts: pa.Array
    unmapped: OnUnmapped | None = None
    harmless: bool = False

    def where(self, keep: pa.BooleanArray) -> Fault:
        """The fault in those of its rows that ``keep`` (parallel to them) names."""
        return replace(self, positions=self.positions.filter(keep), texts=self.texts.filter(keep))


@dataclass(frozen=True, slots=True)
class Computed:
    """The values of a field, one a record, with the faults found on the way."""

    values: pa.Array
    faults: tuple[Fault, ...] = ()


def in_records(faults: Iterable[Fault], rows: Rows, records: pa.BooleanArray) -> tuple[Fault, ...]:
    """The faults of some records only (a mask over records)."""
    kept = (fault.where(pc.take(records, rows.records_of(fault.positions))) for fault in faults)
    return tuple(fault for fault in kept if len(fault.positions))


def first_of_each_record(faults: Iterable[Fault], rows: Rows) -> tuple[Fault, ...]:
    """The faults with every record in the first of them only: one problem for each record and field."""
    seen = pa.repeat(pa.scalar(False), rows.count)
    kept = []
    for fault in faults:
        fresh = _first_in_fault(fault, rows)
        fresh = fresh.where(pc.invert(pc.take(seen, rows.records_of(fresh.positions))))
        seen = pc.or_(seen, mask_of(rows.records_of(fresh.positions), rows.count))
        kept.append(fresh)
    return tuple(fault for fault in kept if len(fault.positions))


def _first_in_fault(fault: Fault, rows: Rows) -> Fault:
    return fault if rows.groups is None else fault.where(first_in_record(fault.positions, rows))


def first_in_record(positions: pa.Array, rows: Rows) -> pa.BooleanArray:
    """Which of some rows come first in their records."""
    order = whole_numbers(len(positions))
    table = pa.table({"record": rows.records_of(positions), "order": order})
    firsts = table.group_by("record", use_threads=False).aggregate([("order", "min")])["order_min"]
    return mask_of(firsts.combine_chunks(), len(positions))


def mask_of(numbers: pa.Array, count: int) -> pa.BooleanArray:
    """A mask of ``count`` that is true at the given numbers."""
    return pc.is_in(whole_numbers(count), value_set=numbers.cast(pa.int64()))
