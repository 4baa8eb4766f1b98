"""The network addresses that a host's name stands for.

They are kept for a moment and looked up one at a time, since connections are made by the hundred; and connections go to
the very addresses that were looked at here, so that no name leads elsewhere when it is asked a second time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, TypeAlias

from etl.core.ports import Clock

_KEPT_S = 10.0
Address: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]
"""As the system gives it."""


class Names:
    """Looks names up. ``public_only`` refuses one that leads into a private network, as a forged address might."""

    def __init__(self, clock: Clock, *, public_only: bool) -> None:
        self._clock = clock
        self._public_only = public_only
        self._kept: dict[tuple[str, int], tuple[float, Sequence[Address]]] = {}
        self._asking = asyncio.Lock()

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of a name, or a written address. Raises OSError, or ValueError for what can be no name."""
        async with self._asking:
            found_at, found = self._kept.get((host, port), (0.0, ()))
            if not found or self._clock.monotonic() - found_at > _KEPT_S:
                found = await self._looked_up(host, port)
                self._kept[host, port] = self._clock.monotonic(), found
        return found

    async def _looked_up(self, host: str, port: int) -> Sequence[Address]:
        found = _written(host, port) or await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
        if not found:
            raise OSError("the name has no address")
        if self._public_only and not all(ipaddress.ip_address(address[0]).is_global for *_, address in found):
            raise OSError("the name leads to an address that is not public")
        return found


def _written(host: str, port: int) -> Sequence[Address]:
    """The address that stands there itself, for which no thread need wait for the system; none for a name or a zone."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return ()
    if "%" in host:
        return ()
    family, place = (socket.AF_INET, (host, port)) if version == 4 else (socket.AF_INET6, (host, port, 0, 0))  # noqa: PLR2004 - IPv4
    return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]
