"""Sends a single request and returns what came back as a value.

Nothing here is ever repeated and no redirect is ever followed: whether a request may be sent again is decided from the
value returned, where the verb is known. Requests leave over our own :class:`Sockets`; a transport of the HTTP library
takes their place where there is no wire (an application in this process, a recording).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeAlias

import httpx

from etl.casebook.exchange import MAX_RESPONSE_BYTES, TOO_LATE, TOO_LONG, Answer, Outgoing, Reply, Silence
from etl.casebook.sockets import Sockets

__all__ = ["Answer", "Connection", "Outgoing", "Reply", "Silence", "Transport"]

Transport: TypeAlias = httpx.AsyncBaseTransport

CONNECT_TIMEOUT_S = 10.0
_SILENCED = ("httpx", "httpcore")
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class Connection:
    """Sends requests one way; each call has a deadline that also covers reading the answer."""

    def __init__(self, way: Transport | Sockets | None = None) -> None:
        self._way = _Carried(way) if isinstance(way, Transport) else way or Sockets()
        # Their lines hold whole addresses, which may carry filters or a secret.
        for name in _SILENCED:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    def send(self, outgoing: Outgoing, deadline_s: float) -> Awaitable[Reply]:
        """The answer, or why there is none."""
        # Shorter than the deadline, so that a connection that is never made is known to be that.
        return self._way.exchange(outgoing, min(CONNECT_TIMEOUT_S, deadline_s / 2), deadline_s)

    async def close(self) -> None:
        """Closes what it has open."""
        await self._way.close()


class _Carried:
    """A transport of the HTTP library, which need not be fast."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def exchange(self, outgoing: Outgoing, connect_s: float, deadline_s: float) -> Reply:
        """As :meth:`Sockets.exchange`."""
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(outgoing, connect_s)
        except TimeoutError:
            return Silence(sent=True, reason=TOO_LATE)

    async def _exchange(self, outgoing: Outgoing, connect_s: float) -> Reply:
        if outgoing.fence is not None:
            await outgoing.fence()
        request = httpx.Request(
            outgoing.verb,
            outgoing.url,
            headers=dict(outgoing.headers),
            content=outgoing.body or None,
            extensions={"timeout": {"connect": connect_s}},
        )
        try:
            return await self._answer(request)
        except _UNSENT as error:
            return Silence(sent=False, reason=type(error).__name__)
        except (httpx.HTTPError, httpx.StreamError) as error:
            return Silence(sent=True, reason=type(error).__name__)

    async def close(self) -> None:
        """Closes the transport."""
        await self._transport.aclose()

    async def _answer(self, request: httpx.Request) -> Reply:
        response = await self._transport.handle_async_request(request)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    return Silence(sent=True, reason=TOO_LONG)
        finally:
            await response.aclose()
        return Answer(response.status_code, dict(response.headers), bytes(body))
