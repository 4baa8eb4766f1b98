"""The value of a field, whatever kind it is: pipeline, constant, choice, list or file path."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.mapping.model import Branch, Choose, Const, Empty, FileField, Many, Pipeline
from etl.mapping.operations import Context, ValueType
from etl.mapping.operations.lists import listed_once
from etl.mapping.operations.model import without_blanks
from etl.transform.decoding import Decoder
from etl.transform.faults import Computed, Fault, in_records
from etl.transform.pipelines import PipelineRun
from etl.transform.rows import Rows

_INSERT = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Computes values of one field; ``default`` serves crosswalks whose policy asks for it.

    Crosswalks are made ready once and kept by name.
    """

    wanted: ValueType
    context: Context
    default: str | None
    decoders: dict[str, Decoder] = field(default_factory=dict)

    def compute(self, value: Pipeline | Const | Empty | Choose | Many | FileField, rows: Rows) -> Computed:
        """Values in the wanted type, one a record; lists where the value makes a list."""
        match value:
            case Pipeline():
                return self._pipeline(value, rows)
            case Const():
                return self._fitted(_constant(value, rows), rows)
            case Empty():
                return Computed(pa.nulls(rows.count, self.wanted.arrow))
            case Choose():
                return self._choice(value, rows)
            case Many():
                return self._list(value, rows)
            case FileField():
                paths = pc.utf8_trim_whitespace(rows.column(value.column))
                return Computed(paths)

    def _pipeline(self, value: Pipeline, rows: Rows) -> Computed:
        use = value.crosswalk
        decoder = self.decoders.setdefault(use.crosswalk.name, Decoder(use.crosswalk)) if use else None
        return PipelineRun(rows, value, self.wanted, self.context, self.default, decoder, []).run()

    def _fitted(self, texts: pa.Array, rows: Rows) -> Computed:
        """Texts made here rather than read, in the wanted type."""
        pipeline = Pipeline(())
        run = PipelineRun(rows, pipeline, self.wanted, self.context, self.default, None, [])
        return run.fit(texts)

    def filling(self, count: int) -> pa.Array:
        """The field's default, ``count`` times, in the wanted type; null where it has none."""
        text = pa.array([self.default], pa.string())
        rows = Rows(pa.record_batch({"_": text}), self.context.today, None, None)
        return pa.repeat(self._fitted(text, rows).values[0], count)

    def _branches(self, branches: tuple[Branch, ...], rows: Rows) -> list[tuple[pa.BooleanArray, Computed]]:
        return [(_applies(branch, rows), self.compute(branch.value, rows)) for branch in branches]

    def _choice(self, value: Choose, rows: Rows) -> Computed:
        chosen = pa.nulls(rows.count, self.wanted.arrow)
        undecided = pa.repeat(pa.scalar(True), rows.count)
        faults: list[Fault] = []
        for applies, computed in self._branches(value.branches, rows):
            here = pc.and_(undecided, applies)
            undecided = pc.and_not(undecided, applies)
            chosen = pc.if_else(here, computed.values, chosen)
            faults += in_records(computed.faults, rows, here)
        return Computed(chosen, tuple(faults))

    def _list(self, value: Many, rows: Rows) -> Computed:
        found, faults = [], list[Fault]()
        for applies, computed in self._branches(value.branches, rows):
            found.append(_elements(computed.values, applies))
            faults += in_records(computed.faults, rows, applies)
        return Computed(_gathered(found, rows.count), tuple(faults))


def _applies(branch: Branch, rows: Rows) -> pa.BooleanArray:
    return pa.repeat(pa.scalar(True), rows.count) if branch.when is None else rows.holds(branch.when)


def _constant(value: Const, rows: Rows) -> pa.Array:
    pieces: list[pa.Array | str] = _INSERT.split(value.template)
    for index in range(1, len(pieces), 2):
        pieces[index] = pc.fill_null(rows.column(str(pieces[index])), "")
    if len(pieces) == 1:
        return pa.repeat(pa.scalar(value.template), rows.count)
    return without_blanks(pc.binary_join_element_wise(*pieces, ""))


def _elements(values: pa.Array, applies: pa.BooleanArray) -> pa.Table:
    """The nonblank members with the records they belong to."""
    if pa.types.is_list(values.type):
        owners, members = pc.list_parent_indices(values).cast(pa.int64()), pc.list_flatten(values)
        keep = pc.take(applies, owners)
    else:
        owners, members, keep = whole_numbers(len(values)), values.cast(pa.string()), applies
    keep = pc.and_(keep, pc.is_valid(members))
    return pa.table({"owner": owners.filter(keep), "member": members.filter(keep)})


def _gathered(found: list[pa.Table], count: int) -> pa.ListArray:
    """Lists in the order of the branches, each member once."""
    table = pa.concat_tables(found)
    return listed_once(table["owner"].combine_chunks(), table["member"].combine_chunks(), count)
