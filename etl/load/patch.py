"""PATCH of a record so that nothing beside the given fields changes.

Whether a PATCH of ``custom_fields`` merges or replaces is not known in public, so they are read, merged and written as a
whole; the marker among them is kept by that.
"""

from __future__ import annotations

from etl.catalog.model import Entity
from etl.core.ports import Target
from etl.core.records import Document, JsonValue, LinkValue, TargetId

_CUSTOM = "custom_fields"


async def patch(target: Target, entity: Entity, target_id: TargetId, document: Document) -> None:
    """Updates a record. Raises what the target raises; RecordRejected with status 404 where it is gone."""
    if _touches_custom_fields(entity, document):
        document = await _merged(target, entity, target_id, document)
    await target.update(target_id, document)


def _touches_custom_fields(entity: Entity, document: Document) -> bool:
    return _CUSTOM in document.attributes or any(_is_custom(entity, name) for name in document.links)


def _is_custom(entity: Entity, link: str) -> bool:
    return (entity.links[link].carried_as or "").startswith(_CUSTOM + ".")


async def _merged(target: Target, entity: Entity, target_id: TargetId, document: Document) -> Document:
    shown = await target.get(entity.name, target_id)
    if shown is None:
        return document
    custom = _object(shown.attributes.get(_CUSTOM)) | _object(document.attributes.get(_CUSTOM))
    kept: dict[str, LinkValue] = {name: link for name, link in shown.links.items() if link and _is_custom(entity, name)}
    return Document(entity.name, {**document.attributes, _CUSTOM: custom}, {**kept, **document.links})


def _object(value: JsonValue) -> dict[str, JsonValue]:
    return dict(value) if isinstance(value, dict) else {}
