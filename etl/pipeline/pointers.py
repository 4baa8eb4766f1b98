"""Turns the places that Casebook's refusals point to back into the fields that mappings name.

A pointer speaks of a body as it travelled: with the tenant's own names, and of whatever carries a link. People repair
mappings and sources, where neither stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from etl.catalog.model import Entity

_POINTER = re.compile(r"(?:^|[\s;])(/[^\s;]*)")
_SEPARATOR = re.compile(r"[/.\[\]]+")
_BODY = frozenset({"data", "attributes", "relationships"})


def field_pointed_to(entity: Entity, detail: str) -> str:
    """The first field that a refusal's text (status, codes and pointers) points to; "" where it points to none we know."""
    names = _names(entity)
    for pointer in _POINTER.findall(detail):
        parts = [each for each in _SEPARATOR.split(pointer) if each]
        while parts and parts[0] in _BODY and parts[0] not in names:
            parts = parts[1:]
        found = next((names[".".join(parts[:size])] for size in (2, 1) if ".".join(parts[:size]) in names), "")
        if found:
            return found
    return ""


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
