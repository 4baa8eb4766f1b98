"""One pipeline over a batch: columns through operations, a group into one value, codes through a crosswalk, into the type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.mapping.model import Pipeline, Take
from etl.mapping.operations import BoundOperation, Context, Mark, ValueType
from etl.mapping.operations.lists import listed, listed_once
from etl.mapping.operations.model import without_blanks
from etl.transform.decoding import Decoder, decode
from etl.transform.distinct import Lane, lane
from etl.transform.faults import Computed, Fault
from etl.transform.fitting import plain_reader, widened
from etl.transform.rows import Rows

_BETWEEN = "; "
_TYPED_TAKES = {Take.FIRST, Take.LAST, Take.MIN, Take.MAX}


@dataclass(slots=True)
class PipelineRun:
    """A pipeline at work on one batch; ``faults`` gathers what goes wrong, in the order of the steps."""

    rows: Rows
    pipeline: Pipeline
    wanted: ValueType
    context: Context
    default: str | None
    decoder: Decoder | None
    faults: list[Fault]

    @property
    def every_row(self) -> bool:
        """Whether it looks at all rows of a group and not at the first alone."""
        return self.pipeline.take is not None

    def run(self) -> Computed:
        """Values in the wanted type (or lists of text), one a record."""
        lanes = [self.rows.lane(name, every_row=self.every_row) for name in self.pipeline.columns]
        for operation in self.pipeline.operations:
            lanes = self._step(operation, lanes)
        if self.every_row:
            lanes = [lane(self._taken(each)) for each in lanes]
        if self.decoder is not None:
            lanes = [Lane(self._decoded(lanes))]
        fitted = self._fitted(lanes[0], on_records=True).spread()
        values = _members_once(fitted) if pa.types.is_list(fitted.type) else fitted
        return Computed(values, tuple(self.faults))

    def fit(self, texts: pa.Array) -> Computed:
        """Texts that stand one a record, in the wanted type."""
        fitted = self._fitted(Lane(texts), on_records=True)
        return Computed(fitted.spread(), tuple(self.faults))

    def _step(self, operation: BoundOperation, lanes: list[Lane]) -> list[Lane]:
        more = [self.rows.column(name, every_row=self.every_row) for name in operation.columns]
        if operation.joins:
            applied = operation.apply([*(each.spread() for each in lanes), *more], self.context)
            return [Lane(applied.values)]
        # What depends on other columns too is worked out row by row.
        return [self._apply(operation, Lane(each.spread()) if more else each, more) for each in lanes]

    def _apply(self, operation: BoundOperation, before: Lane, more: Sequence[pa.Array]) -> Lane:
        applied = operation.apply([before.values, *more], self.context)
        for mark in applied.errors:
            self._note(mark, operation.name, before)
        for mark in applied.warnings:
            self._note(mark, operation.name, before, harmless=True)
        return before.with_values(applied.values)

    def _note(self, mark: Mark, cause: str, before: Lane, *, on_records: bool = False, harmless: bool = False) -> None:
        numbers = pc.indices_nonzero(before.spread(mark.rows)).cast(pa.int64())
        held = numbers if before.indices is None else pc.take(before.indices, numbers)
        texts = pc.take(before.values, held).cast(pa.string())
        self._add(Fault(mark.code, cause, numbers, texts, harmless=harmless), on_records=on_records)

    def _add(self, fault: Fault, *, on_records: bool) -> None:
        """Keeps a fault; where values stood one a record, its numbers become positions of rows."""
        if on_records or not self.every_row:
            positions = self.rows.positions(fault.positions)
            fault = Fault(fault.code, fault.cause, positions, fault.texts, fault.unmapped, fault.harmless)
        self.faults.append(fault)

    def _fitted(self, before: Lane, *, on_records: bool) -> Lane:
        reader = plain_reader(before.values, self.wanted)
        if reader is None:
            return before.with_values(widened(before.values, self.wanted, self.context))
        texts = before.with_values(without_blanks(before.values))
        applied = reader.apply([texts.values], self.context)
        for mark in applied.errors:
            self._note(Mark("wrong_type", mark.rows), str(self.wanted), texts, on_records=on_records)
        return before.with_values(applied.values)

    # ------------------------------------------------------------ groups

    def _taken(self, before: Lane) -> pa.Array:
        take = self.pipeline.take
        typed = take in _TYPED_TAKES and self.decoder is None
        values = (self._fitted(before, on_records=False) if typed else before).spread()
        return _TAKERS[take](self.rows, values) if take else self.rows.leading(values)

    # ------------------------------------------------------------ crosswalk

    def _decoded(self, lanes: list[Lane]) -> pa.Array:
        columns = [each.spread() for each in lanes]
        if len(columns) == 1 and pa.types.is_list(columns[0].type):
            return self._decoded_lists(columns[0])
        return self._labels(columns, whole_numbers(len(columns[0])))

    def _decoded_lists(self, lists: pa.ListArray) -> pa.Array:
        owners = pc.list_parent_indices(lists).cast(pa.int64())
        return listed(owners, self._labels([pc.list_flatten(lists)], owners), len(lists))

    def _labels(self, columns: list[pa.Array], records: pa.Array) -> pa.Array:
        use = self.pipeline.crosswalk
        if use is None or self.decoder is None:
            return columns[0]
        decoded = decode(self.decoder, use, columns, self.default)
        for code in ("unmapped_value", "open_decision"):
            found = pc.fill_null(pc.equal(decoded.problems, code), False)
            if pc.any(found).as_py():
                fault = Fault(
                    code, use.crosswalk.name, records.filter(found), decoded.codes.filter(found), use.on_unmapped
                )
                self._add(fault, on_records=True)
        return decoded.labels


def _members_once(lists: pa.ListArray) -> pa.ListArray:
    """Two codes may mean the same: each member counts once, where it comes first."""
    return listed_once(pc.list_parent_indices(lists).cast(pa.int64()), pc.list_flatten(lists), len(lists))


# ---------------------------------------------------------------- one value of a group


def _aggregated(how: str) -> Callable[[Rows, pa.Array], pa.Array]:
    def take(rows: Rows, values: pa.Array) -> pa.Array:
        table = pa.table({"group": _group_ids(rows), "value": values})
        return table.group_by("group", use_threads=False).aggregate([("value", how)])[f"value_{how}"].combine_chunks()

    return take


def _group_ids(rows: Rows) -> pa.Array:
    return rows.groups.ids if rows.groups is not None else whole_numbers(rows.count)


def _joined(rows: Rows, values: pa.Array) -> pa.Array:
    lists = listed(_group_ids(rows), values.cast(pa.string()), rows.count)
    return pc.binary_join(lists, _BETWEEN)


_TAKERS: dict[Take, Callable[[Rows, pa.Array], pa.Array]] = {
    Take.FIRST: _aggregated("first"),
    Take.LAST: _aggregated("last"),
    Take.MIN: _aggregated("min"),
    Take.MAX: _aggregated("max"),
    Take.COUNT: _aggregated("count"),
    Take.CONCAT: _joined,
}
