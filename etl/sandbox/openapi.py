"""The sandbox's own OpenAPI document, generated from the schema it serves, so that the two can be held against each other."""

from __future__ import annotations

from collections.abc import Mapping

from etl.catalog.model import Attribute, Kind, Link
from etl.sandbox.answers import FORM, JSON_API
from etl.sandbox.schema import CUSTOM, Resource, Schema

_Json = dict[str, object]
_UUID: _Json = {"type": "string", "format": "uuid"}
_TYPES: Mapping[Kind, _Json] = {
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.DATETIME: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.OBJECT: {"type": "object"},
    Kind.UUID: _UUID,
    Kind.DROPDOWN: _UUID,
}
_PARAMETERS = ("page[number]", "page[size]", "sort", "include", "fields")


def openapi_document(schema: Schema) -> _Json:
    """Return the document, OpenAPI 3.1."""
    paths: _Json = {}
    for resource in schema.by_path.values():
        paths[resource.path] = _collection(resource)
        paths[resource.path + "/{id}"] = _single(resource)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Casebook sandbox",
            "version": "1",
            "description": "A local stand-in. Not the vendor's document.",
        },
        "paths": {path: item for path, item in paths.items() if item},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Errors": _ERRORS},
        },
        "security": [{"bearer": []}],
    }


_ERRORS: _Json = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["status", "code", "title"],
                "properties": {"status": {"type": "string"}},
            },
        }
    },
}


def _collection(resource: Resource) -> _Json:
    item: _Json = {}
    if "list" in resource.operations:
        answers = {"200": _answer("A page of records", _page(resource))}
        item["get"] = {
            "operationId": f"list_{resource.name}",
            "parameters": [_parameter(name) for name in _PARAMETERS],
            "responses": _responses(answers),
        }
    if "create" in resource.operations:
        created = {"201": _answer("The new record", _single_document(resource))}
        item["post"] = {
            "operationId": f"create_{resource.name}",
            "requestBody": _request(resource, creating=True),
            "responses": _responses(created),
        }
    return item


def _single(resource: Resource) -> _Json:
    shown = {"200": _answer("The record", _single_document(resource))}
    item: _Json = {}
    if "get" in resource.operations:
        item["get"] = {"operationId": f"get_{resource.name}", "responses": _responses(shown)}
    if "update" in resource.operations:
        item["patch"] = {
            "operationId": f"update_{resource.name}",
            "requestBody": _request(resource, creating=False),
            "responses": _responses(shown),
        }
    if "delete" in resource.operations:
        gone: _Json = {"204": {"description": "Gone"}}
        item["delete"] = {"operationId": f"delete_{resource.name}", "responses": _responses(gone)}
    return (
        {**item, "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}
        if item
        else {}
    )


def _parameter(name: str) -> _Json:
    kind: _Json = {"type": "integer", "minimum": 1} if name.startswith("page") else {"type": "string"}
    return {"name": name, "in": "query", "required": False, "schema": kind}


def _responses(answers: Mapping[str, object]) -> _Json:
    return {**answers, "default": _answer("Refused", {"$ref": "#/components/schemas/Errors"})}


def _answer(description: str, schema: _Json) -> _Json:
    return {"description": description, "content": {JSON_API: {"schema": schema}}}


def _page(resource: Resource) -> _Json:
    return {
        "type": "object",
        "required": ["data", "links", "meta"],
        "properties": {
            "data": {"type": "array", "items": _record(resource)},
            "meta": {"type": "object", "properties": {"totalResourceCount": {"type": "integer"}}},
        },
    }


def _single_document(resource: Resource) -> _Json:
    return {"type": "object", "required": ["data"], "properties": {"data": _record(resource)}}


def _record(resource: Resource) -> _Json:
    shown = {name: _nullable(_value(attribute)) for name, attribute in resource.attributes.items() if "." not in name}
    return {
        "type": "object",
        "required": ["type", "id", "attributes"],
        "properties": {
            "type": {"const": resource.type},
            "id": {"type": "string"},
            "attributes": {"type": "object", "properties": shown},
        },
    }


def _request(resource: Resource, *, creating: bool) -> _Json:
    attributes, relationships = _attributes(resource, creating=creating), _relationships(resource, creating=creating)
    properties: _Json = {"type": {"const": resource.type}, "attributes": attributes, "relationships": relationships}
    required = [
        "type",
        *(name for name, part in (("attributes", attributes), ("relationships", relationships)) if "required" in part),
    ]
    data = {"type": "object", "required": required, "properties": properties, "additionalProperties": False}
    body: _Json = {"type": "object", "required": ["data"], "properties": {"data": data}}
    form: _Json = {"type": "object"}
    return {"required": True, "content": {JSON_API: {"schema": body}, FORM: {"schema": form}}}


def _attributes(resource: Resource, *, creating: bool) -> _Json:
    writable = {name: attribute for name, attribute in resource.attributes.items() if not attribute.read_only}
    plain: _Json = {name: _writable(attribute) for name, attribute in writable.items() if "." not in name}
    carriers: _Json = {name: _UUID for name in resource.carriers if "." not in name}
    kinds: _Json = {name: {"type": "string"} for name in resource.kind_attributes}
    custom = {
        name.removeprefix(CUSTOM): _writable(attribute)
        for name, attribute in writable.items()
        if name.startswith(CUSTOM)
    }
    custom |= {name.removeprefix(CUSTOM): _UUID for name in resource.carriers if name.startswith(CUSTOM)}
    nested: _Json = {"custom_fields": _object(custom, [])} if custom else {}
    needed = [name for name, attribute in writable.items() if attribute.required] + [
        name for name, link in resource.carriers.items() if link.required
    ]
    return _object({**plain, **carriers, **kinds, **nested}, needed if creating else [])


def _relationships(resource: Resource, *, creating: bool) -> _Json:
    links = [link for link in resource.relationships if not (creating and link.set_by == "patch")]
    needed = [link.name for link in links if link.required and creating]
    return _object({link.name: _linkage(link) for link in links}, needed)


def _linkage(link: Link) -> _Json:
    identifier = _object({"type": {"type": "string"}, "id": _UUID}, ["type", "id"])
    data = (
        {"type": "array", "items": identifier} if link.many else identifier if link.required else _nullable(identifier)
    )
    return _object({"data": data}, ["data"])


def _object(properties: Mapping[str, object], required: list[str]) -> _Json:
    needed: _Json = {"required": required} if required else {}
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **needed}


def _writable(attribute: Attribute) -> _Json:
    return _value(attribute) if attribute.required else _nullable(_value(attribute))


def _nullable(schema: _Json) -> _Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _value(attribute: Attribute) -> _Json:
    if attribute.kind is Kind.ENUM:
        return {"enum": list(attribute.enum)}
    if attribute.read_only:
        return {}
    length: _Json = {"minLength": 1} if attribute.required and attribute.kind in (Kind.STRING, Kind.TEXT) else {}
    most: _Json = {} if attribute.max_length is None else {"maxLength": attribute.max_length}
    return {**_TYPES.get(attribute.kind, {"type": "string"}), **length, **most}
