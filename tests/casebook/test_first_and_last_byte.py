"""What leaves a connection when: nothing before its fence, everything at once behind it, no more than is read."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest

from etl.casebook.exchange import Answer, Outgoing, Reply, Silence
from etl.casebook.sockets import Sockets
from tests.casebook.certificates import Authority
from tests.casebook.player import FORGED, LARGE, OK, Served, Server, asked, bodies, says, until


@pytest.mark.parametrize("uncalled", [b"", FORGED], ids=["an end", "an answer"])
@pytest.mark.parametrize("rested", [False, True])
def test_a_connection_that_ends_while_the_fence_is_awaited_carried_nothing(
    on_loop, uncalled: bytes, rested: bool
) -> None:
    async def main() -> tuple[Reply, Server]:
        async with Server(says(OK)) as server:
            sockets = Sockets()
            if rested:
                await asked(sockets, server.request("before"))

            async def fence() -> None:
                await until(lambda: bool(server.writers))
                server.writers[0].write(uncalled)
                if not uncalled:
                    server.writers[0].close()
                (line,) = sockets._lines._used
                await until(lambda: not line.is_open)

            (reply,) = await asked(sockets, server.request("fenced", fence=fence))
            await sockets.close()
        return reply, server

    reply, server = on_loop(main())
    assert isinstance(reply, Silence)
    assert not reply.sent
    assert "/fenced" not in [name for _, name in server.seen]


def test_a_fence_that_refuses_leaves_nothing_on_a_connection_that_is_used_again(on_loop) -> None:
    async def refusing() -> None:
        await asyncio.sleep(0.01)
        raise PermissionError

    async def main() -> Server:
        async with Server(says(OK)) as server:
            sockets = Sockets()
            for name in ("0", "1"):
                await asked(sockets, server.request(name))
                with pytest.raises(PermissionError):
                    await asked(sockets, server.request("refused", LARGE, fence=refusing))
            await sockets.close()
        return server

    assert [name for _, name in on_loop(main()).seen] == ["/0", "/1"]


def test_behind_a_fence_that_outlasts_the_deadline_nothing_leaves(on_loop) -> None:
    """Nobody would be left to hear the answer."""

    async def slow() -> None:
        await asyncio.sleep(0.3)

    async def main() -> tuple[list[Reply], Server]:
        async with Server(says(OK)) as server:
            sockets = Sockets()
            await asked(sockets, server.request("0"))
            late = await asked(sockets, server.request("late", fence=slow), deadline_s=0.1)
            await asked(sockets, server.request("1", fence=slow))
            await sockets.close()
        return late, server

    (late,), server = on_loop(main())
    assert isinstance(late, Silence)
    assert not late.sent
    assert server.seen == [(1, "/0"), (1, "/1")]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("secure", [False, True])
def test_a_request_has_left_before_anything_else_has_its_turn(on_loop, secure: bool, authority, monkeypatch) -> None:
    """Else a machine might sleep between the fence and the first byte."""
    arrived = threading.Event()
    seen_in_time: list[bool] = []
    monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: authority.trusting())

    def serve(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with authority.server("good").wrap_socket(plain, server_side=True) if secure else plain as line:
            line.recv(1)
            arrived.set()
            line.recv(1 << 16)
            line.sendall(OK)
            line.recv(1)

    async def fence() -> None:
        """The next to have its turn after the request is one that looks whether it is there."""
        loop = asyncio.get_running_loop()
        going_on = loop.create_future()

        def go_on_then_look() -> None:
            going_on.set_result(None)
            loop.call_soon(lambda: seen_in_time.append(arrived.wait(3)))

        loop.call_soon(go_on_then_look)
        await going_on

    async def main(port: int) -> Reply:
        sockets = Sockets()
        scheme = "https" if secure else "http"
        reply = await sockets.exchange(Outgoing("POST", f"{scheme}://127.0.0.1:{port}/", {}, b"{}", fence), 5, 10)
        await sockets.close()
        return reply

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,))
        serving.start()
        reply = on_loop(main(listening.getsockname()[1]))
        serving.join()
    assert isinstance(reply, Answer)
    assert seen_in_time == [True]


def test_a_body_that_nobody_reads_is_not_heaped_up_and_others_get_their_turn(on_loop) -> None:
    seen = asyncio.Event()

    async def play(served: Served) -> None:
        if b" /large " in served.head:
            await seen.wait()
            await served.reader.readexactly(len(LARGE))
        await served.say(OK)

    async def main() -> None:
        async with Server(play) as server:
            sockets = Sockets()
            large = asyncio.ensure_future(asked(sockets, server.request("large", LARGE)))
            await until(lambda: bool(server.seen))
            assert bodies(await asked(sockets, server.request("small"))) == [b"{}"]
            (line,) = sockets._lines._used
            await asyncio.sleep(0.1)
            assert 0 < line._transport.get_write_buffer_size() < 1 << 20
            assert not large.done()
            seen.set()
            assert bodies(await large) == [b"{}"]
            await sockets.close()

    on_loop(main())
