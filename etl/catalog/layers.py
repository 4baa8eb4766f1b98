"""Lays catalogue files over each other: the public facts first, then a tenant's overlay.

Layers are merged as plain data: mappings by key, anything else replaced. A name that no lower layer knows is new only
if it brings what a new thing needs (a service, a type, a target); else it is a mistake, most often of spelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from etl.catalog.model import Certainty
from etl.core.errors import Mistake
from etl.core.records import JsonValue
from etl.core.strict_yaml import Document, Path
from etl.core.suggest import nearest

Raw: TypeAlias = dict[str, JsonValue]

_PARTS = {"attributes": ("attribute", "type"), "custom_fields": ("custom field", "type"), "links": ("link", "to")}
_MARKED = ("type", "path", "operations")
_CUSTOM = "custom_fields."


def laid_over(below: Raw, above: Raw) -> Raw:
    """Merge two layers; ``above`` wins.

    >>> laid_over({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}})
    {'a': {'b': 1, 'c': [2]}}
    """
    return {key: _merged(below.get(key), above.get(key, below.get(key))) for key in below | above}


def _merged(below: JsonValue, above: JsonValue) -> JsonValue:
    return laid_over(below, above) if isinstance(below, dict) and isinstance(above, dict) else above


def marked(overlay: Raw, below: Raw) -> Raw:
    """Give what the overlay adds or changes its certainty, where it does not say one.

    An overlay comes from the tenant's own documents, so its facts are stated, unless it is invented.
    """
    mark = Certainty.INVENTED.value if overlay.get("invented") is True else Certainty.STATED.value
    entities = _at(overlay, "entities")
    known = _at(below, "entities")
    result = {name: _marked_entity(_raw(each), _at(known, name), mark) for name, each in entities.items()}
    lookups = {name: _with_mark(each, mark) for name, each in _at(overlay, "lookups").items()}
    return {**overlay, "entities": {**result}, "lookups": {**lookups}}


def _marked_entity(entity: Raw, below: Raw, mark: str) -> Raw:
    marks: Raw = {f"{key}_certainty": mark for key in _MARKED if key in entity}
    if not below:
        marks["certainty"] = mark
    parts: Raw = {part: {**_marked_part(entity, below, part, mark)} for part in _PARTS if part in entity}
    return laid_over(marks | entity | parts, _renamed_marks(entity, below, mark))


def _marked_part(entity: Raw, below: Raw, part: str, mark: str) -> Raw:
    """Mark the new attributes or links, and the known ones whose shape changes; a requirement alone changes no fact."""
    shape = _PARTS[part][1]
    known = _at(below, part)
    return {
        name: _with_mark(each, mark) if name not in known or shape in _raw(each) else each
        for name, each in _at(entity, part).items()
    }


def _with_mark(value: JsonValue, mark: str) -> Raw:
    return {"certainty": mark, **_raw(value)}


def _renamed_marks(entity: Raw, below: Raw, mark: str) -> Raw:
    renamed = _at(entity, "rename")
    return {
        part: {name: {"certainty": mark} for name in _at(below, part) if name in renamed}
        for part in _PARTS
        if any(name in renamed for name in _at(below, part))
    }


def name_mistakes(document: Document, below: Raw) -> Iterator[Mistake]:
    """Names that nothing below knows and that do not bring what something new needs."""
    overlay = _raw(document.value)
    yield from _unknown(document, ("entities",), overlay, below, "entity", "service")
    yield from _unknown(document, ("lookups",), overlay, below, "lookup", "service")
    for name, entity in _at(overlay, "entities").items():
        yield from _entity_mistakes(document, name, _raw(entity), _at(_at(below, "entities"), name))


def _entity_mistakes(document: Document, name: str, entity: Raw, below: Raw) -> Iterator[Mistake]:
    path: Path = ("entities", name)
    for part, (what, needed) in _PARTS.items():
        yield from _unknown(document, (*path, part), entity, below, what, needed)
    fields = _fields(below) + _fields(entity)
    for key in ("rename", "required"):
        for field in _at(entity, key):
            if field not in fields:
                hint = nearest(field, fields) or "Name an attribute, a link or custom_fields.<key> of the entity."
                message = f"{name} has no field {field}."
                yield document.mistake((*path, key, field), message, hint=hint, code="catalog_unknown_name", key=True)


def _unknown(document: Document, path: Path, above: Raw, below: Raw, what: str, needed: str) -> Iterator[Mistake]:
    known = _at(below, str(path[-1]))
    for name, each in _at(above, str(path[-1])).items():
        if name not in known and needed not in _raw(each):
            hint = f'{nearest(name, known)} To add a new {what}, give its "{needed}".'.strip()
            message = f"The {what} {name} is unknown."
            yield document.mistake((*path, name), message, hint=hint, code="catalog_unknown_name", key=True)


def _fields(entity: Raw) -> list[str]:
    custom = [_CUSTOM + key for key in _at(entity, "custom_fields")]
    return [*_at(entity, "attributes"), *_at(entity, "links"), *custom]


def _at(value: Mapping[str, JsonValue], key: str) -> Raw:
    return _raw(value.get(key))


def _raw(value: JsonValue) -> Raw:
    """Take a value as a mapping; one of another type is reported elsewhere and counts as empty here."""
    return value if isinstance(value, dict) else {}
