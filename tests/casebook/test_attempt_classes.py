"""The class table of attempts, as a contract of every way on which requests may go, over real sockets.

Each cell is one POST that meets one observation. It must be read as the table says, and reach the server exactly once:
whatever a transport repeats by itself is counted there.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest

from etl.casebook.connection import Connection, Outgoing, Transport
from etl.casebook.exchange import MAX_RESPONSE_BYTES
from etl.casebook.failures import Located, Verdict, judge_create
from etl.casebook.sockets import Sockets
from etl.core.errors import RecordRejected, ResponseLost, TargetBusy, TargetRefused
from etl.core.ports import Created
from tests.casebook.certificates import Authority

WAYS: dict[str, Callable[[ssl.SSLContext | None], Sockets | Transport]] = {
    "own sockets": lambda _: Sockets(),
    "the library's transport": lambda trusted: httpx.AsyncHTTPTransport(verify=trusted or PUBLIC),
}
REJECTED, COMMITTED, UNCERTAIN, STOP = "rejected", "committed", "uncertain", "stop: redirected"
ID = "0d5e6c1e-7a43-4a0b-9f0e-3b1c2d4e5f60"
API = json.dumps({"errors": [{"status": "4xx", "code": "c", "title": "t"}]}).encode()
HTML = b"<html>Bad gateway</html>"
PATIENCE_S = 5.0
SHORT_S = 0.4
LARGE = b"x" * (16 << 20)
"""More than fits between two sockets."""


@dataclass
class Line:
    """One connection at the server, after the head of a request was read."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    length: int
    turn: int

    async def body(self) -> None:
        await self.reader.readexactly(self.length)

    async def say(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()


Play = Callable[[Line], Awaitable[None]]


@dataclass
class Server:
    """Counts the requests whose head arrived, then plays."""

    play: Play
    requests: int = 0
    met: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                self.met.set()
                lines = head.lower().split(b"\r\n")
                length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
                await self.play(Line(reader, writer, length, self.requests))
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            return
        finally:
            writer.close()


@dataclass(frozen=True)
class Cell:
    """What happens to one POST, and how it must be read. ``sent``: how many requests are right at the server."""

    play: Play
    means: str
    deadline_s: float = PATIENCE_S
    content: bytes = b"{}"
    turns: int = 1
    sent: int = 1


# ---------------------------------------------------------------- what a server may play


def message(status: int, body: bytes = b"", headers: str = "", *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status} X\r\n{headers}content-length: {size}\r\n\r\n".encode() + body


def answers(status: int, body: bytes = b"", headers: str = "", **more: int) -> Play:
    async def play(line: Line) -> None:
        await line.body()
        await line.say(message(status, body, headers, **more))

    return play


def ends(content: bytes = b"", *, reset: bool, unread: bool = False) -> Play:
    """Says something and cuts the line; ``unread``: before the body of the request was read."""

    async def play(line: Line) -> None:
        if not unread:
            await line.body()
        await line.say(content)
        if reset:
            line.writer.transport.abort()
        else:
            line.writer.close()

    return play


def drips(content: bytes) -> Play:
    async def play(line: Line) -> None:
        await line.body()
        await line.say(content)
        while True:
            await line.say(b"x")
            await asyncio.sleep(0.02)

    return play


async def silent(line: Line) -> None:
    await line.body()
    await asyncio.sleep(PATIENCE_S)


async def reads_no_further(line: Line) -> None:
    await asyncio.sleep(PATIENCE_S)


def then_stale(how: Play) -> Play:
    """The first request is answered; the second meets a connection that ends."""

    async def play(line: Line) -> None:
        await (GOOD if line.turn == 1 else how)(line)

    return play


def resource(**data: object) -> bytes:
    return json.dumps({"data": {"type": "people", "id": ID, "attributes": {}, **data}}).encode()


GOOD = answers(201, resource())
PACKED = "content-encoding: gzip\r\n"
SUCCESSES: dict[str, tuple[Play, str]] = {
    "200 with type and id": (answers(200, resource()), COMMITTED),
    "201 with type and id": (GOOD, COMMITTED),
    "202 with type and id": (answers(202, resource()), COMMITTED),
    "201 packed": (answers(201, gzip.compress(resource()), PACKED), COMMITTED),
    "201 with an address only": (answers(201, b"", "location: /p/1\r\n"), COMMITTED),
    "201 empty": (answers(201), UNCERTAIN),
    "200 empty with an address": (answers(200, b"", "location: /p/1\r\n"), UNCERTAIN),
    "204": (answers(204), UNCERTAIN),
    "201 without id": (answers(201, b'{"data": {"type": "people"}}'), UNCERTAIN),
    "201 with a number as id": (answers(201, resource(id=7)), UNCERTAIN),
    "201 of another type": (answers(201, resource(type="cases")), UNCERTAIN),
    "200 with a list": (answers(200, b'{"data": [{"type": "people", "id": "1"}]}'), UNCERTAIN),
    "201 page": (answers(201, HTML), UNCERTAIN),
    "201 half of the JSON": (answers(201, resource()[:-9]), UNCERTAIN),
    "201 in no encoding": (answers(201, resource(a="X").replace(b"X", b"\xff")), UNCERTAIN),
    "201 badly packed": (answers(201, resource(), PACKED), UNCERTAIN),
    "201 packed and cut": (answers(201, gzip.compress(resource())[:40], PACKED), UNCERTAIN),
    "201 above the size limit": (answers(201, resource() + b" " * MAX_RESPONSE_BYTES), UNCERTAIN),
    "201 unpacked above the size limit": (
        answers(201, gzip.compress(resource() + b" " * MAX_RESPONSE_BYTES, 1), PACKED), UNCERTAIN),
}  # fmt: skip
REFUSALS = (400, 401, 403, 404, 405, 413, 415, 422, 429)
UNCLEAR = (402, 408, 409, 418, 425, 500, 502, 503, 504, 599)
CELLS: dict[str, Cell] = {
    **{f"{status} of the API": Cell(answers(status, API), REJECTED) for status in REFUSALS},
    **{f"{status} of somebody else": Cell(answers(status, HTML), UNCERTAIN) for status in REFUSALS},
    **{f"{status} empty": Cell(answers(status), UNCERTAIN) for status in REFUSALS},
    **{f"{status} {name}": Cell(answers(status, body), UNCERTAIN)
       for status in UNCLEAR for name, body in (("of the API", API), ("of somebody else", HTML))},
    **{f"{status} to another place": Cell(answers(status, b"", "location: /other\r\n"), STOP)
       for status in (301, 302, 307, 308)},
    "303 to another place": Cell(answers(303, b"", "location: /other\r\n"), UNCERTAIN),
    **{name: Cell(play, means) for name, (play, means) in SUCCESSES.items()},
    "no answer in time": Cell(silent, UNCERTAIN, SHORT_S),
    "a head that drips": Cell(drips(b"HTTP/1.1 201 X\r\nx-a: "), UNCERTAIN, SHORT_S),
    "a body that drips": Cell(drips(message(201, b"{", length=1000)), UNCERTAIN, SHORT_S),
    "nobody reads the body": Cell(reads_no_further, UNCERTAIN, SHORT_S, LARGE),
    "a reset amid the body": Cell(ends(reset=True, unread=True), UNCERTAIN, content=LARGE),
    "a reset before the body was read": Cell(ends(reset=True, unread=True), UNCERTAIN),
    "a reset after the request": Cell(ends(reset=True), UNCERTAIN),
    "an end after the request": Cell(ends(reset=False), UNCERTAIN),
    "a reset amid the head": Cell(ends(b"HTTP/1.1 201 Cre", reset=True), UNCERTAIN),
    "an end amid the head": Cell(ends(b"HTTP/1.1 201 Cre", reset=False), UNCERTAIN),
    "a reset amid the answer": Cell(ends(message(201, b"{", length=100), reset=True), UNCERTAIN),
    "an end amid the answer": Cell(ends(message(201, b"{", length=100), reset=False), UNCERTAIN),
    "no HTTP": Cell(ends(b"garbage\r\n\r\n", reset=False), UNCERTAIN),
    "a stale connection that is reset": Cell(then_stale(ends(reset=True)), UNCERTAIN, turns=2, sent=2),
    "a stale connection that ends": Cell(then_stale(ends(reset=False)), UNCERTAIN, turns=2, sent=2),
}  # fmt: skip


# ---------------------------------------------------------------- one cell


@dataclass(frozen=True)
class Tried:
    """A POST as it was read, and how many the server counted."""

    verdict: Verdict
    requests: int

    @property
    def means(self) -> str:
        match self.verdict:
            case Created() | Located():
                return COMMITTED
            case ResponseLost():
                return UNCERTAIN
            case TargetRefused(status=int(status)) if 300 <= status < 400:
                return STOP
            case RecordRejected() | TargetRefused() | TargetBusy():
                return REJECTED
        raise AssertionError(self.verdict)

    def figures(self, means: str, sent: int) -> dict[str, int]:
        """``dup``: requests beyond the right number; ``corrupt``: read as something else; ``held``: would be asked about."""
        named = self.verdict.id if isinstance(self.verdict, Created) else ID
        return {
            "n": 1,
            "dup": max(self.requests - sent, 0),
            "lost": max(sent - self.requests, 0),
            "wrong_id": int(named != ID),
            "corrupt": int(self.means != means),
            "held": int(self.means == UNCERTAIN),
        }


async def tried(
    way: str, cell: Cell, tls: ssl.SSLContext | None = None, trusted: ssl.SSLContext | None = None
) -> Tried:
    server = Server(cell.play)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    scheme = "http" if tls is None else "https"
    url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/p"
    verdict = await posted(way, url, cell, trusted)
    listening.close()
    return Tried(verdict, server.requests)


async def posted(way: str, url: str, cell: Cell, trusted: ssl.SSLContext | None = None) -> Verdict:
    connection = Connection(WAYS[way](trusted))
    try:
        for _ in range(cell.turns):
            reply = await connection.send(Outgoing("POST", url, {"x-a": "b"}, cell.content), cell.deadline_s)
        # Whatever a transport would send again by itself has the time to arrive.
        await asyncio.sleep(0.02)
    finally:
        await connection.close()
    return judge_create(reply, type_name="people", place="POST person")


PUBLIC = httpx.create_ssl_context(trust_env=False)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A way; the public authorities, which take longer to read than a cell, are read once."""
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: PUBLIC)
    return request.param


@pytest.fixture
def hold(way: str, proof_line) -> Callable[[Tried, str, int], None]:
    """Says a cell's figures and holds them against the table."""

    def held(cell: Tried, means: str, sent: int) -> None:
        proof_line(f"attempt classes: {way}", None, **cell.figures(means, sent))
        assert (cell.means, cell.requests) == (means, sent)
        assert not isinstance(cell.verdict, Created) or cell.verdict.id == ID

    return held


@pytest.mark.parametrize("name", CELLS)
def test_an_attempt_means_what_the_table_says_and_leaves_once(way: str, name: str, hold) -> None:
    cell = CELLS[name]
    hold(asyncio.run(tried(way, cell)), cell.means, cell.sent)


def test_an_attempt_that_is_cancelled_amid_the_request_was_sent_once_and_tells_so(way: str, proof_line) -> None:
    async def cancelled() -> tuple[bool, bool, int]:
        server = Server(silent)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/p"
        attempt = asyncio.create_task(posted(way, url, Cell(silent, UNCERTAIN)))
        await server.met.wait()
        attempt.cancel()
        await asyncio.wait([attempt])
        await asyncio.sleep(0.05)
        listening.close()
        named = not attempt.cancelled() and isinstance(attempt.result(), Created)
        return attempt.cancelled(), named, server.requests

    was_cancelled, named, requests = asyncio.run(cancelled())
    figures = {
        "dup": requests - 1,
        "lost": int(requests < 1),
        "wrong_id": int(named),
        "corrupt": int(not was_cancelled),
    }
    proof_line(f"attempt classes: {way}", None, n=1, **figures, held=int(was_cancelled))
    assert (was_cancelled, requests) == (True, 1)


# ---------------------------------------------------------------- what never leaves


@contextmanager
def full_queue() -> Iterator[int]:
    """The port of a server that accepts nobody any more: who connects waits."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for each in waiting:
            each.close()


def unsent(way: str, url: str, deadline_s: float = PATIENCE_S) -> Tried:
    cell = Cell(silent, REJECTED, deadline_s)
    return Tried(asyncio.run(posted(way, url, cell)), 0)


def test_a_refused_connection_was_never_sent(way: str, hold) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    hold(unsent(way, f"http://127.0.0.1:{port}/p"), REJECTED, 0)


def test_a_name_that_does_not_exist_was_never_sent(way: str, hold) -> None:
    hold(unsent(way, "http://casebook.invalid/p"), REJECTED, 0)


def test_a_connection_that_nobody_accepts_was_never_sent(way: str, hold) -> None:
    with full_queue() as port:
        hold(unsent(way, f"http://127.0.0.1:{port}/p", 2 * SHORT_S), REJECTED, 0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """That authority takes the place of the public ones."""
    context = authority.trusting()
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: context)
    return context


def test_a_certificate_that_is_good_is_accepted(way: str, authority: Authority, trusted, hold) -> None:
    """Without this the refusals below would prove nothing."""
    cell = Cell(GOOD, COMMITTED)
    hold(asyncio.run(tried(way, cell, authority.server("good"), trusted)), COMMITTED, 1)


@pytest.mark.parametrize("kind", ["self-signed", "wrong name", "expired"])
def test_a_certificate_that_is_not_good_gets_no_request(way: str, kind: str, authority, trusted, hold) -> None:
    cell = Cell(GOOD, REJECTED, sent=0)
    hold(asyncio.run(tried(way, cell, authority.server(kind), trusted)), REJECTED, 0)


def test_a_server_of_an_old_protocol_gets_no_request(way: str, authority, trusted, hold) -> None:
    old = authority.server("good")
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    hold(asyncio.run(tried(way, replace(Cell(GOOD, REJECTED), sent=0), old, trusted)), REJECTED, 0)


@pytest.mark.parametrize("hello", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silence", "plain text"])
def test_a_server_that_speaks_no_tls_gets_no_request(way: str, hello: bytes, trusted, hold) -> None:
    async def handshake() -> Verdict:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(hello)
            await reader.read()
            writer.close()

        listening = await asyncio.start_server(speak, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/p"
        verdict = await posted(way, url, Cell(silent, REJECTED, 2 * SHORT_S), trusted)
        listening.close()
        return verdict

    hold(Tried(asyncio.run(handshake()), 0), REJECTED, 0)
