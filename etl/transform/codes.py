"""Which rows of crosswalks the data needs, and which keys references hold: evidence for lint, gathered batch by batch.

It goes through the very operations and decoders that map, so a code counts in the form in which a crosswalk meets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.keys import RecordKeys
from etl.mapping.model import Choose, EntityMapping, Many, Pipeline, Reference, Take, Value
from etl.mapping.operations import Context, ValueType
from etl.transform.decoding import Decoder
from etl.transform.distinct import combinations
from etl.transform.episodes import with_episodes
from etl.transform.identity import record_keys
from etl.transform.pipelines import PipelineRun
from etl.transform.references import ReferenceRun
from etl.transform.rows import Rows

_CHANGES_CODES = {Take.CONCAT, Take.COUNT}


@dataclass(slots=True)
class CodesSeen:
    """What the rows of all mappings show. ``used`` are lines of crosswalks by name; ``keys`` are the record keys of each
    entity, ``parents`` the record keys that each reference holds.
    """

    record_keys: RecordKeys
    context: Context
    used: dict[str, set[int]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    parents: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _decoders: dict[str, Decoder] = field(default_factory=dict)

    def look(self, mapping: EntityMapping, batch: pa.RecordBatch) -> None:
        """Takes in a batch of base rows."""
        rows = with_episodes(Rows.of(batch, self.context.today), mapping.episodes, self.context)
        if not rows.count:
            return
        own = record_keys(self.record_keys, mapping.target, mapping.space, [rows.column(name) for name in mapping.key])
        self.keys.update(own.drop_null().unique().to_pylist())
        for each in mapping.fields:
            if isinstance(each.value, Reference):
                self._look_at_parents((mapping.name, each.name), each.value, rows)
            for piped in _through_crosswalks(each.value):
                self._look_at_codes(piped, rows)

    def keys_met(self) -> dict[tuple[str, str], bool]:
        """For each reference that holds a key, whether one of them is a record's."""
        return {name: bool(held & self.keys) for name, held in self.parents.items() if held}

    def _look_at_parents(self, name: tuple[str, str], value: Reference, rows: Rows) -> None:
        found = (
            ReferenceRun(rows, value, self.record_keys, self.context, value.split is not None, []).run().parents.values
        )
        flat = pc.list_flatten(found) if pa.types.is_list(found.type) else found
        self.parents.setdefault(name, set()).update(flat.drop_null().unique().to_pylist())

    def _look_at_codes(self, piped: Pipeline, rows: Rows) -> None:
        if piped.crosswalk is None:
            return
        crosswalk = piped.crosswalk.crosswalk
        decoder = self._decoders.setdefault(crosswalk.name, Decoder(crosswalk))
        used = self.used.setdefault(crosswalk.name, set())
        if piped.take in _CHANGES_CODES:
            used.update(row.line for row in crosswalk.rows)
            return
        distinct, _ = combinations([self._codes(part, rows) for part in _parts(piped)])
        for codes in zip(*(column.to_pylist() for column in distinct), strict=True):
            row = decoder.row(tuple((code or "").strip() for code in codes))
            used.update([row.line] if row is not None else [])

    def _codes(self, piped: Pipeline, rows: Rows) -> pa.Array:
        found = PipelineRun(rows, piped, ValueType.TEXT, self.context, None, None, []).run().values
        return pc.list_flatten(found) if pa.types.is_list(found.type) else found


def _through_crosswalks(value: Value) -> Iterator[Pipeline]:
    if isinstance(value, Choose | Many):
        yield from (piped for branch in value.branches for piped in _through_crosswalks(branch.value))
    elif isinstance(value, Pipeline) and value.crosswalk is not None:
        yield value


def _parts(piped: Pipeline) -> list[Pipeline]:
    """One pipeline for each code column: a step that joins leaves one, else every column has its own."""
    plain = replace(piped, crosswalk=None)
    if any(step.joins for step in piped.operations):
        return [plain]
    return [replace(plain, columns=(column,)) for column in piped.columns]
