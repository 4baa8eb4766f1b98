"""When a connection carries another request, on every event loop that a run may have."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time

import pytest

from etl.casebook import lines
from etl.casebook.exchange import TOO_LATE, Answer, Reply, Silence
from etl.casebook.line import Line
from etl.casebook.sockets import Sockets
from tests.casebook.conftest import CountedClock
from tests.casebook.player import FORGED, LARGE, OK, Play, Served, Server, asked, bodies, says, until


def in_turn(on_loop, play: Play, *, until_ended: bool = False, times: int = 2) -> tuple[list[Reply], Server]:
    """As many requests one after the other; ``until_ended``: each once the connection of the one before has ended."""

    async def main() -> tuple[list[Reply], Server]:
        async with Server(play) as server:
            sockets = Sockets()
            replies = []
            for number in range(times):
                replies += await asked(sockets, server.request(str(number)))
                if until_ended:
                    await until(lambda: not any(line.is_open for line in kept(sockets)))
            await sockets.close()
        return replies, server

    return on_loop(main())


def kept(sockets: Sockets) -> list[Line]:
    return [line for lines in sockets._lines._kept.values() for line in lines]


def test_a_connection_is_used_again_after_a_whole_answer(on_loop) -> None:
    replies, server = in_turn(on_loop, says(OK), times=3)
    assert bodies(replies) == [b"{}"] * 3
    assert server.seen == [(1, "/0"), (1, "/1"), (1, "/2")]


@pytest.mark.parametrize(
    "content",
    [
        OK + FORGED,
        OK + b"x",
        b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + FORGED,
        b"HTTP/1.1 201 Created\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.0 201 Created\r\ncontent-length: 2\r\n\r\n{}",
    ],
    ids=["another answer", "a byte", "another answer behind chunks", "the word close", "an old protocol"],
)
def test_no_connection_is_used_again_after_an_answer_that_is_not_certainly_the_only_one(
    on_loop, content: bytes
) -> None:
    replies, server = in_turn(on_loop, says(content))
    assert bodies(replies) == [b"{}"] * 2
    assert server.seen == [(1, "/0"), (2, "/1")]


@pytest.mark.parametrize("late", [FORGED, b"x", b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n", b"\r\n"])
def test_what_comes_uncalled_while_a_connection_rests_ends_it(on_loop, late: bytes) -> None:
    async def play(served: Served) -> None:
        await served.say(OK)
        await asyncio.sleep(0.02)
        await served.say(late)

    replies, server = in_turn(on_loop, play, until_ended=True)
    assert bodies(replies) == [b"{}"] * 2
    assert server.seen == [(1, "/0"), (2, "/1")]


def test_a_body_that_no_answer_of_its_kind_has_is_not_taken_for_the_next_answer(on_loop) -> None:
    async def play(served: Served) -> None:
        if served.turn == 1:
            await served.say(b"HTTP/1.1 204 No Content\r\ncontent-length: %d\r\n\r\n" % len(FORGED))
        await asyncio.sleep(0.02)
        await served.say(FORGED)

    async def main() -> tuple[list[Reply], Server]:
        async with Server(play) as server:
            sockets = Sockets()
            replies = await asked(sockets, server.request("0"), server.request("1"))
            await sockets.close()
        return replies, server

    _, server = on_loop(main())
    assert server.seen == [(1, "/0"), (2, "/1")]


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_the_server_ended_is_not_used_again(on_loop, reset: bool) -> None:
    async def play(served: Served) -> None:
        await served.say(OK)
        await asyncio.sleep(0.02)
        if reset:
            linger = struct.pack("ii", 1, 0)
            served.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        served.writer.transport.abort()

    replies, server = in_turn(on_loop, play, until_ended=True)
    assert bodies(replies) == [b"{}"] * 2
    assert server.seen == [(1, "/0"), (2, "/1")]


def test_a_connection_that_rested_too_long_is_ended_and_not_used_again(on_loop, monkeypatch) -> None:
    monkeypatch.setattr(lines, "KEEP_ALIVE_S", 0.05)
    replies, server = in_turn(on_loop, says(OK), until_ended=True)
    assert bodies(replies) == [b"{}"] * 2
    assert server.seen == [(1, "/0"), (2, "/1")]


def test_connections_that_nobody_needs_any_more_are_ended_and_those_in_use_are_not(on_loop, monkeypatch) -> None:
    monkeypatch.setattr(lines, "KEEP_ALIVE_S", 0.5)

    async def main() -> Server:
        async with Server(says(OK)) as server:
            sockets = Sockets()
            await asyncio.gather(*(sockets.exchange(server.request(), 5, 5) for _ in range(3)))
            while len(server.ended) < 2:
                await asked(sockets, server.request())
                await asyncio.sleep(0.02)
            await asked(sockets, server.request())
            await sockets.close()
        return server

    assert on_loop(main()).opened == 3


def test_a_connection_that_was_still_young_when_the_old_were_ended_is_ended_in_its_turn(on_loop, monkeypatch) -> None:
    monkeypatch.setattr(lines, "KEEP_ALIVE_S", 0.3)

    async def main() -> None:
        async with Server(says(OK)) as server:
            sockets = Sockets()
            await asked(sockets, server.request("0"))
            await asyncio.sleep(0.2)
            await asked(sockets, server.request("1"))
            await until(lambda: len(server.ended) == server.opened)
            await sockets.close()

    on_loop(main())


def test_a_connection_is_not_used_again_after_a_sleep_of_the_machine(on_loop) -> None:
    clock = CountedClock()

    async def main() -> Server:
        async with Server(says(OK)) as server:
            sockets = Sockets()
            sockets._lines._clock = clock
            await asked(sockets, server.request("0"))
            clock.elapsed_s += 3600
            await asked(sockets, server.request("1"))
            await sockets.close()
        return server

    assert on_loop(main()).seen == [(1, "/0"), (2, "/1")]


@pytest.mark.parametrize("body", [b"{}", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("content", [b"", OK[:-1], b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["nothing", "half", "go on"])
def test_a_request_that_is_cut_short_ends_its_connection(on_loop, body: bytes, content: bytes) -> None:
    async def play(served: Served) -> None:
        if b" /whole " in served.head:
            return await served.say(OK)
        await served.say(content)
        await asyncio.sleep(0.6)
        return await served.say(FORGED)

    async def main() -> None:
        async with Server(play) as server:
            sockets = Sockets()
            (reply,) = await asked(sockets, server.request("cut", body), deadline_s=0.3)
            assert reply == Silence(sent=True, reason=TOO_LATE)
            assert bodies(await asked(sockets, server.request("whole"))) == [b"{}"]
            assert server.seen == [(1, "/cut"), (2, "/whole")]
            await until(lambda: 1 in server.ended)
            await sockets.close()

    on_loop(main())


@pytest.mark.parametrize(
    ("first_s", "second_s", "answered"),
    [(10, 0.3, False), (0.3, 10, True), (0.3, 0.8, False), (0.3, 0.3, False)],
    ids=["a shorter one", "a longer one", "a longer one that is missed", "the same"],
)
def test_each_request_on_a_connection_has_a_deadline_of_its_own(
    on_loop, first_s: float, second_s: float, answered: bool
) -> None:
    async def play(served: Served) -> None:
        if b" /slow " in served.head:
            await asyncio.sleep(1.5 if not answered else 0.6)
        await served.say(OK)

    async def main() -> None:
        async with Server(play) as server:
            sockets = Sockets()
            await asked(sockets, server.request("quick"), deadline_s=first_s)
            started = time.monotonic()
            (reply,) = await asked(sockets, server.request("slow"), deadline_s=second_s)
            took_s = time.monotonic() - started
            assert server.seen == [(1, "/quick"), (1, "/slow")]
            await sockets.close()
        if answered:
            assert bodies([reply]) == [b"{}"]
        else:
            assert reply == Silence(sent=True, reason=TOO_LATE)
            assert second_s - 0.01 < took_s < second_s + 0.5

    on_loop(main())


def test_a_connection_that_ended_leaves_no_alarm_behind(on_loop) -> None:
    async def main() -> None:
        async with Server(says(OK)) as server:
            sockets = Sockets()
            await asked(sockets, server.request())
            (line,) = kept(sockets)
            await sockets.close()
            assert line._alarm is not None
            assert line._alarm.cancelled()

    on_loop(main())


@pytest.mark.parametrize("body", [b"{}", b"x" * (1 << 20)], ids=["small", "large"])
def test_whenever_a_request_is_cancelled_the_next_one_gets_its_own_answer(on_loop, body: bytes) -> None:
    async def play(served: Served) -> None:
        if len(body) > 1000:
            await served.reader.readexactly(len(body))
        name = served.head.split()[1]
        await served.say(b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(name) + name)

    async def main() -> None:
        async with Server(play) as server:
            sockets = Sockets()
            for steps in range(60):
                attempt = asyncio.ensure_future(sockets.exchange(server.request("cancelled", body), 5, 5))
                for _ in range(steps):
                    await asyncio.sleep(0)
                attempt.cancel()
                (reply,) = await asked(sockets, server.request(str(steps), body))
                assert isinstance(reply, Answer)
                assert reply.body == b"/%d" % steps
            await sockets.close()

    on_loop(main())


def test_a_connection_carries_nothing_from_the_moment_in_which_its_end_is_known(on_loop) -> None:
    async def main() -> Reply:
        line = Line()
        line.connection_made(Endless())
        line.eof_received()
        return await line.exchange(b"head", b"{}", math.inf)

    reply = on_loop(main())
    assert isinstance(reply, Silence)
    assert not reply.sent


class Endless(asyncio.Transport):
    """Takes whatever is written."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


@pytest.mark.parametrize("ends", ["answered", "ended", "reset"])
def test_a_body_that_nobody_takes_any_more_does_not_wait_for_room(on_loop, ends: str) -> None:
    async def main() -> Reply:
        line = Line()
        line.connection_made(Endless())
        attempt = asyncio.ensure_future(line.exchange(b"head", LARGE, time.monotonic() + 10))
        line.pause_writing()
        await asyncio.sleep(0.01)
        if ends == "answered":
            line.data_received(OK)
        else:
            line.connection_lost(None if ends == "ended" else ConnectionResetError())
        reply = await asyncio.wait_for(attempt, 2)
        assert not line.is_clean
        return reply

    reply = on_loop(main())
    assert isinstance(reply, Answer) if ends == "answered" else isinstance(reply, Silence) and reply.sent


def test_a_request_that_is_cancelled_just_as_it_is_answered_amid_its_body_is_not_over(on_loop) -> None:
    async def main() -> tuple[bool, bool]:
        line = Line()
        line.connection_made(Endless())
        attempt = asyncio.ensure_future(line.exchange(b"head", LARGE, time.monotonic() + 10))
        await asyncio.sleep(0)
        line.data_received(OK)
        attempt.cancel()
        await asyncio.wait([attempt])
        return attempt.cancelled(), line.is_clean

    assert on_loop(main()) == (True, False)


def test_an_answer_amid_the_body_is_heard_and_the_rest_of_the_body_is_not_sent(on_loop) -> None:
    refusal = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n"

    async def main() -> Server:
        async with Server(lambda served: served.say(OK if b" /whole " in served.head else refusal)) as server:
            sockets = Sockets()
            first, second = await asked(sockets, server.request("large", LARGE), server.request("whole"))
            assert isinstance(first, Answer)
            assert (first.status, bodies([second])) == (413, [b"{}"])
            await sockets.close()
        return server

    assert on_loop(main()).seen == [(1, "/large"), (2, "/whole")]


def test_closing_ends_what_is_in_use_too(on_loop) -> None:
    async def main() -> list[Reply]:
        async with Server(lambda served: served.reader.read()) as server:
            sockets = Sockets()
            attempt = asyncio.ensure_future(asked(sockets, server.request()))
            await until(lambda: bool(server.seen))
            await sockets.close()
            return await attempt

    (reply,) = on_loop(main())
    assert isinstance(reply, Silence)
    assert reply.sent
