"""Turns the places that Casebook's refusals point to back into the fields that mappings name.

A pointer speaks of a body as it travelled: with the tenant's own names, and of whatever carries a link. People repair
mappings and sources, where neither stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from etl.catalog.model import Entity

_POINTER = re.compile(r"(?:^|[\s;])(/[^\s;]*)")
_SEPARATOR = re.compile(r"[/.\[\]]+")
_BODY = frozenset({"data", "attributes", "relationships"})


def field_pointed_to(entity: Entity, detail: str) -> str:
    """The first field that a refusal's text (status, codes and pointers) points to; "" where it points to none we know."""
    names = _names(entity)
    return next((found for pointer in _POINTER.findall(detail) if (found := _field(names, pointer))), "")


def field_at(entity: Entity, pointer: str) -> str:
    """The field that one pointer names; "" where it names none we know."""
    return _field(_names(entity), pointer)


def pointer_parts(pointer: str) -> list[str]:
    """The names in a pointer or a dotted name, whichever of the two forms of bodies it speaks of.

    >>> pointer_parts("/data/attributes/custom_fields/a"), pointer_parts("custom_fields[a]")
    (['data', 'attributes', 'custom_fields', 'a'], ['custom_fields', 'a'])
    """
    return [each for each in _SEPARATOR.split(pointer) if each]


def _field(names: Mapping[str, str], pointer: str) -> str:
    parts = pointer_parts(pointer)
    while parts and parts[0] in _BODY and parts[0] not in names:
        parts = parts[1:]
    return next((names[".".join(parts[:size])] for size in (2, 1) if ".".join(parts[:size]) in names), "")


def _names(entity: Entity) -> dict[str, str]:
    """Our names by what travels; a name of ours that no other field travels under means itself."""
    travelling = dict(_travelling(entity))
    return {name: name for name in (*entity.attributes, *entity.links)} | travelling


def _travelling(entity: Entity) -> Iterator[tuple[str, str]]:
    for attribute in entity.attributes.values():
        yield attribute.wire_name, attribute.name
    for link in entity.links.values():
        yield link.wire_name, link.name
        if link.type_as is not None:
            yield link.type_as, link.name
