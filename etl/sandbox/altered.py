"""Answers made wrong on purpose: each function takes the right answer and returns what the client is to see.

They stand apart from the wire because most of them speak about documents: an id that is a number, a name that stands
twice, a next page on another host. What a fault sends as it stands comes from its ``location``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeAlias

import orjson

from etl.sandbox.answers import HTML, Reply, error_reply
from etl.sandbox.faults import FaultRule

Alteration: TypeAlias = Callable[[Reply, FaultRule], Reply]

_HUGE_BYTES = 11_000_000
_DEPTH = 500
_PAGE = b"<html><body><h1>Please sign in to the network</h1></body></html>"


def altered(reply: Reply, rule: FaultRule) -> Reply:
    """Return the answer as the rule spoils it."""
    return ALTERED[rule.kind](reply, rule)


def status_reply(rule: FaultRule) -> Reply:
    """Return the status that a rule orders, in the API's own form or as something in front of it would send it."""
    own = error_reply(rule.status, "fault", "This answer was ordered.")
    headers = {"Retry-After": _retry_after(rule.retry_after)} if rule.retry_after else {}
    if rule.location:
        headers["Location"] = rule.location
    return replace(own if rule.kind == "status" else Reply(rule.status, _PAGE, HTML), headers=headers)


def too_many(wait_s: float) -> Reply:
    """Return the answer of a server that is asked too often."""
    reply = error_reply(429, "too_many_requests", "Slow down.")
    return replace(reply, headers={"Retry-After": str(math.ceil(wait_s))})


def _retry_after(text: str) -> str:
    """Seconds or any text as it stands; ``date:5`` as an HTTP date five seconds ahead."""
    if not text.startswith("date:"):
        return text
    at = datetime.fromtimestamp(time.time() + float(text.removeprefix("date:")), UTC)
    return format_datetime(at, usegmt=True)


def _truncated(reply: Reply, _: FaultRule) -> Reply:
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _bad_encoding(reply: Reply, _: FaultRule) -> Reply:
    return replace(reply, body=b"\x1f\x8bnot gzip at all", headers={**reply.headers, "Content-Encoding": "gzip"})


def _foreign(reply: Reply, _: FaultRule) -> Reply:
    return Reply(reply.status, _PAGE, HTML)


def _empty(reply: Reply, _: FaultRule) -> Reply:
    return replace(reply, body=b"")


def _huge(reply: Reply, _: FaultRule) -> Reply:
    return replace(reply, body=reply.body[:-1] + b" " * _HUGE_BYTES + reply.body[-1:])


def _deep(reply: Reply, _: FaultRule) -> Reply:
    return replace(reply, body=b'{"data":' + b"[" * _DEPTH + b"]" * _DEPTH + b"}")


def _double_names(reply: Reply, _: FaultRule) -> Reply:
    return replace(reply, body=b'{"data":null,' + reply.body[1:])


def _without_id(reply: Reply, _: FaultRule) -> Reply:
    return _each_resource(replace(reply, headers={}), lambda resource: resource.pop("id", None))


def _number_id(reply: Reply, _: FaultRule) -> Reply:
    return _each_resource(reply, lambda resource: resource.update(id=7))


def _wrong_type(reply: Reply, _: FaultRule) -> Reply:
    return _each_resource(reply, lambda resource: resource.update(type="surprises"))


def _foreign_next(reply: Reply, rule: FaultRule) -> Reply:
    def lead_away(document: dict[str, Any]) -> None:
        document["links"] = {**(document.get("links") or {}), "next": rule.location or "https://evil.example/next"}

    return _document(reply, lead_away)


def _upload_url(reply: Reply, rule: FaultRule) -> Reply:
    def redirect(resource: dict[str, Any]) -> None:
        resource.setdefault("attributes", {})["upload_url"] = rule.location or "https://evil.example/upload"

    return _each_resource(reply, redirect)


def _each_resource(reply: Reply, change: Callable[[dict[str, Any]], object]) -> Reply:
    def change_all(document: dict[str, Any]) -> None:
        data = document.get("data")
        for resource in data if isinstance(data, list) else [data]:
            if isinstance(resource, dict):
                change(resource)

    return _document(reply, change_all)


def _document(reply: Reply, change: Callable[[dict[str, Any]], None]) -> Reply:
    """Return the answer with its document changed; one that holds none as it is."""
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return reply
    if isinstance(document, dict):
        change(document)
    return replace(reply, body=orjson.dumps(document))


ALTERED: Mapping[str, Alteration] = {
    "truncated": _truncated,
    "bad_encoding": _bad_encoding,
    "foreign_body": _foreign,
    "no_id": _without_id,
    "number_id": _number_id,
    "wrong_type": _wrong_type,
    "double_names": _double_names,
    "huge_body": _huge,
    "deep_body": _deep,
    "empty_body": _empty,
    "foreign_next": _foreign_next,
    "upload_url": _upload_url,
}
