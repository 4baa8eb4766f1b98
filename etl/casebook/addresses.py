"""Which addresses the client may talk to: the profile's own in safety, a server's only inside what was asked.

A link in an answer is data: it is followed only on the origin and path of the collection that gave it, so that an answer
cannot send the bearer token elsewhere.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urljoin, urlsplit

from etl.core.errors import SettingsError


def is_loopback(url: str) -> bool:
    """Whether an address names this machine.

    >>> is_loopback("http://127.0.0.1:8089/people"), is_loopback("http://localhost.example")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_protected(url: str) -> bool:
    """Whether an address may carry people's data: https, or plain http to this machine; no user name in it."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))


def check_address(url: str, place: str) -> None:
    """Raises SettingsError where an address of the profile would carry people's data in the open."""
    try:
        sound = is_protected(url)
    except ValueError:
        sound = False
    if not sound:
        raise SettingsError(
            f"The {place} is not an address that people's data may be sent to.",
            hint="Use an https address without a user name; plain http is accepted for this machine only.",
        )


def below(collection: str, address: str) -> tuple[str, str] | None:
    """A server's address made absolute, and its path below the collection; None where it leads anywhere else.

    >>> below("https://a.example/people/people", "/people/people/7")
    ('https://a.example/people/people/7', '/7')
    >>> below("https://a.example/people/people", "//b.example/people/people")
    """
    try:
        resolved = urljoin(collection, address)
        inner, outer = urlsplit(resolved), urlsplit(collection)
    except ValueError:
        return None
    rest = inner.path.removeprefix(outer.path)
    is_inside = (inner.scheme, inner.netloc) == (outer.scheme, outer.netloc) and inner.path.startswith(outer.path)
    return (resolved, rest) if is_inside else None
