"""What went wrong in a field, column-wise: which rows, by which cause, and the text that caused it (never shown)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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

    def with_more(self, other: Fault) -> Fault:
        """The fault in the rows of another one too."""
        positions = pa.concat_arrays([self.positions, other.positions])
        return replace(self, positions=positions, texts=pa.concat_arrays([self.texts, other.texts]))


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
    """The faults with every record in the first of them only: one problem for each record and field.

    Codes that no crosswalk decides are told each, once a record: every one of them needs an answer of its own.
    """
    joined = _joined_by_crosswalk(faults)
    if not joined:
        return ()
    told = by_others = pa.repeat(pa.scalar(False), rows.count)
    kept = []
    for fault in joined:
        is_code = fault.unmapped is not None
        fresh = _once_a_record(fault, rows, by_text=is_code)
        fresh = fresh.where(pc.invert(pc.take(by_others if is_code else told, rows.records_of(fresh.positions))))
        here = mask_of(rows.records_of(fresh.positions), rows.count)
        told, by_others = pc.or_(told, here), by_others if is_code else pc.or_(by_others, here)
        kept.append(fresh)
    return tuple(fault for fault in kept if len(fault.positions))


def _once_a_record(fault: Fault, rows: Rows, *, by_text: bool) -> Fault:
    if rows.groups is None and not by_text:
        return fault
    return fault.where(first_in_record(fault.positions, rows, fault.texts if by_text else None))


def _joined_by_crosswalk(faults: Iterable[Fault]) -> Collection[Fault]:
    """Faults of the same crosswalk as one, so that a code in several columns is told once; the others as they are."""
    found: dict[object, Fault] = {}
    for number, fault in enumerate(faults):
        name = number if fault.unmapped is None else (fault.code, fault.cause, fault.unmapped)
        before = found.get(name)
        found[name] = fault if before is None else before.with_more(fault)
    return found.values()


def first_in_record(positions: pa.Array, rows: Rows, texts: pa.Array | None = None) -> pa.BooleanArray:
    """Which of some rows come first in their records; with ``texts``, first with their text."""
    order = whole_numbers(len(positions))
    columns = {"record": rows.records_of(positions), **({} if texts is None else {"text": texts})}
    table = pa.table({**columns, "order": order})
    firsts = table.group_by(list(columns), use_threads=False).aggregate([("order", "min")])["order_min"]
    return mask_of(firsts.combine_chunks(), len(positions))


def mask_of(numbers: pa.Array, count: int) -> pa.BooleanArray:
    """A mask of ``count`` that is true at the given numbers."""
    return pc.is_in(whole_numbers(count), value_set=numbers.cast(pa.int64()))
