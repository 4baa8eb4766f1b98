"""Ids that we choose: where a tenant takes them, a record is asked about by its own address, and its absence is certain.

The id is made from the record key, so that every attempt carries the same one: a second POST that reaches the server is
refused as a conflict instead of making a second record. A server that ignores such ids says so by its first answer; until
an answer has shown that it does not, nothing is concluded from them.
"""

from __future__ import annotations

import uuid

from etl.catalog.model import Entity
from etl.catalog.pointers import pointer_parts
from etl.core.errors import RecordRejected, ResponseLost
from etl.core.keys import RecordKey, marker
from etl.core.outcomes import RecordState
from etl.core.records import Document, RemoteRecord, TargetId
from etl.core.state_port import KnownRecord
from etl.load.markers import read_marker
from etl.load.ports import LoadPorts

USED = "client_ids"
"""The run's fingerprint that lists, with commas, the entities whose records were sent with ids of ours."""
_NAMESPACE = uuid.UUID("8b0a4a3c-0f4e-5d57-9d5e-3f0f6a1f7c21")
_CONFLICT, _UNPROCESSABLE = 409, 422


def client_id(key: RecordKey) -> TargetId:
    """The id that we choose for a record; a name-based UUID (RFC 9562, version 5), the same in every run.

    >>> client_id(RecordKey("00" * 16))
    '9bb2e352-3e99-55e5-b912-67c2de7b0783'
    """
    return TargetId(str(uuid.uuid5(_NAMESPACE, key)))


class ClientIds:
    """Knows of which entities the server takes our ids, and what therefore is certain."""

    def __init__(self, ports: LoadPorts) -> None:
        self._ports = ports
        self._taken_over: set[str] = set()
        self._ignored: set[str] = set()
        self._conflicts: set[RecordKey] = set()

    def of(self, entity: Entity, key: RecordKey) -> TargetId | None:
        """The id to send and to ask by, None where the tenant takes none."""
        return client_id(key) if entity.client_ids else None

    def answered(self, document: Document, target_id: TargetId) -> None:
        """Learns from the answer to a create. A server that gave another id keeps it; a person is told, once."""
        entity = document.entity
        if document.id == target_id:
            self._taken_over.add(entity)
        elif document.id is not None and entity not in self._ignored:
            self._ignored.add(entity)
            self._ports.progress.note(
                f"{entity}: Casebook gave an id of its own in place of ours. Its ids are kept, and lost answers are "
                "asked about by the marker; take `client_ids` out of the tenant overlay."
            )

    def lost(self, key: RecordKey, lost: ResponseLost) -> None:
        """Learns from a lost answer: a conflict says that the id is in use, even where it cannot be seen yet."""
        if lost.status == _CONFLICT:
            self._conflicts.add(key)

    def sent_then(self, known: KnownRecord) -> TargetId | None:
        """The id that the open attempt of an earlier run carried for certain, None where that is not known."""
        used = self._ports.state.run_fingerprints(known.run_id).get(USED, "").split(",")
        return client_id(known.key) if known.state is RecordState.INTENT and known.entity in used else None

    async def find(self, entity: Entity, key: RecordKey) -> RemoteRecord | None:
        """The record that has our id; None where there is none to be seen. Raises TargetError."""
        wanted = self.of(entity, key)
        found = await self._ports.target.get(entity.name, wanted) if wanted is not None else None
        return found if found is not None and _is_ours(entity, key, found) else None

    def proves_absence(self, entity: Entity, key: RecordKey, sent: TargetId | None) -> bool:
        """Whether a record that was not found by the id it carried cannot be there, now or later, without a conflict."""
        return (
            entity.client_ids
            and sent is not None
            and key not in self._conflicts
            and entity.name not in self._ignored
            and self._is_taken_over(entity.name)
        )

    def _is_taken_over(self, entity: str) -> bool:
        """Whether some record of the entity has the id that we chose for it."""
        if entity not in self._taken_over:
            known = self._ports.state.sample(entity)
            if known is not None and known.target_id == client_id(known.key):
                self._taken_over.add(entity)
        return entity in self._taken_over


def is_there_already(entity: Entity, refused: RecordRejected) -> bool:
    """Whether a refusal says that a record with our marker exists, where the tenant keeps markers unique."""
    rung = entity.marker
    if rung is None or rung.slot is None or not rung.unique or refused.status != _UNPROCESSABLE:
        return False
    attribute = entity.attributes.get(rung.slot)
    slot = pointer_parts(attribute.wire_name if attribute else rung.slot)
    return any(pointer_parts(finding.pointer)[-len(slot) :] == slot for finding in refused.findings)


def _is_ours(entity: Entity, key: RecordKey, found: RemoteRecord) -> bool:
    return read_marker(entity, found.attributes) in (None, marker(key))
