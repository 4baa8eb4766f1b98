"""Planned records as the loader reads them: Parquet files in load order inside the run's folder.

Python objects for single records begin here, in small batches, and nowhere earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import groupby, repeat
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.core.changes import PendingLink
from etl.core.keys import RecordKey
from etl.core.outcomes import Action
from etl.core.records import TargetId
from etl.load.done import CreatedKeys
from etl.mapping.model import EntityMapping, Field, FileField, Reference

BATCH_ROWS = 1_000
PLANNED = "_plan."
"""Prefix of the plan's columns."""
SIZE_SUFFIX = "._size"
SHA256_SUFFIX = "._sha256"
_NO_NAMES: frozenset[str] = frozenset()
_ACTIONS = {str(each): each for each in Action}
_ADOPTS = PLANNED + "adopts"
_EMPTIED = PLANNED + "emptied"
_UNLINKED = PLANNED + "unlinked"
"""These three are not in every plan."""
_PLAN_COLUMNS = (
    *("_rk", "_row", "_line"),
    *(PLANNED + name for name in ("mapping", "action", "fingerprint", "field_hashes", "changed", "cleared")),
    *(PLANNED + name for name in ("deferred", "wave")),
    _ADOPTS,
    _EMPTIED,
)
"""What a record is made of beside its values, in the order in which it is read."""


class PlannedRecord(NamedTuple):
    """One record with what the plan wants done, a tuple because that is made in the least time. ``values`` holds typed values by field name, references as record keys.

    ``adopts`` is the id of the record in Casebook that it already is. ``emptied`` fields are to be empty there: this plan, or
    one before it, clears them.
    """

    key: RecordKey
    row: int
    line: int | None
    mapping: EntityMapping
    action: Action
    fingerprint: str
    field_hashes: bytes
    changed: frozenset[str]
    cleared: frozenset[str]
    deferred: frozenset[str]
    wave: int
    values: Mapping[str, object]
    refers_to: Mapping[str, tuple[RecordKey, ...]]
    adopts: TargetId | None = None
    emptied: frozenset[str] = _NO_NAMES

    @property
    def entity(self) -> str:
        """The entity of the catalogue it becomes."""
        return self.mapping.target

    def parents(self) -> Mapping[str, tuple[RecordKey, ...]]:
        """Record keys it refers to, by field, deferred links included; fields without a value are left out."""
        return self.refers_to

    def late_links(self) -> tuple[PendingLink, ...]:
        """The links that are to be set once it is there."""
        return tuple(PendingLink(name, key) for name in sorted(self.deferred) for key in self.refers_to.get(name, ()))

    @property
    def file(self) -> Field | None:
        """The field that says which bytes are to be uploaded once it is there, None where it carries none."""
        return next((each for each in self.mapping.fields if isinstance(each.value, FileField)), None)

    def upload_bytes(self) -> int | None:
        """How many bytes those are."""
        size = self.values.get(self.file.name + SIZE_SUFFIX) if self.file else None
        return size if isinstance(size, int) else None

    def policy(self, field: str) -> str:
        """What a parent that is not there does to this record: ``block``, ``empty``, ``quarantine`` or ``fail``."""
        value = next(each.value for each in self.mapping.references if each.name == field)
        return str(value.on_missing) if isinstance(value, Reference) else "block"


class PlannedRecords:
    """The planned records of a run, in load order."""

    def __init__(self, folder: Path, mappings: Collection[EntityMapping]) -> None:
        self._files = sorted(folder.glob("*.parquet"))
        self._mappings = {each.name: each for each in mappings}
        self._references = {each.name: [field.name for field in each.references] for each in mappings}

    def __len__(self) -> int:
        return sum(pq.read_metadata(file).num_rows for file in self._files)

    @property
    def entities(self) -> list[str]:
        """The entities that these records become, in load order."""
        return list(dict.fromkeys(self._mappings[_mapping_of(file)].target for file in self._files))

    def keys(self, entity: str) -> Iterator[RecordKey]:
        """The keys of all planned records of an entity; nothing else of them is read."""
        for file in self._of(entity):
            with pq.ParquetFile(file) as parquet:
                for batch in parquet.iter_batches(BATCH_ROWS, columns=["_rk"]):
                    yield from batch["_rk"].to_pylist()

    def batches(self, entity: str | None = None) -> Iterator[list[PlannedRecord]]:
        """All planned records (of one entity), parents before children wherever an order exists."""
        for file in self._of(entity):
            with pq.ParquetFile(file) as parquet:
                for batch in parquet.iter_batches(BATCH_ROWS):
                    yield self._records(batch)

    def backwards(self) -> Iterator[list[PlannedRecord]]:
        """All planned records, children before parents, in lists whose records do not depend on each other (but for
        links that were set later). Holds one row group at a time.
        """
        for _, group in groupby(reversed(self._files), key=self._entity_of):
            files = list(group)
            if len(files) == 1:
                yield from self._file_backwards(files[0])
            else:
                # Records of one entity may refer to each other across its mappings.
                for wave in sorted({wave for file in files for wave in _waves(file)}, reverse=True):
                    yield from (each for file in files for each in self._file_backwards(file, wave))

    def outstanding(self, done: CreatedKeys) -> Iterator[tuple[int, list[PlannedRecord]]]:
        """What is to be created or updated, in load order, without creations that are done; with each batch, how many
        planned records were left out before it.
        """
        for file in self._files:
            with pq.ParquetFile(file) as parquet:
                for group in range(parquet.num_row_groups):
                    yield from self._left(parquet, group, done)

    def _left(
        self, parquet: pq.ParquetFile, group: int, done: CreatedKeys
    ) -> Iterator[tuple[int, list[PlannedRecord]]]:
        look = parquet.read_row_group(group, columns=["_rk", PLANNED + "action"])
        mask = _mask(look, done)
        kept = pc.sum(mask).as_py() or 0
        yield look.num_rows - kept, []
        if kept:
            for batch in parquet.read_row_group(group).filter(mask).to_batches(BATCH_ROWS):
                yield 0, self._records(batch)

    def adoptions(self) -> Iterator[list[PlannedRecord]]:
        """What is to become ours because Casebook has it already; other records are not read."""
        for file in self._files:
            with pq.ParquetFile(file) as parquet:
                for group in range(parquet.num_row_groups):
                    actions = parquet.read_row_group(group, columns=[PLANNED + "action"])[PLANNED + "action"]
                    adopts = pc.equal(actions, str(Action.ADOPT))
                    if pc.any(adopts).as_py():
                        yield from self._in_lists(parquet.read_row_group(group).filter(adopts))

    def unlinked(self) -> Iterator[PlannedRecord]:
        """The records that do not have a link any more which an earlier run has still to set; no others are read."""
        for file in self._files:
            with pq.ParquetFile(file) as parquet:
                groups = parquet.num_row_groups if _UNLINKED in parquet.schema_arrow.names else 0
                for group in range(groups):
                    gone = parquet.read_row_group(group, columns=[_UNLINKED])[_UNLINKED].is_valid()
                    if pc.any(gone).as_py():
                        for records in self._in_lists(parquet.read_row_group(group).filter(gone)):
                            yield from records

    def find(self, keys: Collection[RecordKey], entity: str | None = None) -> dict[RecordKey, PlannedRecord]:
        """The planned records with these keys, in one pass over the files."""
        wanted = sorted(keys)
        found: dict[RecordKey, PlannedRecord] = {}
        for file in self._of(entity) if wanted else ():
            table = pq.read_table(file, filters=pc.field("_rk").isin(wanted))
            found |= {record.key: record for record in self._records(table)}
        return found

    def _file_backwards(self, file: Path, wave: int | None = None) -> Iterator[list[PlannedRecord]]:
        """A file's records by falling wave, which is how deep they stand; only one wave where it is given."""
        with pq.ParquetFile(file) as parquet:
            for number in reversed(range(parquet.num_row_groups)):
                table = parquet.read_row_group(number)
                waves = table[PLANNED + "wave"]
                for each in sorted(pc.unique(waves).to_pylist(), reverse=True):
                    if wave in (None, each):
                        yield from self._in_lists(table.filter(pc.equal(waves, each)))

    def _in_lists(self, table: pa.Table) -> Iterator[list[PlannedRecord]]:
        for batch in table.to_batches(BATCH_ROWS):
            yield self._records(batch)

    def _entity_of(self, file: Path) -> str:
        return self._mappings[_mapping_of(file)].target

    def _of(self, entity: str | None) -> list[Path]:
        """The files, whose names end in ``-<mapping>``, of the mappings that feed an entity."""
        return [each for each in self._files if entity in (None, self._mappings[_mapping_of(each)].target)]

    def _records(self, rows: pa.RecordBatch | pa.Table) -> list[PlannedRecord]:
        """Read by column, because a dictionary of all columns for each row costs more than the record made of it."""
        there = rows.schema.names
        names = [name for name in there if not name.startswith("_")]
        cells = zip(*(rows[name].to_pylist() for name in names), strict=True) if names else repeat((), rows.num_rows)
        absent = [None] * rows.num_rows
        plans = zip(*(_listed(rows[name]) if name in there else absent for name in _PLAN_COLUMNS), strict=True)
        return [self._record(plan, dict(zip(names, row, strict=True))) for plan, row in zip(plans, cells, strict=True)]

    def _record(self, plan: tuple[Any, ...], values: dict[str, object]) -> PlannedRecord:
        key, row, line, name, action, fingerprint, field_hashes, changed, cleared, deferred, wave, adopts, emptied = (
            plan
        )
        return PlannedRecord(
            key=key,
            row=row,
            line=line,
            mapping=self._mappings[name],
            action=_ACTIONS[action],
            fingerprint=fingerprint,
            field_hashes=field_hashes or b"",
            changed=_names(changed),
            cleared=_names(cleared),
            deferred=_names(deferred),
            wave=wave,
            values=values,
            refers_to={field: keys for field in self._references[name] if (keys := _keys(values.get(field)))},
            adopts=adopts,
            emptied=_names(emptied),
        )


def _mask(look: pa.Table, done: CreatedKeys) -> pa.Array:
    """Which rows want something that is not done."""
    actions = look[PLANNED + "action"]
    creates = pc.equal(actions, str(Action.CREATE)).combine_chunks()
    updates = pc.equal(actions, str(Action.UPDATE)).combine_chunks()
    if len(done):
        created = pa.array(done.contains(look["_rk"]))
        creates = pc.and_not(creates, created)
    return pc.or_(creates, updates)


def _listed(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """A column's values; where its lists are all empty, which is the rule, none of them is made."""
    if pa.types.is_list(column.type) and not len(pc.list_flatten(column)):
        return [None] * len(column)
    values: list[Any] = column.to_pylist()
    return values


def _keys(value: object) -> tuple[RecordKey, ...]:
    if isinstance(value, list):
        return tuple(RecordKey(each) for each in value)
    return (RecordKey(value),) if isinstance(value, str) and value else ()


def _names(value: list[str] | None) -> frozenset[str]:
    return frozenset(value) if value else _NO_NAMES


def _waves(file: Path) -> set[int]:
    column = PLANNED + "wave"
    return set(pc.unique(pq.read_table(file, columns=[column])[column]).to_pylist())


def _mapping_of(file: Path) -> str:
    return file.stem.partition("-")[2]
