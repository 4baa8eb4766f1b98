"""Documents to JSON:API bodies, and resources of answers back into the same terms.

Decoding undoes encoding exactly, except for the kind of a polymorphic link whose kind does not travel: there the
link's first target is named. A link that the answer does not show is absent, which is not the same as None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from etl.casebook import wire
from etl.casebook.failures import is_id
from etl.catalog.model import Catalog, Link
from etl.core.records import Document, JsonValue, LinkValue, Ref, RemoteRecord, TargetId

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":"))


class UnknownShape(ValueError):
    """A resource of an answer is not of JSON:API's form. The message never quotes it."""


def encode(
    catalog: Catalog,
    document: Document,
    target_id: TargetId | None = None,
    kept: Mapping[str, JsonValue] | None = None,
) -> bytes:
    """The body of a POST, or of a PATCH where ``target_id`` is given; ``kept`` as for :func:`wire.attributes`."""
    data: dict[str, JsonValue] = {"type": wire.type_of(catalog, document.entity)}
    record_id = document.id if target_id is None else target_id
    if record_id is not None:
        data["id"] = record_id
    data["attributes"] = wire.attributes(catalog, document, kept)
    relationships = _relationships(catalog, document)
    if relationships:
        data["relationships"] = relationships
    return _ENCODER.encode({"data": data}).encode()


def decode(catalog: Catalog, entity: str, data: JsonValue) -> RemoteRecord:
    """The record in one resource object. Raises UnknownShape."""
    target_id, travelling = parts(data, wire.type_of(catalog, entity))
    known = catalog.entity(entity)
    shown = wire.shown_attributes(known, travelling)
    return RemoteRecord(
        entity,
        target_id,
        shown,
        wire.carried_links(catalog, known, travelling) | _related(catalog, entity, data),
        created_at=_text(shown.get("created_at")),
    )


def parts(data: JsonValue, type_name: str) -> tuple[TargetId, Mapping[str, JsonValue]]:
    """Id and attributes of one resource object. Raises UnknownShape where the type or the id is not as it must be."""
    if not isinstance(data, dict) or data.get("type") != type_name or not is_id(data.get("id")):
        raise UnknownShape("a resource without the expected type and id")
    attributes = data.get("attributes")
    return TargetId(str(data["id"])), attributes if isinstance(attributes, dict) else {}


def _relationships(catalog: Catalog, document: Document) -> dict[str, JsonValue]:
    return {
        link.wire_name: {"data": _linkage(catalog, link, value)}
        for link, value in wire.links(catalog, document)
        if link.carried_as is None
    }


def _linkage(catalog: Catalog, link: Link, value: LinkValue) -> JsonValue:
    found: list[JsonValue] = [{"type": wire.type_of(catalog, each.to), "id": each.id} for each in wire.refs(value)]
    if link.many:
        return found
    return found[0] if found else None


def _related(catalog: Catalog, entity: str, data: JsonValue) -> dict[str, LinkValue]:
    relationships = data.get("relationships") if isinstance(data, dict) else None
    shown = relationships if isinstance(relationships, dict) else {}
    return {
        link.name: _link_value(catalog, link, relationship["data"])
        for link in catalog.entity(entity).links.values()
        if link.carried_as is None
        and isinstance(relationship := shown.get(link.wire_name), dict)
        and "data" in relationship
    }


def _link_value(catalog: Catalog, link: Link, linkage: JsonValue) -> LinkValue:
    identifiers = linkage if isinstance(linkage, list) else [] if linkage is None else [linkage]
    found = tuple(_ref(catalog, link, each) for each in identifiers)
    if link.many:
        return found
    return found[0] if found else None


def _ref(catalog: Catalog, link: Link, identifier: JsonValue) -> Ref:
    if not isinstance(identifier, dict) or not is_id(identifier.get("id")):
        raise UnknownShape("a relationship without an id")
    return Ref(wire.named_by_type(catalog, link, identifier.get("type")), TargetId(str(identifier["id"])))


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
