"""Where the catalogue says that each part of a document travels: the terms both encoders and the decoder share.

A link is a JSON:API relationship unless the catalogue names a plain attribute that carries its id (``carried_as``, may
be dotted) and perhaps one that tells its kind (``type_as``). Documents never show carriers: there the link is the field.
A tenant's own names (``wire``) appear here and on the wire, nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from etl.catalog.model import Catalog, Entity, Link, Lookup
from etl.core.errors import CatalogMismatch
from etl.core.records import Document, JsonValue, LinkValue, Ref, TargetId

Attributes: TypeAlias = Mapping[str, JsonValue]
CUSTOM_FIELDS = "custom_fields"


def resource(catalog: Catalog, name: str) -> Entity | Lookup:
    """The entity or lookup of this name. Raises CatalogMismatch."""
    found = catalog.entities.get(name) or catalog.lookups.get(name)
    if found is None:
        raise CatalogMismatch(f"The catalogue knows no {name}.", hint="Add it to the tenant overlay.")
    return found


def type_of(catalog: Catalog, name: str) -> str:
    """The JSON:API type of an entity or lookup. Raises CatalogMismatch where nobody has said it."""
    return _known(resource(catalog, name).type, name, "type")


def path_of(catalog: Catalog, name: str) -> str:
    """The collection's path. Raises CatalogMismatch where nobody has said it."""
    return _known(resource(catalog, name).path, name, "path")


def refs(value: LinkValue) -> tuple[Ref, ...]:
    """The references of a link's value, however many it holds."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def links(catalog: Catalog, document: Document) -> Iterator[tuple[Link, LinkValue]]:
    """The document's links with their entries in the catalogue. Raises CatalogMismatch for an unknown one."""
    known = catalog.entity(document.entity).links
    for name, value in document.links.items():
        if name not in known:
            raise CatalogMismatch(f"The catalogue knows no link {document.entity}.{name}.", hint="Check the overlay.")
        yield known[name], value


def attributes(catalog: Catalog, document: Document, kept: Attributes | None = None) -> dict[str, JsonValue]:
    """The attributes as they travel: the document's own and those that carry links, by the tenant's names.

    ``kept`` are custom fields, as they travel, that stay as they are where the document says nothing of them.
    """
    travelling = _renamed(document.attributes, _wire_names(catalog.entity(document.entity)))
    for link, value in links(catalog, document):
        if link.carried_as is not None:
            _put(travelling, link.carried_as, _ids(link, value))
        if link.carried_as is not None and link.type_as is not None:
            _put(travelling, link.type_as, _kind(catalog, value))
    own = travelling.get(CUSTOM_FIELDS)
    if kept and isinstance(own, dict):
        travelling[CUSTOM_FIELDS] = {**kept, **own}
    return travelling


def touches_custom_fields(catalog: Catalog, document: Document) -> bool:
    """Whether sending the document writes the object that holds the custom fields."""
    return isinstance(attributes(catalog, document).get(CUSTOM_FIELDS), dict)


def shown_attributes(entity: Entity, travelling: Attributes) -> dict[str, JsonValue]:
    """The attributes as documents show them; an object that held nothing but carriers is left out."""
    shown = dict(travelling)
    for link in entity.links.values():
        for carrier in (link.carried_as, link.type_as):
            if carrier is not None:
                _drop(shown, carrier)
    return _renamed(shown, {theirs: ours for ours, theirs in _wire_names(entity).items()})


def filter_name(entity: Entity, name: str) -> str:
    """What a filter on an attribute (dotted for a custom field) or a link is called on the wire."""
    if name in entity.links:
        return entity.links[name].wire_name
    return entity.attributes[name].wire_name if name in entity.attributes else name


def carried_links(catalog: Catalog, entity: Entity, travelling: Attributes) -> dict[str, LinkValue]:
    """The links whose carriers are among the attributes."""
    return {
        link.name: _carried(catalog, link, travelling)
        for link in entity.links.values()
        if link.carried_as is not None and has(travelling, link.carried_as)
    }


def has(travelling: Attributes, dotted: str) -> bool:
    """Whether an attribute, dotted for a custom field, is there (null counts)."""
    head, _, rest = dotted.partition(".")
    if not rest:
        return head in travelling
    inner = travelling.get(head)
    return isinstance(inner, dict) and rest in inner


def value_at(travelling: Attributes, dotted: str) -> JsonValue:
    """The value of an attribute, dotted for a custom field; None where it is not there."""
    head, _, rest = dotted.partition(".")
    value = travelling.get(head)
    if not rest:
        return value
    return value.get(rest) if isinstance(value, dict) else None


def named_by_type(catalog: Catalog, link: Link, type_name: JsonValue) -> str:
    """Which of a link's targets a JSON:API type means; the first where the type is none of theirs."""
    known = (name for name in link.to if name in catalog.entities or name in catalog.lookups)
    return next((name for name in known if resource(catalog, name).type == type_name), link.to[0])


def _wire_names(entity: Entity) -> dict[str, str]:
    """The tenant's names by ours, where they differ."""
    return {each.name: each.wire for each in entity.attributes.values() if each.wire and each.wire != each.name}


def _renamed(values: Attributes, names: Mapping[str, str]) -> dict[str, JsonValue]:
    """A copy under other names; a dotted name stays inside its object."""
    renamed = dict(values)
    moving = [(old, new, value_at(values, old)) for old, new in names.items() if has(values, old)]
    for old, _, _ in moving:
        _drop(renamed, old)
    for _, new, value in moving:
        _put(renamed, new, value)
    return renamed


def _known(value: str | None, name: str, what: str) -> str:
    if value is None:
        raise CatalogMismatch(f"The {what} of {name} is not known.", hint="Say it in the tenant overlay.")
    return value


def _ids(link: Link, value: LinkValue) -> JsonValue:
    ids: list[JsonValue] = [each.id for each in refs(value)]
    if link.many:
        return ids
    return ids[0] if ids else None


def _kind(catalog: Catalog, value: LinkValue) -> JsonValue:
    return next((type_of(catalog, each.to) for each in refs(value)), None)


def _carried(catalog: Catalog, link: Link, travelling: Attributes) -> LinkValue:
    ids = value_at(travelling, link.carried_as or "")
    to = named_by_type(catalog, link, value_at(travelling, link.type_as)) if link.type_as else link.to[0]
    found = tuple(_ref(to, each) for each in (ids if isinstance(ids, list) else [ids]) if each not in (None, ""))
    if link.many:
        return found
    return found[0] if found else None


def _ref(to: str, value: JsonValue) -> Ref:
    return Ref(to, TargetId(value if isinstance(value, str) else str(value)))


def _put(travelling: dict[str, JsonValue], dotted: str, value: JsonValue) -> None:
    head, _, rest = dotted.partition(".")
    inner = travelling.get(head)
    travelling[head] = {**(inner if isinstance(inner, dict) else {}), rest: value} if rest else value


def _drop(shown: dict[str, JsonValue], dotted: str) -> None:
    head, _, rest = dotted.partition(".")
    inner = shown.get(head)
    if not rest:
        shown.pop(head, None)
    elif isinstance(inner, dict) and rest in inner:
        kept = {name: value for name, value in inner.items() if name != rest}
        shown[head] = kept
        if not kept:
            del shown[head]
