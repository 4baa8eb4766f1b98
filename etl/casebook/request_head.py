"""Writes the head of a request: line and headers, as HTTP/1.1 wants them.

An address is sent exactly as given, since a pre-signed one must not be quoted anew; therefore one that holds anything but
visible ASCII is refused here, as is a header that could end its own line: either would let a value forge a second request.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from etl.casebook.exchange import Outgoing

_HEADS = 1_024
_PORTS = {"http": 80, "https": 443}
_HAVE_A_BODY = frozenset({"POST", "PUT", "PATCH"})
_VERBS = _HAVE_A_BODY | {"GET", "DELETE"}
"""No others: the answer to a HEAD announces a body that never comes, which the parser cannot be told."""
_VISIBLE = re.compile(r"[!-~]+")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [ -~]*")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "user-agent"})
# Unpacking costs more than it saves for answers as small as these, and some doors let in nobody without a name.
_FIXED = ("accept-encoding: identity", "user-agent: casebook-etl")


class Place(NamedTuple):
    """Where a connection leads."""

    is_secure: bool
    host: str
    port: int


class Unsendable(Exception):
    """No request can be made of this address or these headers."""


def request_head(outgoing: Outgoing) -> tuple[Place, bytes]:
    """Where a request goes, and all of it but the body. Raises Unsendable.

    >>> place, head = request_head(Outgoing("GET", "https://a.example/people?x=%2F", {"accept": "text/plain"}))
    >>> place
    Place(is_secure=True, host='a.example', port=443)
    >>> head.splitlines()[:2]
    [b'GET /people?x=%2F HTTP/1.1', b'host: a.example']
    """
    place, head = _unended(outgoing.verb, outgoing.url, tuple(outgoing.headers.items()))
    if outgoing.body or outgoing.verb in _HAVE_A_BODY:
        return place, head + b"content-length: %d\r\n\r\n" % len(outgoing.body)
    return place, head + b"\r\n"


@lru_cache(maxsize=_HEADS)
def _unended(verb: str, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Place, bytes]:
    """The head but for its end; kept, because all creates of an entity have the same while a token lives."""
    place, target, host = _address(url)
    lines = [f"{name}: {value}" for name, value in headers]
    if verb not in _VERBS or not all(map(_HEADER.fullmatch, lines)):
        raise Unsendable
    if not _OURS.isdisjoint(name.lower() for name, _ in headers):
        raise Unsendable
    head = "\r\n".join((f"{verb} {target} HTTP/1.1", f"host: {host}", *_FIXED, *lines, ""))
    return place, head.encode("ascii")


def _address(url: str) -> tuple[Place, str, str]:
    """The place that an address names, its path and query as they stand, and what the host header says."""
    try:
        parts = urlsplit(url)
        host, port, standard = parts.hostname, parts.port, _PORTS.get(parts.scheme)
    except ValueError:
        raise Unsendable from None
    if not _VISIBLE.fullmatch(url) or not host or standard is None or parts.username is not None:
        raise Unsendable
    target = url.partition("#")[0].partition("://")[2].removeprefix(parts.netloc)
    named = f"[{host}]" if ":" in host else host
    shown = named if port in {None, standard} else f"{named}:{port}"
    place = Place(parts.scheme == "https", host, standard if port is None else port)
    return place, target if target.startswith("/") else f"/{target}", shown
