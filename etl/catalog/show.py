"""Shows the catalogue to people and to programs: what Casebook accepts, and how sure each fact is.

Two forms of the same facts: plain data that any JSON writer takes, and text for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TypeAlias

from etl.catalog.model import Attribute, Catalog, Certainty, Entity, Link, Lookup, Marker, Option, Step
from etl.core.errors import CatalogMismatch
from etl.core.suggest import nearest

Data: TypeAlias = dict[str, object]

_MARKS = {
    Certainty.STATED: ("=", "stated by Casebook, or by the tenant's overlay"),
    Certainty.BRIEF: ("b", "said by the API help page this project was founded on"),
    Certainty.OBSERVED: ("o", "seen in Casebook's public test code of 2020"),
    Certainty.INFERRED: ("~", "inferred; the name may differ"),
    Certainty.UNKNOWN: ("?", "unknown in public; a tenant overlay must supply it"),
    Certainty.INVENTED: ("!", "invented by this project"),
}


def catalog_data(catalog: Catalog) -> Data:
    """Give the whole catalogue as plain data: the API's facts, entities and lookups in catalogue order."""
    return {
        "tenant": catalog.tenant,
        "invented": catalog.invented,
        "api": asdict(catalog.api),
        "entities": {name: entity_data(catalog, name) for name in catalog.entities},
        "lookups": {name: asdict(each) for name, each in catalog.lookups.items()},
    }


def entity_data(catalog: Catalog, name: str) -> Data:
    """Give one entity as plain data; raises CatalogMismatch, with the nearest name, where there is none."""
    return asdict(_entity(catalog, name)) | {"creatable": _entity(catalog, name).creatable}


def catalog_text(catalog: Catalog) -> str:
    """Render the list of entities and lookups, one a line with its path and certainty, and explain the marks."""
    title = f"Casebook, tenant {catalog.tenant}" if catalog.tenant else "Casebook, public facts"
    rows = [_entity_row(each) for each in catalog.entities.values()]
    lookups = [_lookup_row(each) for each in catalog.lookups.values()]
    lines = [title + (" (invented)" if catalog.invented else ""), "", "Entities", *_table(rows)]
    return "\n".join([*lines, "", "Lookups", *_table(lookups), "", *_legend()]) + "\n"


def entity_text(catalog: Catalog, name: str) -> str:
    """Render one entity: path, operations, attributes, links, marker, flow; raises CatalogMismatch for an unknown one."""
    entity = _entity(catalog, name)
    sections = [
        ("Attributes", _table(_attribute_row(each) for each in entity.attributes.values())),
        ("Links", _table(_link_row(catalog, each) for each in entity.links.values())),
        ("Options", [f"  {option.label}" for option in entity.options or ()]),
        ("Flow", [f"  {_step(each)}" for each in entity.flow]),
        ("Natural keys", [f"  {', '.join(key)}" for key in entity.natural_keys]),
        ("Roles", [f"  {operation}: {', '.join(names)}" for operation, names in entity.roles.items()]),
    ]
    lines = [entity.name, *_table(_facts(entity)), *([f"  {entity.notes}"] if entity.notes else [])]
    for title, body in sections:
        lines += ["", title, *body] if body else []
    return "\n".join([*lines, "", *_legend()]) + "\n"


def _entity(catalog: Catalog, name: str) -> Entity:
    if name not in catalog.entities:
        hint = nearest(name, catalog.entities) or "List the entities with `casebook-etl catalog show`."
        raise CatalogMismatch(f"The catalogue has no entity {name}.", hint=hint)
    return catalog.entities[name]


def _facts(entity: Entity) -> Iterator[tuple[str, ...]]:
    yield "certainty", _sign(entity.certainty), entity.certainty.value
    yield "service", "", entity.service
    yield "path", _sign(entity.path_certainty), entity.path or "unknown"
    yield "type", _sign(entity.type_certainty), entity.type or "unknown"
    yield "operations", _sign(entity.operations_certainty), ", ".join(entity.operations) or "unknown"
    yield "marker", "", _marker(entity.marker)
    if entity.client_ids:
        yield "ids", "", "chosen by us"


def _entity_row(entity: Entity) -> tuple[str, ...]:
    path = entity.path or "path unknown"
    return _sign(entity.certainty), entity.name, f"{_sign(entity.path_certainty)} {path}", ", ".join(entity.operations)


def _lookup_row(lookup: Lookup) -> tuple[str, ...]:
    return _sign(lookup.certainty), lookup.name, lookup.path or "path unknown", _options(lookup.options)


def _options(options: tuple[Option, ...] | None) -> str:
    return "options not listed" if options is None else ", ".join(option.label for option in options)


def _attribute_row(attribute: Attribute) -> tuple[str, ...]:
    return (
        _sign(attribute.certainty),
        attribute.name,
        attribute.kind.value,
        "set by Casebook" if attribute.read_only else _requirement(attribute.required),
        "; ".join(_remarks(attribute)),
    )


def _remarks(attribute: Attribute) -> Iterator[str]:
    if attribute.enum:
        yield "one of " + ", ".join(attribute.enum)
    if attribute.max_length is not None:
        yield f"at most {attribute.max_length} characters"
    if attribute.minimum is not None or attribute.maximum is not None:
        yield f"from {attribute.minimum or '...'} to {attribute.maximum or '...'}"
    if attribute.wire:
        yield f"on the wire {attribute.wire}"
    if attribute.pii:
        yield f"personal: {attribute.pii}"
    if attribute.tolerate:
        yield f"verify tolerates {', '.join(attribute.tolerate)}"
    if attribute.note:
        yield attribute.note


def _link_row(catalog: Catalog, link: Link) -> tuple[str, ...]:
    targets = " or ".join(link.to) + (" (many)" if link.many else "") + _listed(catalog, link)
    return _sign(link.certainty), link.name, targets, _requirement(link.required), "; ".join(_link_remarks(link))


def _listed(catalog: Catalog, link: Link) -> str:
    return ", a list" if catalog.is_lookup(link.to[0]) else ""


def _link_remarks(link: Link) -> Iterator[str]:
    if link.carried_as:
        yield f"carried as {link.carried_as}" + (f" and {link.type_as}" if link.type_as else "")
    if link.wire:
        yield f"on the wire {link.wire}"
    if link.value:
        yield f"means the parent's {link.value}"
    if link.set_by == "patch":
        yield "set by a later PATCH"
    if link.warn_if_missing:
        yield "recommended"
    if link.note:
        yield link.note


def _requirement(required: bool | None) -> str:
    return {True: "required", False: "optional", None: "the tenant decides"}[required]


def _marker(marker: Marker | None) -> str:
    if marker is None:
        return "none"
    where = f"{marker.place.replace('_', ' ')} of {marker.slot}" if marker.slot else "whole contents"
    unique = ", unique" if marker.unique else ""
    return f"{marker.ask}: {where}" + (f", within {marker.scope}" if marker.scope else "") + unique


def _step(step: Step) -> str:
    details = {key: value for key, value in asdict(step).items() if key != "do" and value is not None}
    return " ".join([step.do, *(f"{key}={value}" for key, value in details.items())])


def _sign(certainty: Certainty) -> str:
    return _MARKS[certainty][0]


def _legend() -> Iterator[str]:
    yield "How sure a fact is:"
    for certainty, (sign, meaning) in _MARKS.items():
        yield f"  {sign} {certainty.value:9} {meaning}"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Lay rows out in columns, two blanks in and two between; the last column is never padded."""
    listed = list(rows)
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in listed
    ]
