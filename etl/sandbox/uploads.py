"""Attachment bytes: signed addresses, and the storage that takes what is PUT to them.

The storage stands for another company's service: it knows no bearer tokens (and refuses a request that carries one, as
the real one does), answers in XML, and keeps of the bytes only their number and their hash.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from etl.sandbox.answers import Reply
from etl.sandbox.database import Database

PREFIX = "/_uploads/"
MAX_BYTES = 10 * 1024 * 1024
_XML = "application/xml"


@dataclass(frozen=True, slots=True)
class Storage:
    """Signs addresses and takes bytes. ``max_bytes`` is the largest upload."""

    database: Database
    secret: bytes
    ttl_s: float
    max_bytes: int = MAX_BYTES

    def url(self, base_url: str, record_id: str) -> str:
        """Return an address for the bytes of a record, good for ``ttl_s`` seconds."""
        expires = str(int(time.time() + self.ttl_s))
        query = urlencode({"expires": expires, "signature": self._signature(record_id, expires)})
        return f"{base_url}{PREFIX}{record_id}?{query}"

    def put(self, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take the bytes, or says why not in XML."""
        record_id = path.removeprefix(PREFIX)
        wrong = (
            self.wrong_headers(headers) or self._wrong_address(record_id, query) or self._wrong_length(headers, body)
        )
        if wrong is not None:
            return wrong
        return self._keep(record_id, body)

    def wrong_headers(self, headers: Mapping[str, str]) -> Reply | None:
        """Return the refusal that the headers alone earn, before any byte is read."""
        if "authorization" in headers:
            return _error(400, "InvalidArgument")
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return _error(411, "MissingContentLength")
        return _error(413, "EntityTooLarge") if int(length) > self.max_bytes else None

    def _wrong_address(self, record_id: str, query: str) -> Reply | None:
        given = dict(parse_qsl(query))
        expires = given.get("expires", "")
        if not hmac.compare_digest(self._signature(record_id, expires).encode(), given.get("signature", "").encode()):
            return _error(403, "SignatureDoesNotMatch")
        return _error(403, "AccessDenied") if int(expires) <= time.time() else None

    def _wrong_length(self, headers: Mapping[str, str], body: bytes) -> Reply | None:
        return None if len(body) == int(headers["content-length"]) else _error(400, "IncompleteBody")

    def _keep(self, record_id: str, body: bytes) -> Reply:
        row = self.database.row(record_id)
        if row is None:
            return _error(404, "NoSuchKey")
        stored = {"byte_size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        self.database.replace(replace(row, attributes={**row.attributes, **stored}))
        return Reply(200, headers={"ETag": hashlib.md5(body, usedforsecurity=False).hexdigest()})

    def _signature(self, record_id: str, expires: str) -> str:
        return hmac.new(self.secret, f"PUT\n{record_id}\n{expires}".encode(), "sha256").hexdigest()


def _error(status: int, code: str) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code></Error>".encode(), _XML)
