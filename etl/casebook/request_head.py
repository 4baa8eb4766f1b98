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

_ADDRESSES = 4_096
_PORTS = {"http": 80, "https": 443}
_HAVE_A_BODY = frozenset({"POST", "PUT", "PATCH"})
_VERBS = _HAVE_A_BODY | {"GET", "DELETE"}
"""No others: the answer to a HEAD announces a body that never comes, which the parser cannot be told."""
_VISIBLE = re.compile(r"[!-~]+")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [ -~]*")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "user-agent"})
# Unpacking costs more than it saves for answers as small as these, and some doors let in nobody without a name.
_FIXED = "accept-encoding: identity\r\nuser-agent: casebook-etl\r\n"


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
    place, target, host = _address(outgoing.url)
    if outgoing.verb not in _VERBS:
        raise Unsendable
    lines = [f"{name}: {value}" for name, value in outgoing.headers.items()]
    if not all(map(_HEADER.fullmatch, lines)) or not _OURS.isdisjoint(map(str.lower, outgoing.headers)):
        raise Unsendable
    if outgoing.body or outgoing.verb in _HAVE_A_BODY:
        lines.append(f"content-length: {len(outgoing.body)}")
    head = f"{outgoing.verb} {target} HTTP/1.1\r\nhost: {host}\r\n{_FIXED}" + "\r\n".join((*lines, "\r\n"))
    return place, head.encode("ascii")


@lru_cache(maxsize=_ADDRESSES)
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
