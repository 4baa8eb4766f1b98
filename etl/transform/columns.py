"""One field of a mapping over a batch: its column, its problems, and which records it keeps out."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.core.keys import RecordKeys
from etl.core.problems import Severity
from etl.mapping.model import Field, Many, Reference
from etl.mapping.operations import Context, ValueType
from etl.mapping.operations.chains import type_of
from etl.mapping.operations.lists import listed
from etl.transform.faults import Computed, first_of_each_record, in_records
from etl.transform.policies import Finding, findings, mended, stop_if_asked
from etl.transform.references import ReferenceRun
from etl.transform.rows import Rows
from etl.transform.values import Evaluator

ENTITY_SUFFIX = "._entity"


@dataclass(frozen=True, slots=True)
class MappedField:
    """A field's columns by name (one a record), and its findings in the order in which they arose."""

    columns: dict[str, pa.Array]
    findings: list[Finding]


class FieldColumn:
    """A field made ready once for all batches."""

    def __init__(self, field: Field, table: str, keys: RecordKeys, context: Context) -> None:
        self.field = field
        self._table = table
        self._keys = keys
        self._context = context
        self._evaluator = Evaluator(self.value_type, context, field.default)

    @property
    def value_type(self) -> ValueType:
        """The type of its values, or of the members where it holds many."""
        return type_of(self.field.attribute.kind if self.field.attribute is not None else None)

    @property
    def holds_many(self) -> bool:
        """Whether its values are lists."""
        by_link = self.field.link is not None and self.field.link.many
        return by_link or isinstance(self.field.value, Many)

    @property
    def is_polymorphic(self) -> bool:
        """Whether it may mean several entities, so that a second column names them."""
        return isinstance(self.field.value, Reference) and len(self.field.value.targets) > 1

    @property
    def arrow_fields(self) -> list[pa.Field]:
        """The columns it makes."""
        own = pa.list_(pa.string()) if self.holds_many else self.value_type.arrow
        columns = [pa.field(self.field.name, own)]
        return [*columns, pa.field(self.field.name + ENTITY_SUFFIX, pa.string())] if self.is_polymorphic else columns

    def apply(self, rows: Rows) -> MappedField:
        """The field over a batch. Raises TooManyProblems where its policy is `fail`."""
        computed, entities = self._compute(rows)
        values = self._as_held(computed.values)
        withheld = self._withheld(values, computed, rows)
        if withheld is not None:
            computed = Computed(values, in_records(computed.faults, rows, pc.invert(withheld)))
            values = pc.if_else(withheld, pa.scalar(None, values.type), values)
        values, found = self._judged(values, computed, rows)
        if withheld is not None and pc.any(withheld).as_py():
            found.append(_withheld_finding(withheld, rows))
        return MappedField(self._named(values, entities), found)

    def _compute(self, rows: Rows) -> tuple[Computed, pa.Array | None]:
        value = self.field.value
        if not isinstance(value, Reference):
            return self._evaluator.compute(value, rows), None
        run = ReferenceRun(rows, value, self._keys, self._context, self.holds_many, [])
        pointed = run.run()
        return pointed.parents, pointed.entities

    def _as_held(self, values: pa.Array) -> pa.Array:
        if not self.holds_many or pa.types.is_list(values.type):
            return values
        return listed(whole_numbers(len(values)), values.cast(pa.string()), len(values))

    def _withheld(self, values: pa.Array, computed: Computed, rows: Rows) -> pa.BooleanArray | None:
        """The records whose `when` is false although there is something to hold back; None without a `when`."""
        if self.field.when is None:
            return None
        something = pc.is_valid(values)
        for fault in computed.faults:
            numbers = rows.records_of(fault.positions)
            something = pc.or_(something, pc.is_in(whole_numbers(rows.count), value_set=numbers))
        return pc.and_(something, pc.invert(rows.holds(self.field.when)))

    def _judged(self, values: pa.Array, computed: Computed, rows: Rows) -> tuple[pa.Array, list[Finding]]:
        errors = first_of_each_record((each for each in computed.faults if not each.harmless), rows)
        notices = first_of_each_record((each for each in computed.faults if each.harmless), rows)
        stop_if_asked(errors, self.field, rows, self._table)
        filling = self._as_held(self._evaluator.filling(rows.count)) if errors else values
        return mended(values, errors, self.field, rows, filling), findings((*errors, *notices), self.field)

    def _named(self, values: pa.Array, entities: pa.Array | None) -> dict[str, pa.Array]:
        columns = {self.field.name: values}
        if self.is_polymorphic and entities is not None:
            lost = pc.is_null(values)
            columns[self.field.name + ENTITY_SUFFIX] = pc.if_else(lost, pa.scalar(None, pa.string()), entities)
        return columns


def _withheld_finding(withheld: pa.BooleanArray, rows: Rows) -> Finding:
    positions = rows.positions(pc.indices_nonzero(withheld).cast(pa.int64()))
    return Finding("withheld", Severity.INFO, positions, pa.nulls(len(positions), pa.string()))
