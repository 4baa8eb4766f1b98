"""Documents to form bodies, for tenants whose API takes ``application/x-www-form-urlencoded``.

No public page shows the form's shape; this one is invented and kept small: ``name=``, ``custom_fields[key]=``,
``<link>_id=``, ``<link>_ids[]=``, an empty value clears. Answers are JSON:API all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from etl.casebook import wire
from etl.catalog.model import Catalog, Link
from etl.core.records import Document, JsonValue, LinkValue

CONTENT_TYPE = "application/x-www-form-urlencoded"


def encode(catalog: Catalog, document: Document, kept: Mapping[str, JsonValue] | None = None) -> bytes:
    """The body of a POST or PATCH. An id stands in it only where we choose it; a PATCH has it in the address."""
    travelling = wire.attributes(catalog, document, kept)
    pairs = [("id", str(document.id))] if document.id is not None else []
    pairs += [pair for name, value in travelling.items() for pair in _pairs(name, value)]
    pairs += [
        pair
        for link, value in wire.links(catalog, document)
        if link.carried_as is None
        for pair in _link_pairs(link, value)
    ]
    return urlencode(pairs).encode()


def _pairs(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        yield from _list_pairs(f"{name}[]", value)
    else:
        yield name, _text(value)


def _list_pairs(name: str, values: list[JsonValue]) -> Iterator[tuple[str, str]]:
    for value in values or [None]:
        yield name, _text(value)


def _link_pairs(link: Link, value: LinkValue) -> Iterator[tuple[str, str]]:
    ids: list[JsonValue] = [each.id for each in wire.refs(value)]
    if link.many:
        return _list_pairs(f"{link.wire_name}_ids[]", ids)
    return _pairs(f"{link.wire_name}_id", ids[0] if ids else None)


def _text(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
