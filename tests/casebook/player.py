"""A server that plays whatever it is told over real sockets, and what tests of connections ask of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from etl.casebook.exchange import Answer, Outgoing, Reply
from etl.casebook.sockets import Sockets

OK = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"
FORGED = b"HTTP/1.1 201 Created\r\ncontent-length: 6\r\n\r\nforged"
LARGE = b"x" * (16 << 20)
"""More than fits between two sockets."""

Play = Callable[["Served"], Awaitable[object]]


@dataclass
class Served:
    """One connection at the server. ``turn`` counts its requests, ``head`` is the last one's."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    turn: int = 0
    head: bytes = b""

    async def say(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()


@dataclass
class Server:
    """Plays for each request; ``seen`` are its number of connection and first line, ``ended`` the connections that are over."""

    play: Play
    seen: list[tuple[int, str]] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0

    @property
    def opened(self) -> int:
        return len(self.writers)

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        await until(lambda: len(self.ended) == self.opened)

    def request(self, name: str = "a", body: bytes = b"{}", **more: Any) -> Outgoing:
        return Outgoing("POST", f"http://127.0.0.1:{self.port}/{name}", {}, body, **more)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        served = Served(self.opened, reader, writer)
        try:
            while True:
                served.head = await reader.readuntil(b"\r\n\r\n")
                length = int(served.head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                served.turn += 1
                self.seen.append((served.number, served.head.split()[1].decode()))
                if length < 1000:
                    await reader.readexactly(length)
                await self.play(served)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.ended.add(served.number)
            writer.transport.abort()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def says(content: bytes) -> Play:
    return lambda served: served.say(content)


async def asked(sockets: Sockets, *requests: Outgoing, deadline_s: float = 10) -> list[Reply]:
    return [await sockets.exchange(each, 5, deadline_s) for each in requests]


def bodies(replies: list[Reply]) -> list[bytes | None]:
    return [each.body if isinstance(each, Answer) else None for each in replies]


def looked_up_as(*hosts: str) -> Callable[..., Awaitable[list[Any]]]:
    async def getaddrinfo(_: object, host: str, port: int, **more: object) -> list[Any]:
        await asyncio.sleep(0.01)
        asked_for.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in hosts]

    asked_for: list[str] = []
    getaddrinfo.asked_for = asked_for  # type: ignore[attr-defined] # read by the tests
    return getaddrinfo
