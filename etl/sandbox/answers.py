"""What the sandbox says back: plain answers, and refusals in the error form of JSON:API.

A refusal is an exception inside the sandbox, so that a check deep inside a body needs no way back through its callers;
it becomes an answer at one place. Details name attributes and rules, never the values sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import orjson

JSON_API = "application/vnd.api+json"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it meets the wire. ``headers`` come on top of content type and length."""

    status: int
    body: bytes = b""
    content_type: str = JSON_API
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, **headers: str) -> Reply:
        """Return the same answer with further headers; underscores stand for dashes."""
        return replace(
            self, headers={**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        )


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error object. ``pointer`` is a JSON pointer into the body, ``parameter`` names a query parameter."""

    status: int
    code: str
    detail: str
    pointer: str = ""
    parameter: str = ""

    def document(self) -> dict[str, object]:
        """Return the error object as JSON:API shows it."""
        source = {name: text for name, text in (("pointer", self.pointer), ("parameter", self.parameter)) if text}
        shown: dict[str, object] = {
            "status": str(self.status),
            "code": self.code,
            "title": HTTPStatus(self.status).phrase,
            "detail": self.detail,
        }
        return {**shown, "source": source} if source else shown


class Refused(Exception):
    """The request is not carried out; nothing was changed."""

    def __init__(self, complaints: Sequence[Complaint], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(", ".join(complaint.code for complaint in complaints))
        self.complaints = tuple(complaints)
        self.headers = headers or {}

    def reply(self) -> Reply:
        """Return the answer: the lowest status of all complaints, since what is malformed cannot be judged further."""
        status = min(complaint.status for complaint in self.complaints)
        return Reply(status, errors_body(self.complaints), headers=self.headers)


def refuse(status: int, code: str, detail: str, *, pointer: str = "", parameter: str = "") -> Refused:
    """Return a refusal with a single complaint."""
    return Refused([Complaint(status, code, detail, pointer, parameter)])


def errors_body(complaints: Sequence[Complaint]) -> bytes:
    """Return the error document of JSON:API."""
    return orjson.dumps({"errors": [complaint.document() for complaint in complaints]})


def error_reply(status: int, code: str, detail: str) -> Reply:
    """Return an error answer made outside of any check, such as by a fault."""
    return Reply(status, errors_body([Complaint(status, code, detail)]))


def json_reply(status: int, document: object, content_type: str = JSON_API) -> Reply:
    """Return a JSON answer."""
    return Reply(status, orjson.dumps(document), content_type)
