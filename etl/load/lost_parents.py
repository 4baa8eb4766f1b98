"""Where a create is refused because of a link: is the parent still there? A person may have deleted it since it was loaded.

Then the child is not at fault: it waits, blocked by its parent, and the parent is not created again, for somebody meant it
to be gone. Only a GET that shows nothing proves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from etl.catalog.model import Entity
from etl.catalog.pointers import field_at
from etl.core.changes import MarkBlocked, MarkRejected
from etl.core.errors import RecordRejected, TargetError
from etl.core.keys import RecordKey
from etl.core.outcomes import DELETED_ON_PURPOSE
from etl.load.documents import refusal_text
from etl.load.notes import LoadNotes
from etl.load.planned import PlannedRecord
from etl.load.ports import LoadPorts

_NOT_FOUND, _UNPROCESSABLE = 404, 422


async def blocked_by_lost_parent(
    ports: LoadPorts, notes: LoadNotes, record: PlannedRecord, refused: RecordRejected
) -> bool:
    """Whether a refused create waits for a parent that is not in Casebook any more; it is durably blocked then."""
    parent = await _lost_parent(ports, record, refused)
    if parent is None:
        return False
    rejected = MarkRejected(record.key, refused.status, refusal_text(refused))
    blocked = MarkBlocked(record.key, record.entity, record.mapping.name, parent)
    await asyncio.wrap_future(ports.state.commit(rejected, blocked))
    notes.parents_gone[record.key] = parent
    if ports.state.attribute(parent, DELETED_ON_PURPOSE):
        notes.gone_on_purpose.add(parent)
    return True


async def _lost_parent(ports: LoadPorts, record: PlannedRecord, refused: RecordRejected) -> RecordKey | None:
    if refused.status not in (_NOT_FOUND, _UNPROCESSABLE):
        return None
    keys = list(_accused(ports.catalog.entity(record.entity), record, refused))
    for key, known in ports.state.known(keys).items() if keys else ():
        if known.target_id is None:
            continue
        try:
            if await ports.target.get(known.entity, known.target_id) is None:
                return key
        except TargetError:
            # Nobody can tell now: the refusal stands as it is, and the next run sends the record again.
            continue
    return None


def _accused(entity: Entity, record: PlannedRecord, refused: RecordRejected) -> Iterator[RecordKey]:
    """The parents to which the refusal points; all of them where a 404 points nowhere."""
    accused = {field_at(entity, finding.pointer) for finding in refused.findings if finding.pointer}
    points_nowhere = refused.status == _NOT_FOUND and not accused
    for name, keys in record.parents().items():
        if points_nowhere or name in accused:
            yield from keys
