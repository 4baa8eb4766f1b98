"""Reads the JSON of an answer, refusing what two readers could understand differently.

Duplicate names, NaN, bytes that are no UTF-8 and nesting deeper than 100 are refused: an answer like that comes from
something that is not the API, and guessing at its meaning could invent an id.
"""

from __future__ import annotations

import json

from etl.core.records import JsonValue

MAX_DEPTH = 100


class NotStrictJson(ValueError):
    """The bytes are no strict JSON. The message never quotes them."""


def read_json(body: bytes) -> JsonValue:
    """The value of a JSON text. Raises NotStrictJson.

    >>> read_json(b'{"data": null}')
    {'data': None}
    """
    try:
        value: JsonValue = _DECODER.decode(body.decode())
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise NotStrictJson("the body is no strict JSON") from None
    # Few answers have so many brackets at all; only those are worth walking through.
    if body.count(b"{") + body.count(b"[") >= MAX_DEPTH and _is_deeper_than(value, MAX_DEPTH):
        raise NotStrictJson("the body is nested too deeply")
    return value


def read_object(body: bytes) -> dict[str, JsonValue]:
    """The object a JSON text holds. Raises NotStrictJson for anything else."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise NotStrictJson("the body is no JSON object")
    return value


def _distinct(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotStrictJson("a name stands twice")
    return value


def _refuse(_constant: str) -> JsonValue:
    raise NotStrictJson("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refuse)
"""One for all: to make one takes as long as to read a short answer."""


def _is_deeper_than(value: JsonValue, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
