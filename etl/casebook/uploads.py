"""Puts an attachment's bytes where a pre-signed address says, over a connection of its own that knows no token.

The address comes from the server's answer, so it is checked before anything is sent: https on its own port to a host on
the profile's list, never an IP address; a sandbox on this machine may name this machine. Messages never show it, because
its query is a credential.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import BinaryIO
from urllib.parse import SplitResult, urlsplit

from etl.casebook.addresses import is_loopback
from etl.casebook.channel import Channel
from etl.casebook.connection import Outgoing, Reply
from etl.casebook.failures import FORBIDDEN, UNAUTHORIZED, failure
from etl.core.errors import Finding, RecordRejected, TargetError, TargetRefused
from etl.mapping.model import Profile

_PLACE = "The upload of an attachment"
_REFUSALS = frozenset({301, 302, 303, 307, 308, 400, UNAUTHORIZED, FORBIDDEN, 404, 405, 411, 413, 415})
"""What a storage says to one upload; a fresh address may do better, and the run's other records go on."""
_SLOWEST_BYTES_PER_S = 250_000
_HTTPS_PORTS = frozenset({None, 443})


class Uploads:
    """Uploads to the hosts a profile allows."""

    def __init__(self, profile: Profile, channel: Channel) -> None:
        self._local = is_loopback(profile.base_url)
        self._hosts = (urlsplit(profile.base_url).hostname or "", *profile.upload_hosts)
        self._deadline_s = profile.deadline_s
        self._channel = channel

    async def put(self, url: str, body: BinaryIO, size_bytes: int) -> None:
        """Stores the bytes; putting them again is harmless, so lost answers are repeated within bounds.

        Raises RecordRejected (403: the address expired; 400: the file is not as long as announced), TargetRefused for
        an address that is not allowed, TargetBusy or ResponseLost after the last attempt.
        """
        self._check(url)
        content = await asyncio.to_thread(body.read, size_bytes + 1)
        if len(content) != size_bytes:
            finding = Finding("file_changed", "The file is not as long as it was when the plan was made")
            raise RecordRejected(f"{_PLACE} was not begun.", status=400, findings=[finding])
        deadline_s = self._deadline_s + size_bytes / _SLOWEST_BYTES_PER_S
        outgoing = Outgoing("PUT", url, {"content-type": "application/octet-stream"}, content)
        await self._channel.ask(outgoing, _judge, entity="attachment", safe=True, deadline_s=deadline_s)

    def _check(self, url: str) -> None:
        try:
            allowed = is_allowed(urlsplit(url), self._hosts, local=self._local)
        except ValueError:
            allowed = False
        if not allowed:
            raise TargetRefused(
                "Casebook names an upload address that the profile does not allow.",
                hint="If the host is your tenant's storage, add it to the profile's upload_hosts.",
            )


def is_allowed(address: SplitResult, hosts: Iterable[str], *, local: bool) -> bool:
    """Whether bytes may be sent there. ``*.`` in front of an allowed host stands for one or more labels.

    >>> is_allowed(urlsplit("https://files.example/x"), ["files.example"], local=False)
    True
    >>> is_allowed(urlsplit("https://files.example@evil.example/x"), ["files.example"], local=False)
    False
    """
    host = address.hostname
    if not host or address.username is not None or address.password is not None:
        return False
    if local and is_loopback(address.geturl()):
        return address.scheme in {"http", "https"}
    secure = address.scheme == "https" and address.port in _HTTPS_PORTS and not _is_ip(host)
    return secure and any(_matches(host, each.lower()) for each in hosts)


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) and host != allowed[2:] if allowed.startswith("*.") else host == allowed


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _judge(reply: Reply) -> TargetError | None:
    error = failure(reply, safe=True, place=_PLACE)
    status = getattr(reply, "status", None)
    if error is not None and status in _REFUSALS:
        return RecordRejected(f"{_PLACE} was refused (status {status}).", status=status)
    return error
