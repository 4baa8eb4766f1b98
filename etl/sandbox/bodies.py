"""From the wire into one shape: JSON:API and form bodies become flat attributes and links, with the place of each.

Nothing is judged here but the form of the body itself; whether a name is known and a value is allowed is for
:mod:`etl.sandbox.checks`. Form values are text, so they are read by the catalogue's types; what cannot be read stays
text and fails the type check there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson

from etl.catalog.model import Kind, Link
from etl.sandbox.answers import FORM, JSON_API, Refused, refuse
from etl.sandbox.schema import CUSTOM, Resource, Schema


@dataclass(frozen=True, slots=True)
class Identifier:
    """One end of a link as it was sent; ``type`` is "" where the body names none."""

    id: object
    type: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a body says.

    ``attributes`` are flat, None clears; ``links`` hold tuples, None clears; ``pointers`` tell where in the body a
    name stands.
    """

    attributes: Mapping[str, object]
    links: Mapping[str, tuple[Identifier, ...] | None]
    pointers: Mapping[str, str]
    client_id: str = ""
    custom_fields_given: bool = False


@dataclass(slots=True)
class _Draft:
    attributes: dict[str, object] = field(default_factory=dict)
    links: dict[str, tuple[Identifier, ...] | None] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)


def read_body(resource: Resource, schema: Schema, content_type: str, body: bytes) -> Submission:
    """Return the submission in a body. Raises Refused: 415 for a foreign content type, 400 for a body that is not of its form."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON_API:
        return _from_json(resource, body)
    if media_type == FORM:
        return _from_form(resource, schema, body)
    raise refuse(415, "unsupported_media_type", f"Send {JSON_API} or {FORM}.")


def _bad(detail: str, pointer: str = "") -> Refused:
    return refuse(400, "malformed_body", detail, pointer=pointer)


# ---------------------------------------------------------------- JSON:API


def _from_json(resource: Resource, body: bytes) -> Submission:
    data = _mapping(_mapping(_parsed(body), "").get("data"), "/data")
    if data.get("type") != resource.type:
        raise _bad("The type is not that of the collection.", "/data/type")
    draft = _Draft()
    attributes = _mapping(data.get("attributes", {}), "/data/attributes")
    for name, value in _flat(attributes):
        draft.attributes[name] = value
        draft.pointers[name] = "/data/attributes/" + name.replace(".", "/")
    for name, value in _mapping(data.get("relationships", {}), "/data/relationships").items():
        draft.pointers[name] = f"/data/relationships/{name}"
        draft.links[name] = _identifiers(resource.links.get(name), value, draft.pointers[name])
    return Submission(
        draft.attributes, draft.links, draft.pointers, str(data.get("id") or ""), "custom_fields" in attributes
    )


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _bad("The body is not JSON.") from None


def _mapping(value: object, pointer: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _bad("An object is expected.", pointer)
    return value


def _flat(attributes: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in attributes.items():
        if name == "custom_fields":
            custom = _mapping(value if value is not None else {}, "/data/attributes/custom_fields")
            yield from ((CUSTOM + key, held) for key, held in custom.items())
        else:
            yield name, value


def _identifiers(link: Link | None, value: object, pointer: str) -> tuple[Identifier, ...] | None:
    data = _mapping(value, pointer).get("data", ...)
    if data is ...:
        raise _bad("A relationship needs data.", pointer)
    many = link is not None and link.many
    if isinstance(data, list) != many and data is not None:
        raise _bad("A list is expected." if many else "One resource identifier is expected.", f"{pointer}/data")
    if data is None:
        return None
    listed = data if isinstance(data, list) else [data]
    return tuple(_identifier(item, pointer) for item in listed)


def _identifier(item: object, pointer: str) -> Identifier:
    found = _mapping(item, f"{pointer}/data")
    if not isinstance(found.get("type"), str) or not isinstance(found.get("id"), str):
        raise _bad("A resource identifier has a type and an id.", f"{pointer}/data")
    return Identifier(found["id"], str(found["type"]))


# ---------------------------------------------------------------- form

_LIST = re.compile(r"(?P<name>.+)\[\]")
_NESTED = re.compile(r"custom_fields\[(?P<key>[^\[\]]+)\]")


def _from_form(resource: Resource, schema: Schema, body: bytes) -> Submission:
    draft = _Draft()
    lists: dict[str, list[str]] = {}
    for name, text in _pairs(body):
        as_list = _LIST.fullmatch(name)
        if as_list:
            lists.setdefault(as_list["name"], []).append(text)
        else:
            _place(resource, schema, draft, name, text)
    for name, texts in lists.items():
        _place_list(resource, draft, name, [text for text in texts if text])
    return Submission(
        draft.attributes,
        draft.links,
        draft.pointers,
        str(draft.attributes.pop("id", "") or ""),
        any(name.startswith(CUSTOM) for name in draft.attributes),
    )


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), errors="strict")
    except ValueError:
        raise _bad("The body is not form-encoded.") from None


def _place(resource: Resource, schema: Schema, draft: _Draft, name: str, text: str) -> None:
    if name in draft.pointers:
        raise _bad("A name stands twice.", name)
    nested = _NESTED.fullmatch(name)
    flat = CUSTOM + nested["key"] if nested else name
    link = resource.links.get(flat.removesuffix("_id"))
    if link is not None and link.carried_as is None and flat.endswith("_id") and flat not in resource.attributes:
        draft.pointers[link.name] = name
        draft.links[link.name] = (Identifier(text, _only_type(schema, link)),) if text else None
        return
    draft.pointers[flat] = name
    draft.attributes[flat] = _typed(resource, flat, text)


def _place_list(resource: Resource, draft: _Draft, name: str, texts: list[str]) -> None:
    link = resource.links.get(name.removesuffix("_ids"))
    if link is not None and link.carried_as is None:
        draft.pointers[link.name] = f"{name}[]"
        draft.links[link.name] = tuple(Identifier(text) for text in texts)
        return
    draft.pointers[name] = f"{name}[]"
    draft.attributes[name] = texts


def _only_type(schema: Schema, link: Link) -> str:
    return schema.types.get(link.to[0], "") if len(link.to) == 1 else ""


def _typed(resource: Resource, name: str, text: str) -> object:
    """Return a form's text as the catalogue's type; the empty text clears."""
    attribute = resource.attributes.get(name)
    kind = attribute.kind if attribute else Kind.STRING
    if text == "":
        return None
    if kind in (Kind.INTEGER, Kind.NUMBER):
        return _as_number(text, integer=kind is Kind.INTEGER)
    return {"true": True, "false": False}.get(text, text) if kind is Kind.BOOLEAN else text


def _as_number(text: str, *, integer: bool) -> object:
    try:
        return int(text) if integer or text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
