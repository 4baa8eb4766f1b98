"""HTTP/1.1 over this machine's sockets: where requests really leave.

The library below is called without the one above it, whose request and answer objects cost more than everything else a
record needs. A request is called unsent only where no connection was ever made: the ready-made bridge between the two
libraries reports a connection that broke after the request had left as a timeout while connecting, which would turn a
committed create into one that "was never sent", hence into a duplicate. Messages are read by the library and by nothing
of ours: what a fraction of a millisecond a record costs is worth a parser that others keep.
"""

from __future__ import annotations

import io
import ipaddress
import math
import socket
from collections.abc import Iterable
from functools import lru_cache

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter, ResolveResult
from aiohttp.http import StreamWriter
from yarl import URL

from etl.casebook.exchange import MAX_RESPONSE_BYTES, Answer, Outgoing, Reply, Silence, TooLong
from etl.core.ports import Fence

KEEP_ALIVE_S = 5.0
_LARGE_BYTES = 1 << 20
_ADDRESSES = 4_096


class Sockets:
    """Connections to any number of hosts.

    Certificates are always checked, the environment's proxies and certificate files are not heeded, cookies are not
    kept, addresses are sent exactly as given (a pre-signed one must not be re-quoted). ``public_only`` connects to no
    name that resolves to a private address.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._public_only = public_only

    async def exchange(self, outgoing: Outgoing, connect_s: float, deadline_s: float) -> Reply:
        """The answer, or why there is none. ``connect_s`` is for making a connection, ``deadline_s`` for everything.

        Raises TimeoutError at the deadline, TooLong for an answer above the size limit, and what the fence raises.
        """
        body = _sendable(outgoing)
        try:
            response = await self._opened().request(
                outgoing.verb,
                _address(outgoing.url),
                headers=outgoing.headers,
                data=body,
                allow_redirects=False,
                timeout=_timeout(connect_s, deadline_s),
            )
            try:
                return Answer(response.status, _headers(response.raw_headers), await _limited_body(response))
            finally:
                # A fully read answer has given its connection back already; any other must not be used again.
                response.close()
        except aiohttp.ClientSSLError:
            return Silence(sent=False, reason="an untrusted TLS connection", untrusted=True)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL):
            return Silence(sent=False, reason="ConnectError")
        except aiohttp.ConnectionTimeoutError:
            return Silence(sent=False, reason="ConnectTimeout")
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(body, _Fenced) and body.refusal is not None:
                raise body.refusal from None
            return Silence(sent=True, reason=type(error).__name__)

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

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
            )
        return self._session


@lru_cache(maxsize=_ADDRESSES)
def _address(url: str) -> URL:
    return URL(url, encoded=True)


@lru_cache(maxsize=16)
def _timeout(connect_s: float, deadline_s: float) -> aiohttp.ClientTimeout:
    # The library would round what is longer than its threshold to whole seconds.
    return aiohttp.ClientTimeout(total=deadline_s, sock_connect=connect_s, ceil_threshold=math.inf)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; what stands twice is joined, as RFC 9110 section 5.3 allows."""
    headers: dict[str, str] = {}
    for name, value in raw:
        known, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[known] = f"{headers[known]}, {text}" if known in headers else text
    return headers


class _Fenced(aiohttp.BytesIOPayload):
    """A body that first awaits the fence. The library holds the headers back for the body's first piece, so no byte of
    the request has left until then, and none does if the fence raises: that is ``refusal``.
    """

    def __init__(self, content: bytes, fence: Fence) -> None:
        super().__init__(io.BytesIO(content))
        self.refusal: Exception | None = None
        self._fence = fence

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Writes the body, once the fence allows it."""
        try:
            await self._fence()
        except Exception as error:
            self.refusal = error
            raise
        if isinstance(writer, StreamWriter) and writer.transport is not None:
            # Else the event loop gathers what is written and sends it at the end of its turn, in which a machine may sleep.
            writer.transport.set_write_buffer_limits(high=0)
        await super().write_with_length(writer, content_length)


def _sendable(outgoing: Outgoing) -> _Fenced | bytes | io.BytesIO | None:
    """A body as aiohttp takes it: a large one as a stream, which it sends piece by piece and others get their turn."""
    content = outgoing.body
    if outgoing.fence is not None:
        return _Fenced(content, outgoing.fence)
    return io.BytesIO(content) if len(content) > _LARGE_BYTES else content or None


async def _limited_body(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while piece := await response.content.readany():
        body = body + piece if body else piece
        if len(body) > MAX_RESPONSE_BYTES:
            raise TooLong
    return body


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
