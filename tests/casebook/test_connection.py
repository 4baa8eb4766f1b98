"""What the wire can do to one request, over real sockets: a server that plays any bytes counts what reaches it."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from etl.casebook.connection import Answer, Connection, Outgoing, Reply, Silence
from etl.casebook.exchange import MAX_RESPONSE_BYTES
from etl.casebook.sockets import Sockets

WAYS: dict[str, Callable[[], Sockets | httpx.AsyncBaseTransport]] = {
    "own sockets": Sockets,
    "the library's transport": httpx.AsyncHTTPTransport,
}
"""Every way on which requests may go: what an attempt meant must not depend on it."""
OK = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"
Play = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Reads one request a turn, then plays; ``requests`` keeps the raw bytes of each, ``opened`` counts connections."""

    play: Play
    requests: list[bytes] = field(default_factory=list)
    opened: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            while request := await self._request(reader):
                self.requests.append(request)
                await self.play(writer)
                if writer.is_closing():
                    return
        except asyncio.IncompleteReadError as cut:
            self.requests += [cut.partial] if cut.partial else []
        except ConnectionError:
            return
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        return head + await reader.readexactly(length)


def played(*pieces: bytes, close: bool = False, reset: bool = False) -> Play:
    async def play(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if reset:
            writer.transport.abort()
        elif close:
            writer.close()

    return play


def exchange(
    play: Play, *, verb: str = "POST", times: int = 1, deadline_s: float = 5, path: str = "/p", way: str = "own sockets"
) -> tuple[list[Reply], Server]:
    async def main() -> tuple[list[Reply], Server]:
        server = Server(play)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        connection = Connection(WAYS[way]())
        outgoing = Outgoing(verb, f"http://127.0.0.1:{port}{path}", {"x-a": "b"}, b"{}" if verb != "GET" else b"")
        replies = [await connection.send(outgoing, deadline_s) for _ in range(times)]
        await connection.close()
        listening.close()
        return replies, server

    return asyncio.run(main())


def test_an_answer_comes_back_whole_with_lower_case_headers() -> None:
    (reply,), server = exchange(played(b"HTTP/1.1 422 No\r\nX-Custom: v\r\ncontent-length: 3\r\n\r\nabc"))
    assert reply == Answer(422, {"x-custom": "v", "content-length": "3"}, b"abc")
    assert server.requests[0].startswith(b"POST /p HTTP/1.1\r\n")


@pytest.mark.parametrize("body", [b"{}", b"x" * 3_000_000], ids=["small", "large"])
@pytest.mark.parametrize("idle", [False, True])
def test_no_byte_leaves_behind_a_fence_that_refuses_and_it_is_asked_once_a_connection_is_there(
    body: bytes, idle: bool
) -> None:
    opened: list[int] = []

    async def main() -> Server:
        server = Server(played(OK))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/p"
        connection = Connection()

        async def refusing() -> None:
            await asyncio.sleep(0.05)
            opened.append(server.opened)
            raise PermissionError("not ours any more")

        if idle:
            await connection.send(Outgoing("POST", url, {}, b"{}"), 5)
        with pytest.raises(PermissionError):
            await connection.send(Outgoing("POST", url, {}, body, refusing), 5)
        await connection.close()
        await asyncio.sleep(0.05)
        listening.close()
        return server

    server = asyncio.run(main())
    assert opened == [1]
    assert len(server.requests) == (1 if idle else 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", [b"{}", b"x" * 3_000_000], ids=["small", "large"])
def test_what_a_fence_lets_go_arrives_whole(way: str, body: bytes) -> None:
    asked: list[bool] = []

    async def allowing() -> None:
        await asyncio.sleep(0)
        asked.append(True)

    async def main() -> tuple[Reply, Server]:
        server = Server(played(OK))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/p"
        connection = Connection(WAYS[way]())
        reply = await connection.send(Outgoing("POST", url, {}, body, allowing), 5)
        await connection.close()
        listening.close()
        return reply, server

    reply, server = asyncio.run(main())
    assert isinstance(reply, Answer)
    assert asked == [True]
    assert [each.partition(b"\r\n\r\n")[2] for each in server.requests] == [body]


def test_connections_are_used_again_and_carry_no_cookies() -> None:
    replies, server = exchange(played(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"), times=3)
    assert [isinstance(each, Answer) for each in replies] == [True] * 3
    assert not any(b"cookie" in each.lower() for each in server.requests)


def test_a_compressed_answer_is_unpacked() -> None:
    body = gzip.compress(b'{"a": 1}')
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    (reply,), _ = exchange(played(head + body))
    assert isinstance(reply, Answer)
    assert reply.body == b'{"a": 1}'


def test_an_address_is_sent_exactly_as_it_was_signed() -> None:
    path = "/k%2Fey/a%20b?X-Amz-Credential=A%2F2026%2Fus&X-Amz-Signature=ab%3D%3D&q=%7E"
    _, server = exchange(played(OK), path=path)
    assert server.requests[0].split(b" ")[1].decode() == path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "play",
    [
        played(reset=True),
        played(close=True),
        played(b"HTTP/1.1 201 Cre", close=True),
        played(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{", close=True),
        played(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{", reset=True),
        played(b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{", close=True),
        played(b"HTTP/1.1 201 Created\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}"),
        played(b"garbage\r\n\r\n", close=True),
    ],
)
def test_whatever_breaks_after_the_request_left_counts_as_sent_and_is_not_repeated(play: Play, way: str) -> None:
    (reply,), server = exchange(play, way=way)
    assert isinstance(reply, Silence)
    assert reply.sent
    assert len(server.requests) == 1


def test_an_answer_with_endless_headers_is_none() -> None:
    (reply,), server = exchange(played(b"HTTP/1.1 201 Created\r\nx: " + b"a" * 20_000 + b"\r\n\r\n", close=True))
    assert isinstance(reply, Silence)
    assert reply.sent
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_reset_on_a_connection_that_was_idle_counts_as_sent_and_is_not_repeated(way: str) -> None:
    turns = iter([played(OK), played(reset=True)])

    async def play(writer: asyncio.StreamWriter) -> None:
        await next(turns)(writer)

    replies, server = exchange(play, times=2, way=way)
    assert isinstance(replies[1], Silence)
    assert replies[1].sent
    assert len(server.requests) == 2


def test_a_refused_connection_counts_as_never_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    async def main() -> Reply:
        connection = Connection()
        reply = await connection.send(Outgoing("POST", f"http://127.0.0.1:{port}/", {}, b"{}"), 5)
        await connection.close()
        return reply

    reply = asyncio.run(main())
    assert isinstance(reply, Silence)
    assert not reply.sent


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 201 Created\r\ncontent-length: 1000\r\n\r\n"])
def test_an_answer_that_drips_ends_at_the_deadline(head: bytes) -> None:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x" if head else b"H")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = time.monotonic()
    (reply,), _ = exchange(play, deadline_s=0.3)
    assert time.monotonic() - started < 0.9
    assert isinstance(reply, Silence)
    assert reply.sent


@pytest.mark.parametrize("packed", [False, True])
def test_reading_stops_at_the_size_limit(packed: bool) -> None:
    body = b"x" * (MAX_RESPONSE_BYTES + 1)
    content, encoding = (gzip.compress(body, 1), "gzip") if packed else (body, "identity")
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {len(content)}\r\n\r\n".encode()
    (reply,), _ = exchange(played(head + content))
    assert reply == Silence(sent=True, reason="an answer above the size limit")


@pytest.mark.parametrize("status", [301, 303, 307, 308])
def test_a_redirect_comes_back_as_it_is(status: int) -> None:
    (reply,), server = exchange(
        played(f"HTTP/1.1 {status} X\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n".encode())
    )
    assert isinstance(reply, Answer)
    assert (reply.status, len(server.requests)) == (status, 1)


@pytest.mark.parametrize(("hello", "untrusted"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", True), (b"", False)])
def test_a_server_that_speaks_no_tls_gets_no_request(hello: bytes, untrusted: bool) -> None:
    async def main() -> Reply:
        hung_up = asyncio.Event()

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(hello)
            await reader.read()
            writer.close()
            hung_up.set()

        listening = await asyncio.start_server(speak, "127.0.0.1", 0)
        connection = Connection()
        port = listening.sockets[0].getsockname()[1]
        reply = await connection.send(Outgoing("POST", f"https://127.0.0.1:{port}/", {}, b"{}"), 0.8)
        await connection.close()
        await hung_up.wait()
        listening.close()
        return reply

    reply = asyncio.run(main())
    assert isinstance(reply, Silence)
    assert (reply.sent, reply.untrusted) == (False, untrusted)


def test_the_environments_proxies_and_certificate_files_are_not_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (reply,), _ = exchange(played(OK))
    assert isinstance(reply, Answer)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1.example.invalid"])
def test_uploads_connect_to_no_name_that_leads_into_a_private_network(host: str) -> None:
    async def main() -> Reply:
        server = Server(played(OK))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        connection = Connection(Sockets(public_only=True))
        reply = await connection.send(Outgoing("PUT", f"http://{host}:{port}/", {}, b"bytes"), 5)
        await connection.close()
        listening.close()
        assert server.requests == []
        return reply

    reply = asyncio.run(main())
    assert isinstance(reply, Silence)
    assert not reply.sent


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError, False),
        (httpx.ConnectTimeout, False),
        (httpx.PoolTimeout, False),
        (httpx.UnsupportedProtocol, False),
        (httpx.ReadTimeout, True),
        (httpx.ReadError, True),
        (httpx.WriteError, True),
        (httpx.WriteTimeout, True),
        (httpx.CloseError, True),
        (httpx.RemoteProtocolError, True),
        (httpx.LocalProtocolError, True),
        (httpx.DecodingError, True),
    ],
)
def test_every_failure_of_any_transport_is_either_sent_or_not(error: type[Exception], sent: bool) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("canary")

    reply = asyncio.run(Connection(httpx.MockTransport(fail)).send(Outgoing("POST", "https://x.example/", {}), 1))
    assert isinstance(reply, Silence)
    assert reply.sent is sent
    assert "canary" not in repr(reply)


def test_what_is_about_to_be_sent_shows_nothing_but_its_verb() -> None:
    outgoing = Outgoing("POST", "https://x.example/?client_secret=canary", {"authorization": "canary"}, b"canary")
    assert "canary" not in repr(outgoing)
    assert "canary" not in repr(Answer(200, {}, b"canary"))
