"""Markers: the opaque text by which a record of ours is recognised in Casebook, placed as the catalogue says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from etl.catalog.model import Entity, Marker
from etl.core.keys import MARKER_PREFIX
from etl.core.records import JsonValue

_MARKER = re.compile(re.escape(MARKER_PREFIX) + "[a-z2-7]{16}")


def place_marker(entity: Entity, attributes: dict[str, JsonValue], text: str) -> None:
    """Puts a marker into a document's attributes, where the entity has a slot.

    A text keeps its content and gets the marker as its last line; a file name gets it before its ending.
    """
    slot = entity.marker.slot if entity.marker else None
    if entity.marker is None or slot is None:
        return
    home, name = _home(attributes, slot)
    home[name] = _placed(entity.marker, home.get(name), text)


def read_marker(entity: Entity, attributes: Mapping[str, JsonValue]) -> str | None:
    """The marker that a record carries in its slot, or None. Ours comes last: the text before it may quote another."""
    found = _MARKER.findall(_slot_text(entity, attributes))
    return found[-1] if found else None


def _home(attributes: dict[str, JsonValue], slot: str) -> tuple[dict[str, JsonValue], str]:
    """The object that holds a slot (dotted slots sit in a nested object) and its name there."""
    outer, dot, inner = slot.partition(".")
    if not dot:
        return attributes, slot
    nested = attributes.setdefault(outer, {})
    if not isinstance(nested, dict):
        nested = attributes[outer] = {}
    return nested, inner


def _slot_text(entity: Entity, attributes: Mapping[str, JsonValue]) -> str:
    slot = entity.marker.slot if entity.marker else None
    if slot is None:
        return ""
    home, name = _home(dict(attributes), slot)
    value = home.get(name)
    return value if isinstance(value, str) else ""


def _placed(marker: Marker, value: JsonValue, text: str) -> str:
    old = value if isinstance(value, str) else ""
    if marker.place == "last_line":
        return f"{old}\n{text}" if old else text
    if marker.place == "suffix":
        path = PurePosixPath(old)
        return f"{path.stem}.{text}{path.suffix}"
    return text
