"""The sandbox's own reading of the catalogue: one resource a path, with what its bodies may hold and its seeded rows.

It is compiled from the catalogue's data only; payload models and validation of the loader are deliberately not used, so
that a mistake on one side shows on the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from etl.catalog.model import Attribute, Catalog, Entity, Kind, Link, Lookup, Step

CUSTOM = "custom_fields."
DEFINITIONS_PATH = "/admin/custom_fields"
SERVER_ATTRIBUTES = ("created_at", "created_by")


@dataclass(frozen=True, slots=True)
class Resource:
    """One collection. ``members`` are the names under which its rows are kept (several lookups may share a path).

    ``attributes`` are keyed by flat name (``custom_fields.key``); ``carriers`` maps the plain attributes that carry
    links to their link; ``made`` lists attributes that the server makes on create. ``takes_ids`` accepts ids that clients
    choose; ``unique`` names an attribute of which no two records may have the same value.
    """

    name: str
    type: str
    path: str
    operations: tuple[str, ...]
    members: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    links: Mapping[str, Link] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    upload: Step | None = None
    takes_custom_fields: bool = False
    takes_ids: bool = False
    unique: str | None = None

    @property
    def relationships(self) -> tuple[Link, ...]:
        """The links that travel as JSON:API relationships."""
        return tuple(link for link in self.links.values() if link.carried_as is None)

    @property
    def carriers(self) -> dict[str, Link]:
        """Link by the attribute that carries its id."""
        return {link.carried_as: link for link in self.links.values() if link.carried_as is not None}

    @property
    def kind_attributes(self) -> dict[str, Link]:
        """Link by the attribute that tells which entity it means."""
        return {link.type_as: link for link in self.links.values() if link.type_as is not None}


@dataclass(frozen=True, slots=True)
class SeededRow:
    """A row the tenant has from the start: an option of a list, a user, a definition of a custom field."""

    member: str
    id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Schema:
    """All resources by path and by name, the JSON:API type of every name, and the seeded rows."""

    by_path: Mapping[str, Resource]
    by_name: Mapping[str, Resource]
    types: Mapping[str, str]
    rows: tuple[SeededRow, ...]
    page_size: int

    def find(self, path: str) -> tuple[Resource, str] | None:
        """Return the resource a path means and the id in it, "" for the collection."""
        if path in self.by_path:
            return self.by_path[path], ""
        collection, _, record_id = path.rpartition("/")
        resource = self.by_path.get(collection)
        return (resource, record_id) if resource and record_id else None

    def names_of_type(self, type_name: str, among: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these entities or lookups carry this JSON:API type."""
        return tuple(name for name in among if self.types.get(name) == type_name)


def option_id(lookup: str, label: str) -> str:
    """Return the id of an option that the overlay gives none: always the same for the same label."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"casebook-etl-sandbox/{lookup}/{label}"))


def compile_schema(catalog: Catalog) -> Schema:
    """Return the schema of a tenant. Entities and lookups without a path are not served, but links to them still hold."""
    resources = [*_entity_resources(catalog), *_lookup_resources(catalog), *_definitions(catalog)]
    types = {member: resource.type for resource in resources for member in resource.members}
    return Schema(
        by_path={resource.path: resource for resource in resources},
        by_name={member: resource for resource in resources for member in resource.members},
        types=types,
        rows=(*_option_rows(catalog), *_listed_rows(catalog), *_definition_rows(catalog)),
        page_size=catalog.api.page_size,
    )


def _entity_resources(catalog: Catalog) -> Iterator[Resource]:
    handles = _made_by_server(catalog)
    for entity in catalog.entities.values():
        if entity.path is not None:
            yield _entity_resource(entity, entity.path, tuple(sorted(handles.get(entity.name, ()))))


def _entity_resource(entity: Entity, path: str, made: tuple[str, ...]) -> Resource:
    extra = [*made, *SERVER_ATTRIBUTES]
    upload = entity.step("upload")
    if upload is not None:
        extra += [upload.url_attribute or "upload_url", "byte_size", "sha256"]
    return Resource(
        name=entity.name,
        type=entity.type or last_segment(path),
        path=path,
        operations=entity.operations,
        members=(entity.name,),
        attributes={
            **_own_attributes(entity),
            **{name: Attribute(name, Kind.STRING, read_only=True) for name in extra},
        },
        links={link.name: link for link in map(_on_the_wire, entity.links.values())},
        made=made,
        upload=upload,
        takes_custom_fields=entity.takes_custom_fields,
        takes_ids=entity.client_ids,
        unique=_unique(entity),
    )


def _unique(entity: Entity) -> str | None:
    """The name on the wire of the attribute that identifies records from outside, where the tenant keeps it unique."""
    slot = entity.marker.slot if entity.marker and entity.marker.unique else None
    attribute = entity.attributes.get(slot) if slot else None
    return attribute.wire_name if attribute else slot


def _own_attributes(entity: Entity) -> dict[str, Attribute]:
    """Attributes by the name they have on the wire, without those that carry links."""
    taken = {name for link in entity.links.values() for name in (link.carried_as, link.type_as)} | {"custom_fields"}
    named = {attribute.wire_name: attribute for attribute in entity.attributes.values()}
    return {name: attribute for name, attribute in named.items() if name not in taken}


def _on_the_wire(link: Link) -> Link:
    return link if link.carried_as else replace(link, name=link.wire_name)


def _made_by_server(catalog: Catalog) -> dict[str, set[str]]:
    """Attributes of parents that links mean instead of the id: the server makes them when the parent is created."""
    made: dict[str, set[str]] = {}
    for entity in catalog.entities.values():
        for link in entity.links.values():
            for parent in link.to if link.value else ():
                made.setdefault(parent, set()).add(_wire_name(catalog, parent, str(link.value)))
    return made


def _wire_name(catalog: Catalog, entity: str, name: str) -> str:
    attribute = catalog.entities[entity].attributes.get(name) if entity in catalog.entities else None
    return attribute.wire_name if attribute else name


def _lookup_resources(catalog: Catalog) -> Iterator[Resource]:
    by_path: dict[str, list[Lookup]] = {}
    for lookup in catalog.lookups.values():
        if lookup.path is not None and lookup.name not in catalog.entities and lookup.path != DEFINITIONS_PATH:
            by_path.setdefault(lookup.path, []).append(lookup)
    for path, lookups in by_path.items():
        if path not in {entity.path for entity in catalog.entities.values()}:
            yield _lookup_resource(path, lookups)


def _lookup_resource(path: str, lookups: list[Lookup]) -> Resource:
    names = {lookup.match_on for lookup in lookups} | {name for lookup in lookups for name in lookup.filters}
    return _listed(path, tuple(lookup.name for lookup in lookups), names, lookups[0].type)


def _listed(path: str, members: tuple[str, ...], names: set[str], type_name: str | None = None) -> Resource:
    shown = [*sorted(names), *SERVER_ATTRIBUTES]
    return Resource(
        name=members[0],
        type=type_name or last_segment(path),
        path=path,
        operations=("list", "get"),
        members=members,
        attributes={name: Attribute(name, Kind.STRING, read_only=True) for name in shown},
    )


def _definitions(catalog: Catalog) -> Iterator[Resource]:
    if any(_custom_fields(catalog)):
        yield _listed(DEFINITIONS_PATH, ("custom_field",), {"name", "record_type", "field_type", "required"})


def _custom_fields(catalog: Catalog) -> Iterator[tuple[Entity, Attribute]]:
    for entity in catalog.entities.values():
        for name, attribute in entity.attributes.items():
            if name.startswith(CUSTOM):
                yield entity, attribute


def _option_rows(catalog: Catalog) -> Iterator[SeededRow]:
    for lookup in catalog.lookups.values():
        for option in lookup.options or ():
            row_id = option.id or option_id(lookup.name, option.label)
            yield SeededRow(lookup.name, row_id, {**lookup.filters, lookup.match_on: option.label})


def _listed_rows(catalog: Catalog) -> Iterator[SeededRow]:
    """Rows of entities that are listed and never created here, such as users; each gets a name that tells nothing."""
    for entity in catalog.entities.values():
        for place, option in enumerate(entity.options or (), start=1):
            row_id = option.id or option_id(entity.name, option.label)
            yield SeededRow(entity.name, row_id, {"name": f"Worker {place:02d}", str(entity.match_on): option.label})


def _definition_rows(catalog: Catalog) -> Iterator[SeededRow]:
    for entity, attribute in _custom_fields(catalog):
        key = attribute.name.removeprefix(CUSTOM)
        required = "true" if attribute.required else "false"
        kind, owner = attribute.kind.value, entity.type or entity.name
        shown = {"name": key, "record_type": owner, "field_type": kind, "required": required}
        yield SeededRow("custom_field", option_id("custom_field", f"{entity.name}/{key}"), shown)


def last_segment(path: str) -> str:
    """Return the last part of a path, the usual type of its records."""
    return path.rsplit("/", 1)[-1]
