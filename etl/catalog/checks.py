"""Checks that a finished catalogue agrees with itself: every name that one part uses is there in another.

The checks run on the merged whole, so an overlay answers also for what it breaks below it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from etl.catalog.model import Attribute, Catalog, Entity, Kind, Link, Step
from etl.catalog.specs import CatalogSpec
from etl.core.strict_yaml import Path
from etl.core.suggest import nearest

_NUMBERS = (Kind.INTEGER, Kind.NUMBER)
_DAYS = (Kind.DATE, Kind.DATETIME)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that does not agree, at a path of the written form."""

    path: Path
    message: str
    hint: str


def flaws(catalog: Catalog, spec: CatalogSpec) -> Iterator[Flaw]:
    """Find everything in a merged catalogue that does not agree with the rest of it, in the order of the file."""
    yield from _api_flaws(spec)
    yield from _service_flaws(spec)
    yield from _repeated_paths(catalog)
    for entity in catalog.entities.values():
        for check in _ENTITY_CHECKS:
            yield from check(catalog, entity)
    yield from _custom_field_flaws(spec)
    yield from _repeated_options(catalog)


def _api_flaws(spec: CatalogSpec) -> Iterator[Flaw]:
    for key in ("base_urls", "media_type", "token_lifetime_s", "page_size"):
        if not getattr(spec.api, key):
            yield Flaw(("api", key), f"The API fact {key} is missing.", "Give it under api.")


def _service_flaws(spec: CatalogSpec) -> Iterator[Flaw]:
    named = [(("entities", name), each.service) for name, each in spec.entities.items()]
    named += [(("lookups", name), each.service) for name, each in spec.lookups.items() if each.service is not None]
    for path, service in named:
        if service not in spec.services:
            yield _unknown((*path, "service"), "service", str(service), spec.services)


def _repeated_paths(catalog: Catalog) -> Iterator[Flaw]:
    first: dict[str, str] = {}
    for entity in catalog.entities.values():
        if entity.path and first.setdefault(entity.path, entity.name) != entity.name:
            message = f"{first[entity.path]} and {entity.name} share the path {entity.path}."
            yield Flaw(("entities", entity.name, "path"), message, "Give each entity a path of its own.")


def _attribute_flaws(_catalog: Catalog, entity: Entity) -> Iterator[Flaw]:
    for attribute in entity.attributes.values():
        path = _field_path(entity, attribute.name)
        if (attribute.kind is Kind.ENUM) != bool(attribute.enum) and path[2] == "attributes":
            yield Flaw(
                path, f"{attribute.name}: an enum and its list belong together.", 'Give both "type: enum" and "enum".'
            )
        if attribute.kind is Kind.DROPDOWN and path[2] == "attributes":
            yield Flaw(path, f"{attribute.name}: only custom fields are drop-downs.", "List it under custom_fields.")
        yield from _bound_flaws(path, attribute)


def _bound_flaws(path: Path, attribute: Attribute) -> Iterator[Flaw]:
    if attribute.pattern is not None and not _is_pattern(attribute.pattern):
        yield Flaw((*path, "pattern"), f"{attribute.name}: the pattern is no regular expression.", "Correct it.")
    for key, bound in (("minimum", attribute.minimum), ("maximum", attribute.maximum)):
        if bound is not None and not _is_bound(attribute.kind, bound):
            hint = "Numbers have numbers as bounds, dates have dates (YYYY-MM-DD), nothing else has bounds."
            yield Flaw((*path, key), f"{attribute.name}: the {key} does not suit its type.", hint)


def _link_flaws(catalog: Catalog, entity: Entity) -> Iterator[Flaw]:
    for link in entity.links.values():
        path = ("entities", entity.name, "links", link.name)
        yield from _target_flaws(catalog, path, link)
        if link.name in entity.attributes:
            yield Flaw(path, f"{link.name} is a link and an attribute.", "Keep one of them.")
        if link.set_by == "patch" and link.required:
            yield Flaw(path, f"{link.name} cannot be required and set later.", 'Remove "required" or "set_by: patch".')
        if len(link.to) > 1 and link.carried_as and not (link.type_as or link.value):
            hint = 'Give "type_as", the attribute that names the kind.'
            yield Flaw(path, f"{link.name}: an id alone does not tell which entity is meant.", hint)


def _target_flaws(catalog: Catalog, path: Path, link: Link) -> Iterator[Flaw]:
    known = [*catalog.entities, *catalog.lookups]
    for index, target in enumerate(link.to):
        if target not in known:
            yield _unknown((*path, "to", index), "entity or lookup", target, known)
        elif len(link.to) > 1 and catalog.is_lookup(target):
            hint = "Only links to records may have several targets."
            yield Flaw((*path, "to", index), f"{target} is a lookup among several targets.", hint)
        elif link.value is not None and not _has(catalog, target, link.value):
            yield Flaw((*path, "value"), f"{target} has no attribute {link.value}.", f"Add it to {target}.")


def _carrier_flaws(_catalog: Catalog, entity: Entity) -> Iterator[Flaw]:
    carriers = {name: link for link in entity.links.values() for name in (link.carried_as, link.type_as) if name}
    for attribute in entity.attributes.values():
        if link := carriers.get(attribute.wire_name):
            hint = f"Remove the attribute; mappings fill the link {link.name}."
            yield Flaw(_field_path(entity, attribute.name), f"{attribute.name} carries the link {link.name}.", hint)
    for link in entity.links.values():
        if link.carried_as and link.wire:
            path = ("entities", entity.name, "rename", link.name)
            yield Flaw(
                path, f"{link.name} travels as the attribute {link.carried_as}.", 'Change its "carried_as" instead.'
            )


def _wire_flaws(_catalog: Catalog, entity: Entity) -> Iterator[Flaw]:
    fields: list[Attribute | Link] = [*entity.attributes.values(), *entity.links.values()]
    counts = Counter(field.wire_name for field in fields)
    for field in fields:
        path = ("entities", entity.name, "rename", field.name)
        if field.wire and field.wire.rpartition(".")[0] != field.name.rpartition(".")[0]:
            yield Flaw(
                path, f"{field.name} cannot move to {field.wire}.", 'Only custom fields start with "custom_fields.".'
            )
        if counts[field.wire_name] > 1 and field.wire:
            message = f"Another field of {entity.name} is called {field.wire_name} already."
            yield Flaw(path, message, "Choose the name that the API document gives.")


def _marker_flaws(_catalog: Catalog, entity: Entity) -> Iterator[Flaw]:
    marker = entity.marker
    if marker is None:
        return
    path = ("entities", entity.name, "marker")
    slot = entity.attributes.get(marker.slot or "")
    if (marker.ask in {"scoped", "created"}) != (marker.slot is None):
        yield Flaw(path, "A scoped or created marker has no slot, any other has one.", 'Correct "ask" or "slot".')
    elif marker.slot is not None and (slot is None or slot.read_only):
        yield Flaw(
            (*path, "slot"), f"The marker cannot be written to {marker.slot}.", "Name an attribute of the entity."
        )
    if marker.ask == "scoped" and marker.scope is None:
        yield Flaw(path, "A scoped marker needs its scope.", 'Name the link to the parent as "scope".')
    if marker.scope is not None and marker.scope not in entity.links:
        yield _unknown((*path, "scope"), "link", marker.scope, entity.links)


def _flow_flaws(catalog: Catalog, entity: Entity) -> Iterator[Flaw]:
    for index, step in enumerate(entity.flow):
        path = ("entities", entity.name, "flow", index)
        if step.do == "upload":
            yield from _upload_flaws(path, entity, step)
        if step.do == "read":
            yield from _read_flaws(path, catalog, entity, step)


def _upload_flaws(path: Path, entity: Entity, step: Step) -> Iterator[Flaw]:
    if step.max_bytes is None:
        yield Flaw(path, "An upload needs a limit.", 'Give "max_bytes".')
    if step.url_attribute not in entity.attributes:
        yield _unknown((*path, "url_attribute"), "attribute", str(step.url_attribute), entity.attributes)


def _read_flaws(path: Path, catalog: Catalog, entity: Entity, step: Step) -> Iterator[Flaw]:
    link = entity.links.get(step.relationship or "")
    if link is None:
        yield _unknown((*path, "relationship"), "link", str(step.relationship), entity.links)
        return
    for target in link.to:
        if not _has(catalog, target, step.attribute or ""):
            message = f"{target} has no attribute {step.attribute} to read."
            yield Flaw((*path, "attribute"), message, f"Add it to {target}, or read another one.")


def _key_flaws(catalog: Catalog, entity: Entity) -> Iterator[Flaw]:
    for index, key in enumerate(entity.natural_keys):
        for part, name in enumerate(key):
            if not _is_field(catalog, entity, name):
                path = ("entities", entity.name, "natural_keys", index, part)
                yield _unknown(path, "field", name, [*entity.attributes, *entity.links])
    if entity.match_on is not None and entity.match_on not in entity.attributes:
        yield _unknown(("entities", entity.name, "match_on"), "attribute", entity.match_on, entity.attributes)


def _custom_field_flaws(spec: CatalogSpec) -> Iterator[Flaw]:
    for name, entity in spec.entities.items():
        for key, field in entity.custom_fields.items():
            path = ("entities", name, "custom_fields", key)
            if not entity.takes_custom_fields:
                hint = 'If this tenant has them, say "takes_custom_fields: true".'
                yield Flaw(path, f"{name} is not known to take custom fields.", hint)
            if field.options is not None and field.type != "dropdown":
                yield Flaw((*path, "options"), f"{key}: only a drop-down has options.", 'Say "type: dropdown".')


def _repeated_options(catalog: Catalog) -> Iterator[Flaw]:
    for name, lookup in catalog.lookups.items():
        labels = Counter(option.label for option in lookup.options or ())
        for label, count in labels.items():
            if count > 1:
                path = _options_path(catalog, name)
                yield Flaw(path, f"{name} lists the option {label} {count} times.", "Keep it once.")


def _options_path(catalog: Catalog, lookup: str) -> Path:
    for entity in catalog.entities.values():
        for attribute in entity.attributes.values():
            if attribute.lookup == lookup:
                return (*_field_path(entity, attribute.name), "options")
    return ("lookups", lookup, "options")


def _field_path(entity: Entity, name: str) -> Path:
    part, _, key = name.rpartition(".")
    return ("entities", entity.name, part or "attributes", key)


def _unknown(path: Path, what: str, name: str, known: Iterable[str]) -> Flaw:
    names = list(known)
    return Flaw(path, f"The {what} {name} is unknown.", nearest(name, names) or f"Known: {', '.join(names)}.")


def _has(catalog: Catalog, target: str, attribute: str) -> bool:
    return target in catalog.entities and attribute in catalog.entities[target].attributes


def _is_field(catalog: Catalog, entity: Entity, name: str) -> bool:
    if name in entity.attributes or name in entity.links:
        return True
    link, _, attribute = name.partition(".")
    return link in entity.links and all(_has(catalog, target, attribute) for target in entity.links[link].to)


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _is_bound(kind: Kind, text: str) -> bool:
    if kind in _DAYS:
        return re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", text) is not None
    try:
        return kind in _NUMBERS and Decimal(text).is_finite()
    except InvalidOperation:
        return False


_ENTITY_CHECKS: tuple[Callable[[Catalog, Entity], Iterator[Flaw]], ...] = (
    _attribute_flaws,
    _link_flaws,
    _carrier_flaws,
    _wire_flaws,
    _marker_flaws,
    _flow_flaws,
    _key_flaws,
)
