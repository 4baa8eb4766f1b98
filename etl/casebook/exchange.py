"""One request and what came back, as values: the terms that the way to the wire and everything above it share.

``Silence`` keeps the one fact on which a create's fate hangs: whether a byte of the request may have reached the server.
Nobody changes a value, though those that every record needs are not frozen: to make a frozen one takes three times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from etl.core.ports import Fence

MAX_RESPONSE_BYTES = 10_000_000
TOO_LONG = "an answer above the size limit"
TOO_LATE = "no whole answer before the deadline"
"""Reasons of a silence that both ways to the wire have."""


@dataclass(slots=True)
class Answer:
    """A whole answer. Header names are in lower case; the body is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of success


@dataclass(frozen=True, slots=True)
class Silence:
    """No whole answer.

    ``sent`` is False only where certainly no byte of the request reached the server; ``untrusted`` where its
    certificate or protocol was refused. ``reason`` names the kind of failure, never an address or a value.
    """

    sent: bool
    reason: str
    untrusted: bool = False


Reply: TypeAlias = Answer | Silence


@dataclass(slots=True)
class Outgoing:
    """A request ready to be sent. ``repr`` shows neither address (a query may hold a secret) nor headers nor body.

    ``fence`` is awaited when a connection is there and before the first byte; what it raises is passed on.
    """

    verb: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    fence: Fence | None = field(default=None, repr=False)
