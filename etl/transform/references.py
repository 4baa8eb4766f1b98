"""Foreign keys to record keys of parents, with the entity each means where it may be several."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.core.keys import RecordKeys
from etl.mapping.model import Reference, ReferenceTarget
from etl.mapping.operations import Context
from etl.mapping.operations.lists import listed
from etl.mapping.operations.pieces import parts_of
from etl.transform.faults import Computed, Fault
from etl.transform.identity import record_keys
from etl.transform.rows import Rows

_NO_KEY = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class Pointed:
    """The parents of a reference: their record keys, and (for several targets) their entities."""

    parents: Computed
    entities: pa.Array | None


@dataclass(slots=True)
class ReferenceRun:
    """A reference at work on one batch. A key with a blank part points nowhere and is no fault."""

    rows: Rows
    value: Reference
    keys: RecordKeys
    context: Context
    many: bool
    faults: list[Fault]

    def run(self) -> Pointed:
        """Record keys, or lists of them where the link holds many."""
        if len(self.value.targets) == 1:
            return Pointed(Computed(self._single(self.value.targets[0]), tuple(self.faults)), None)
        parents, entities = self._by_code() if self.value.by else self._only_one()
        if self.many:
            parents = _as_lists(parents)
        return Pointed(Computed(parents, tuple(self.faults)), entities)

    def _single(self, target: ReferenceTarget) -> pa.Array:
        if self.value.split is None:
            found = self._record_keys(target, self._parts(target.columns))
            return _as_lists(found) if self.many else found
        lists = parts_of(self.rows.column(target.columns[0]), self.value.split)
        owners = pc.list_parent_indices(lists).cast(pa.int64())
        parts = self._cleaned(pc.list_flatten(lists), owners)
        return listed(owners, self._record_keys(target, [parts]), self.rows.count)

    def _record_keys(self, target: ReferenceTarget, parts: list[pa.Array]) -> pa.Array:
        return record_keys(self.keys, target.entity, target.space, parts)

    def _parts(self, names: tuple[str, ...]) -> list[pa.Array]:
        columns = [self.rows.column(name) for name in names]
        if len(columns) != 1:
            return columns
        return [self._cleaned(columns[0], whole_numbers(self.rows.count))]

    def _cleaned(self, texts: pa.Array, owners: pa.Array) -> pa.Array:
        for operation in self.value.operations:
            applied = operation.apply([texts], self.context)
            for mark in applied.errors:
                self._note(mark.code, operation.name, owners.filter(mark.rows), texts.filter(mark.rows))
            texts = applied.values
        return texts

    def _note(self, code: str, cause: str, records: pa.Array, texts: pa.Array) -> None:
        self.faults.append(Fault(code, cause, self.rows.positions(records), texts))

    def _by_code(self) -> tuple[pa.Array, pa.Array]:
        """The target that the discriminator's code selects."""
        code = pc.utf8_trim_whitespace(self.rows.column(self.value.by or ""))
        parents = entities = pa.nulls(self.rows.count, pa.string())
        named = self._named_keys()
        for target in self.value.targets:
            chosen = pc.fill_null(pc.equal(code, target.code), False)
            parents = pc.if_else(chosen, named[target], parents)
            entities = pc.if_else(pc.and_(chosen, pc.is_valid(parents)), target.entity, entities)
        known = pa.array([target.code for target in self.value.targets], pa.string())
        has_key = pc.is_valid(pc.coalesce(*named.values()))
        self._note_where(pc.and_(has_key, pc.invert(pc.is_in(code, known))), f"by {self.value.by}", code)
        return parents, entities

    def _named_keys(self) -> dict[ReferenceTarget, pa.Array]:
        """The record keys that each target would have; cells shared by targets are cleaned once."""
        made = {columns: self._parts(columns) for columns in {target.columns: None for target in self.value.targets}}
        return {target: self._record_keys(target, made[target.columns]) for target in self.value.targets}

    def _only_one(self) -> tuple[pa.Array, pa.Array]:
        """The one target that has a key; several are a fault."""
        named = self._named_keys()
        count = pa.array([0] * self.rows.count, pa.int64())
        entities = pa.nulls(self.rows.count, pa.string())
        for target, found in named.items():
            count = pc.add(count, pc.is_valid(found).cast(pa.int64()))
            entities = pc.if_else(pc.is_valid(found), target.entity, entities)
        several = pc.greater(count, 1)
        self._note_where(several, "expect one", pa.nulls(self.rows.count, pa.string()))
        parents = pc.if_else(several, _NO_KEY, pc.coalesce(*named.values()))
        return parents, pc.if_else(several, _NO_KEY, entities)

    def _note_where(self, mask: pa.BooleanArray, cause: str, texts: pa.Array) -> None:
        if pc.any(mask).as_py():
            self._note("invalid_value", cause, pc.indices_nonzero(mask).cast(pa.int64()), texts.filter(mask))


def _as_lists(values: pa.Array) -> pa.ListArray:
    return listed(whole_numbers(len(values)), values, len(values))
