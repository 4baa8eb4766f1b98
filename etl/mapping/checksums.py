"""Checksums of meaning: what a mapping does, in canonical JSON, so that comments, layout and the order of fields are free.

A checksum decides only what must be rendered again. Positions and the catalogue's entries stay out: the catalogue has a
fingerprint of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

from etl.core.records import JsonValue
from etl.mapping.expressions import Expression
from etl.mapping.model import Crosswalk, Field
from etl.mapping.operations import BoundOperation

_OUTSIDE = frozenset({"position", "positions", "attribute", "link", "checksum"})


def checksum(*parts: object) -> str:
    """The SHA-256, in hexadecimal digits, of resolved values; equal meaning gives an equal checksum."""
    text = json.dumps([canonical(each) for each in parts], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: object) -> JsonValue:
    """A resolved value as plain JSON, tagged with its kind. Raises TypeError for a value that has no canonical form."""
    if value is None or isinstance(value, str | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Mapping):
        return {str(key): canonical(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [canonical(each) for each in value]
    return {"is": type(value).__name__, **_inside(value)}


def _inside(value: object) -> dict[str, JsonValue]:
    """What counts of a value that is made of parts; compiled forms and advice to people do not."""
    if isinstance(value, Expression):
        return {"text": value.text}
    if isinstance(value, BoundOperation):
        return {"name": value.name, "argument": value.argument}
    if isinstance(value, Crosswalk):
        return {"checksum": value.checksum}
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no canonical form")
    return {each.name: canonical(getattr(value, each.name)) for each in fields(value) if each.name not in _OUTSIDE}


def in_name_order(resolved: tuple[Field, ...]) -> list[Field]:
    """Fields as they count: their order in the document means nothing."""
    return sorted(resolved, key=lambda each: each.name)
