"""Turns ordered, valid records into steps: what to do with each, compared with what state knows.

The plan is data. Its steps stand in ``plan.parquet`` without values; beside them the planned records wait in load order
with everything the loader needs, so that a dry run and a load are two readers of the same plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.changes import PendingLink
from etl.core.fingerprint import Difference, FieldBlobs, Standing, entry_of, field_hashes, unpromised
from etl.core.keys import RecordKey, RecordKeys
from etl.core.outcomes import SEND_AGAIN, Action, RecordState
from etl.core.records import KEY, LINE, PLAN_SCHEMA, ROW, TargetId
from etl.core.state_port import KnownRecord, StateReader
from etl.mapping.model import EntityMapping, FileField, SendNull

PLANNED = "_plan."
"""Prefix of the plan's columns in the planned records."""
_FILE_HASH = "._sha256"
_NONE = Difference((), ())


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What planning one mapping needs: its wave's number, the links deferred for all records, state and keys.

    ``adopted`` records are in Casebook already, by these ids; of ``undecided`` ones a person has to say whether they are.
    ``pending`` are the links that earlier runs have still to set; ``deleted`` records are not there any more, on purpose.
    """

    keys: RecordKeys
    state: StateReader
    deferred: frozenset[str]
    wave: int
    retry_rejected: bool = False
    adopted: Mapping[RecordKey, TargetId] | None = None
    undecided: Collection[RecordKey] = ()
    pending: Mapping[RecordKey, Sequence[PendingLink]] | None = None
    deleted: Collection[RecordKey] = ()


def links_to_set(state: StateReader) -> Mapping[RecordKey, Sequence[PendingLink]]:
    """The links that earlier runs have still to set, by the record that is to hold them."""
    pending: dict[RecordKey, list[PendingLink]] = defaultdict(list)
    for key, link in state.pending_links():
        pending[key].append(link)
    return pending


def plan_batch(mapping: EntityMapping, batch: pa.RecordBatch, context: PlanContext) -> pa.RecordBatch:
    """A batch from ``RecordGraph.ordered`` with the plan's columns added under :data:`PLANNED` and dropped links gone."""
    batch = _without_dropped(mapping, batch)
    hashes = field_hashes(context.keys, _hashed_columns(mapping, batch))
    known = context.state.known([RecordKey(key) for key in batch[KEY].to_pylist()])
    blobs = _blobs_of(mapping, context.keys)
    unlinked, deferred = list(_unlinked(batch, context.pending)), _deferred(batch, context.deferred)
    rows = zip(batch[KEY].to_pylist(), hashes.to_pylist(), unlinked, deferred, strict=True)
    actions, differences, standings, prints, left = [], [], [], [], []
    for key, now, gone, late in rows:
        before = _truly_written(blobs, context.keys, known.get(key), now, gone)
        standing = _standing(blobs, before, now)
        mark = context.keys.fingerprint([standing.blob])
        action, changes = _compare(context, blobs, before, mark, standing.blob)
        if action is Action.CREATE:
            action = _matched(context, RecordKey(key))
        if before is not None and not set(late).isdisjoint(changes.changed):
            standing = replace(
                standing, blob=_promised(blobs, context, before, standing.blob, {*late} & {*changes.changed})
            )
            mark = context.keys.fingerprint([standing.blob])
        actions.append(str(action))
        differences.append(changes)
        standings.append(standing)
        prints.append(mark)
        left.append(() if key in context.deleted else standing.left)
    columns = {
        "mapping": pa.repeat(mapping.name, batch.num_rows),
        "entity": pa.repeat(mapping.target, batch.num_rows),
        "record_key": batch[KEY],
        "row": batch[ROW],
        "wave": pc.cast(pc.add(batch["_depth"], context.wave), pa.int32()),
        "action": pa.array(actions, pa.string()),
        "fingerprint": pa.array(prints, pa.string()),
        "field_hashes": pa.array([each.blob for each in standings], pa.binary()),
        "changed": pa.array([each.changed for each in differences], pa.list_(pa.string())),
        "cleared": pa.array([each.cleared for each in differences], pa.list_(pa.string())),
        "deferred": pa.array(deferred, pa.list_(pa.string())),
        "adopts": _adopted_ids(batch, context.adopted),
        "emptied": pa.array([each.cleared or None for each in standings], pa.list_(pa.string())),
        "left": pa.array([each or None for each in left], pa.list_(pa.string())),
        "unlinked": pa.array([each or None for each in unlinked], pa.list_(pa.string())),
    }
    for name, column in columns.items():
        batch = batch.append_column(PLANNED + name, column)
    return batch.drop_columns(["_depth", "_dropped", "_deferred", "_status", "_reason"])


def steps_of(planned: pa.RecordBatch) -> pa.RecordBatch:
    """The plan's own columns of planned records."""
    return pa.RecordBatch.from_pydict({name: planned[PLANNED + name] for name in PLAN_SCHEMA.names}, schema=PLAN_SCHEMA)


def left_standing(planned: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """By field, the planned records in which Casebook keeps an earlier value though the field is empty now."""
    names = planned[PLANNED + "left"]
    for name in pc.unique(pc.list_flatten(names)).to_pylist():
        rows = pa.array([name in (left or ()) for left in names.to_pylist()], pa.bool_())
        yield name, planned.filter(rows).select([KEY, ROW, LINE])


def _blobs_of(mapping: EntityMapping, keys: RecordKeys) -> FieldBlobs:
    clearing = [field.name for field in mapping.fields if field.send_null is SendNull.CLEAR]
    return FieldBlobs(keys, [field.name for field in mapping.fields], clearing)


def _standing(blobs: FieldBlobs, known: KnownRecord | None, now: bytes) -> Standing:
    """What Casebook will hold of a record: a new one what it is now, one that is there what was written before as well."""
    if known is None or known.target_id is None or known.field_hashes == now:
        return Standing(now)
    return blobs.standing(known.field_hashes, now)


def _truly_written(
    blobs: FieldBlobs, keys: RecordKeys, known: KnownRecord | None, now: bytes, unlinked: Collection[str]
) -> KnownRecord | None:
    """What state knows, without the links that it only promised and that the source does not have any more: Casebook keeps
    nothing of what was never set there, but what stood there before the promise.
    """
    if known is None or not unlinked:
        return known
    cleared = _standing(blobs, known, now).cleared
    gone = [field for field in unlinked if field not in cleared and entry_of(keys, now, field) is None]
    blob = unpromised(keys, known.field_hashes, gone)
    if blob == known.field_hashes:
        return known
    return replace(known, field_hashes=blob, fingerprint=keys.fingerprint([blob]))


def _promised(blobs: FieldBlobs, context: PlanContext, before: KnownRecord, blob: bytes, links: set[str]) -> bytes:
    """What is written once these links are promised anew; of one whose earlier promise was not kept stands what stood then."""
    unset = {link.field for link in (context.pending or {}).get(before.key, ())}
    return blobs.promised(before.field_hashes, blob, links - unset)


def _unlinked(
    batch: pa.RecordBatch, pending: Mapping[RecordKey, Sequence[PendingLink]] | None
) -> Iterator[tuple[str, ...]]:
    """For each record the fields whose link is still to be set though the source does not have it any more."""
    if not pending:
        yield from repeat((), batch.num_rows)
        return
    for row, key in enumerate(batch[KEY].to_pylist()):
        yield tuple(link.field for link in pending.get(key, ()) if not _refers(batch, row, link))


def _refers(batch: pa.RecordBatch, row: int, link: PendingLink) -> bool:
    """Whether a record holds a pending link still; one that holds many is set as a whole, whatever it holds by then."""
    value = batch[link.field][row].as_py() if link.field in batch.schema.names else None
    return bool(value) if isinstance(value, list) else value == link.parent


def _compare(
    context: PlanContext, blobs: FieldBlobs, known: KnownRecord | None, fingerprint: str, blob: bytes
) -> tuple[Action, Difference]:
    if known is None or known.target_id is None:
        refused = _refused_before(known, fingerprint) and not context.retry_rejected
        return (Action.NOTHING if refused else Action.CREATE), _NONE
    if known.fingerprint == fingerprint or known.state is RecordState.DUPLICATE:
        # Which of several records an update should change is a person's decision.
        return Action.NOTHING, _NONE
    return Action.UPDATE, blobs.difference(known.field_hashes, blob)


def _matched(context: PlanContext, key: RecordKey) -> Action:
    """What becomes of a record that would be created, by what is known of Casebook's own records."""
    if key in context.undecided:
        return Action.BLOCKED
    return Action.ADOPT if key in (context.adopted or {}) else Action.CREATE


def _adopted_ids(batch: pa.RecordBatch, adopted: Mapping[RecordKey, TargetId] | None) -> pa.Array:
    if not adopted:
        return pa.nulls(batch.num_rows, pa.string())
    return pa.array([adopted.get(RecordKey(key)) for key in batch[KEY].to_pylist()], pa.string())


def _refused_before(known: KnownRecord | None, fingerprint: str) -> bool:
    """Whether the target refused exactly this payload already: it is not sent again unless asked to."""
    if known is None or known.state is not RecordState.REJECTED or known.error.startswith(SEND_AGAIN):
        return False
    return known.fingerprint == fingerprint


def _hashed_columns(mapping: EntityMapping, batch: pa.RecordBatch) -> Mapping[str, pa.Array]:
    """The columns that make the fingerprint; a file counts by its path and its content."""
    columns = {field.name: batch[field.name] for field in mapping.fields}
    for field in mapping.fields:
        if isinstance(field.value, FileField):
            both = pc.binary_join_element_wise(batch[field.name], batch[field.name + _FILE_HASH], "\x1f")
            columns[field.name] = both
    return columns


def _without_dropped(mapping: EntityMapping, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Takes out the links that policy leaves out."""
    dropped = batch["_dropped"].to_pylist()
    if not any(dropped):
        return batch
    for field in mapping.references:
        gone = [{each.partition(":")[2] for each in row if each.startswith(field.name + ":")} for row in dropped]
        values = [_kept(value, parents) for value, parents in zip(batch[field.name].to_pylist(), gone, strict=True)]
        column = pa.array(values, batch[field.name].type)
        batch = batch.set_column(batch.schema.get_field_index(field.name), field.name, column)
    return batch


def _kept(value: str | list[str] | None, gone: set[str]) -> str | list[str] | None:
    if isinstance(value, list):
        return [each for each in value if each not in gone]
    return None if value in gone else value


def _deferred(batch: pa.RecordBatch, always: frozenset[str]) -> list[list[str]]:
    """For each record the fields whose link is set later: of the plan's and its own those that hold one."""
    own = batch["_deferred"].to_pylist()
    held = {name: [bool(value) for value in batch[name].to_pylist()] for name in sorted(always.union(*own))}
    return [
        [name for name, there in held.items() if there[i] and (name in always or name in own[i])]
        for i in range(batch.num_rows)
    ]
