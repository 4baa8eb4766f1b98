"""The tenant's own definitions of its custom fields, where the catalogue says how they are read."""

from __future__ import annotations

from dataclasses import dataclass

from etl.casebook import wire
from etl.casebook.jsonapi import UnknownShape, parts
from etl.casebook.probe.line import ProbeLine
from etl.core.records import JsonValue

LOOKUP = "custom_field"


@dataclass(frozen=True, slots=True)
class Definition:
    """One custom field: the type of the records that have it, its key, its kind ("" where not shown), whether required."""

    record_type: str
    key: str
    kind: str
    required: bool


async def definitions(line: ProbeLine) -> list[Definition]:
    """All custom fields. Raises CatalogMismatch where their path is not known, TargetError."""
    type_name = wire.type_of(line.catalog, LOOKUP)
    shown = [each async for each in line.lists.resources(LOOKUP, [("sort", "id")])]
    return [found for each in shown if (found := _definition(each, type_name)) is not None]


def _definition(resource: JsonValue, type_name: str) -> Definition | None:
    try:
        _, attributes = parts(resource, type_name)
    except UnknownShape:
        return None
    record_type, key, kind = (str(attributes.get(name) or "") for name in ("record_type", "name", "field_type"))
    return Definition(record_type, key, kind, attributes.get("required") in {True, "true"})
