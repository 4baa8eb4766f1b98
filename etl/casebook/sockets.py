"""HTTP/1.1 over this machine's sockets: where requests really leave.

The lines are ours and the parser is not. A request is called unsent only where certainly no byte of it left, a fence is
awaited between connection and first byte, and nothing is ever repeated in silence: the HTTP libraries for Python each miss
one of these, and cost several times as much as everything else that a record needs on its way.
"""

from __future__ import annotations

import asyncio
import ssl
import time

from etl.casebook.exchange import Outgoing, Reply, Silence
from etl.casebook.line import Line
from etl.casebook.lines import Lines
from etl.casebook.request_head import Place, Unsendable, request_head


class Sockets:
    """Connections to any number of hosts.

    Certificates are always checked, the environment's proxies and certificate files are not heeded, cookies are not
    kept, addresses are sent exactly as given (a pre-signed one must not be re-quoted). ``public_only`` connects to no
    name that resolves to a private address.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self._lines = Lines(public_only=public_only)

    async def exchange(self, outgoing: Outgoing, connect_s: float, deadline_s: float) -> Reply:
        """The answer, or why there is none. ``connect_s`` is for making a connection, ``deadline_s`` for everything.

        Raises what the fence raises. A fence takes as long as it takes: where it outlasts the deadline, nothing leaves.
        """
        ends_at = time.monotonic() + deadline_s
        try:
            place, head = request_head(outgoing)
        except Unsendable:
            return Silence(sent=False, reason="InvalidRequest")
        line = self._lines.kept(place) or await self._made(place, connect_s)
        if isinstance(line, Silence):
            return line
        try:
            if outgoing.fence is not None:
                await outgoing.fence()
            return await line.exchange(head, outgoing.body, ends_at)
        finally:
            self._lines.give_back(place, line)

    async def close(self) -> None:
        """Closes all connections."""
        self._lines.close()
        # The event loop lets go of them in its next turn.
        await asyncio.sleep(0)

    async def _made(self, place: Place, connect_s: float) -> Line | Silence:
        try:
            return await self._lines.made(place, connect_s)
        except ssl.SSLError:
            return Silence(sent=False, reason="an untrusted TLS connection", untrusted=True)
        except TimeoutError:
            return Silence(sent=False, reason="ConnectTimeout")
        except (OSError, RuntimeError, ValueError):
            # The library that connects raises RuntimeError where uvloop does; a host that can be no name is a ValueError.
            return Silence(sent=False, reason="ConnectError")
