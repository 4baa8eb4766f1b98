"""The one module that knows the HTTP library: sends a single request and returns what came back as a value.

Nothing here is ever repeated and no redirect is ever followed: whether a request may be sent again is decided from the
value returned, where the verb is known. Two findings shaped this module.

The transport is awaited directly with a prepared request, because the library's own client and its connection pool cost
more than everything else together. Creates against a server that takes 50 ms, on a busy machine, as a share of the limit
(requests in flight / latency) at 16, 64 and 256 in flight: the transport below 0.95, 0.85, 0.42; the ready-made bridge
between the two libraries 0.94, 0.75, 0.31; the library's own pool 0.82, 0.09, 0.01.

The ready-made bridge reports a connection that broke after the request had left as a timeout while connecting. That
would turn a committed create into one that "was never sent", hence into a duplicate; so the bridge is our own, and it
calls a request unsent only where no connection was ever made.
"""

from __future__ import annotations

import asyncio
import io
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from yarl import URL

Transport: TypeAlias = httpx.AsyncBaseTransport

MAX_RESPONSE_BYTES = 10_000_000
KEEP_ALIVE_S = 5.0
CONNECT_TIMEOUT_S = 10.0
_CHUNK_BYTES = 1 << 16
_LARGE_BYTES = 1 << 20
_SILENCED = ("httpx", "httpcore", "aiohttp")
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request ready to be sent. ``repr`` shows neither address (a query may hold a secret) nor headers nor body."""

    verb: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


class _TooLong(Exception):
    """The answer passed the size limit; reading stopped."""


class _Untrusted(httpx.ConnectError):
    """The TLS handshake failed."""


class Connection:
    """Sends requests over one transport; each call has a deadline that also covers reading the answer."""

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport or SocketTransport()
        # Their lines hold whole addresses, which may carry filters or a secret.
        for name in _SILENCED:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    async def send(self, outgoing: Outgoing, deadline_s: float) -> Reply:
        """The answer, or why there is none."""
        try:
            async with asyncio.timeout(deadline_s):
                return await self._exchange(outgoing, min(CONNECT_TIMEOUT_S, deadline_s / 2))
        except TimeoutError:
            return Silence(sent=True, reason="no whole answer before the deadline")
        except _TooLong:
            return Silence(sent=True, reason="an answer above the size limit")
        except _UNSENT as error:
            return Silence(sent=False, reason=_kind(error), untrusted=isinstance(error, _Untrusted))
        except (httpx.HTTPError, httpx.StreamError) as error:
            return Silence(sent=True, reason=_kind(error))

    async def close(self) -> None:
        """Closes the transport's connections."""
        await self._transport.aclose()

    async def _exchange(self, outgoing: Outgoing, connect_s: float) -> Answer:
        # Shorter than the deadline, so that a connection that is never made is known to be that.
        request = httpx.Request(
            outgoing.verb,
            outgoing.url,
            headers=dict(outgoing.headers),
            content=outgoing.body or None,
            extensions={"timeout": {"connect": connect_s}},
        )
        response = await self._transport.handle_async_request(request)
        try:
            body = await _limited_body(response)
        finally:
            await response.aclose()
        return Answer(response.status_code, dict(response.headers), body)


class SocketTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over aiohttp.

    Certificates are always checked, the environment's proxies and certificate files are not heeded, cookies are not
    kept, addresses are sent exactly as given (a pre-signed one must not be re-quoted). ``public_only`` connects to no
    name that resolves to a private address.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._public_only = public_only

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request; raises httpx's connect errors only where nothing was sent."""
        response = await self._request(request)
        return httpx.Response(response.status, headers=list(response.raw_headers), stream=_Body(response))

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(self, request: httpx.Request) -> aiohttp.ClientResponse:
        try:
            return await self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=_sendable(request.content),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=request.extensions["timeout"]["connect"]),
            )
        except aiohttp.ClientSSLError as error:
            raise _Untrusted("the TLS handshake failed") from error
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise httpx.ConnectError("no connection") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError("the connection broke") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # The throttle bounds what is in flight; waiting here would eat the deadline.
                connector=aiohttp.TCPConnector(
                    limit=0,
                    keepalive_timeout=KEEP_ALIVE_S,
                    ssl=httpx.create_ssl_context(trust_env=False),
                    resolver=_PublicResolver() if self._public_only else None,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def _sendable(content: bytes) -> bytes | io.BytesIO | None:
    """A body as aiohttp takes it: a large one as a stream, which it sends piece by piece and others get their turn."""
    return io.BytesIO(content) if len(content) > _LARGE_BYTES else content or None


class _PublicResolver(aiohttp.ThreadedResolver):
    """Refuses a name that leads into a private network, as a forged upload address might."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError where one of them is not public."""
        found = await super().resolve(host, port, family)
        if not all(ipaddress.ip_address(each["host"]).is_global for each in found):
            raise OSError("the name leads to an address that is not public")
        return found


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_chunked(_CHUNK_BYTES):
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError("the connection broke") from error

    async def aclose(self) -> None:
        # A fully read answer has given its connection back already; any other connection must not be used again.
        self._response.close()


async def _limited_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise _TooLong
    return bytes(body)


def _kind(error: Exception) -> str:
    return "an untrusted TLS connection" if isinstance(error, _Untrusted) else type(error).__name__
