"""The parent under which a record without a marker of its own is looked for: as a key, as an id, as a home of twins."""

from __future__ import annotations

from etl.catalog.model import Catalog, Entity
from etl.core.capabilities import Rung
from etl.core.keys import RecordKey
from etl.core.records import Document, Ref, RemoteRecord, TargetId
from etl.core.state_port import StateReader
from etl.load.planned import PlannedRecord
from etl.load.twins import Home


def scope_key(entity: Entity, record: PlannedRecord) -> RecordKey | None:
    """The key of the parent in the scope's link; None where there is none, or where the link is set later."""
    scope = entity.marker.scope if entity.marker else None
    keys = record.parents().get(scope, ()) if scope else ()
    return keys[0] if keys and scope not in record.deferred else None


def scope_id(entity: Entity, shown: Document | RemoteRecord) -> TargetId | None:
    """The id of that parent, as a document or a record at Casebook holds it."""
    scope = entity.marker.scope if entity.marker else None
    link = shown.links.get(scope) if scope else None
    return link.id if isinstance(link, Ref) else None


def home_of(entity: Entity, document: Document) -> Home | None:
    """Where a record without a marker would be looked for; None where it carries one or cannot be looked for."""
    return home_in(entity, scope_id(entity, document))


def home_in(entity: Entity, parent: TargetId | None) -> Home | None:
    """Where records without a marker below a parent are looked for."""
    if entity.marker is None or entity.marker.slot is not None:
        return None
    below = TargetId("") if entity.marker.ask == Rung.CREATED else parent
    return None if below is None else (entity.name, below)


def scope_id_of(catalog: Catalog, state: StateReader, entity: str, scope: RecordKey) -> TargetId | None:
    """The id by which the children of a parent are listed, where state knows the parent."""
    rung = catalog.entity(entity).marker
    known = state.known([scope]).get(scope)
    if rung is None or rung.scope is None or known is None:
        return None
    value = catalog.entity(entity).links[rung.scope].value
    stored = state.attribute(scope, value) if value else known.target_id
    return TargetId(stored) if stored else None
