"""Where connections lead, and where they may not."""

from __future__ import annotations

import asyncio
import socket

import pytest

from etl.casebook import lines
from etl.casebook.exchange import Outgoing, Reply, Silence
from etl.casebook.names import Names
from etl.casebook.sockets import Sockets
from tests.casebook.conftest import CountedClock
from tests.casebook.player import OK, Server, asked, bodies, looked_up_as, says


def test_an_address_that_nobody_answers_at_does_not_hold_up_the_next_one(monkeypatch) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", looked_up_as("127.0.0.2", "127.0.0.1"))

    async def main() -> list[Reply]:
        async with Server(says(OK)) as server:
            with socket.socket() as full:
                full.bind(("127.0.0.2", server.port))
                full.listen(0)
                waiting = [socket.socket() for _ in range(4)]
                for each in waiting:
                    each.setblocking(False)
                    each.connect_ex(full.getsockname())
                sockets = Sockets()
                outgoing = Outgoing("POST", f"http://a.example:{server.port}/", {}, b"{}")
                replies = [await sockets.exchange(outgoing, 2, 4)]
                await sockets.close()
                for each in waiting:
                    each.close()
        return replies

    assert bodies(asyncio.run(main())) == [b"{}"]


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_a_host_may_be_a_written_address_of_ipv6(on_loop) -> None:
    async def main() -> tuple[list[Reply], bytes, int]:
        heads: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(OK)
            await reader.read()
            writer.close()

        try:
            listening = await asyncio.start_server(serve, "::1", 0)
        except OSError:
            pytest.skip("this machine has no IPv6")
        port = listening.sockets[0].getsockname()[1]
        sockets = Sockets()
        replies = await asked(sockets, Outgoing("GET", f"http://[::1]:{port}/", {}))
        await sockets.close()
        listening.close()
        return replies, heads[0], port

    replies, head, port = on_loop(main())
    assert bodies(replies) == [b"{}"]
    assert f"host: [::1]:{port}\r\n".encode() in head


def test_a_name_is_looked_up_once_for_many_and_again_after_a_while(monkeypatch) -> None:
    looked_up = looked_up_as("93.184.216.34")
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", looked_up)
    clock = CountedClock()

    async def main() -> None:
        names = Names(clock, public_only=True)
        await asyncio.gather(*(names.addresses("a.example", 443) for _ in range(50)))
        assert looked_up.asked_for == ["a.example"]
        clock.elapsed_s += 11
        await names.addresses("a.example", 443)
        await names.addresses("b.example", 443)
        assert looked_up.asked_for == ["a.example", "a.example", "b.example"]

    asyncio.run(main())


@pytest.mark.parametrize("private", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "::1"])
def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch, private: str) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", looked_up_as("93.184.216.34", private))
    with pytest.raises(OSError, match="not public"):
        asyncio.run(Names(CountedClock(), public_only=True).addresses("a.example", 443))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://[::1]:9/", "http://[::ffff:127.0.0.1]:9/", "http://2130706433:9/"]
)
def test_a_private_address_needs_no_name_to_be_refused(on_loop, url: str, monkeypatch) -> None:
    def connect(*_: object, **__: object) -> None:
        raise AssertionError("it was connected to")

    monkeypatch.setattr(lines, "start_connection", connect)
    (reply,) = on_loop(asked(Sockets(public_only=True), Outgoing("PUT", url, {}, b"{}")))
    assert isinstance(reply, Silence)
    assert not reply.sent


@pytest.mark.parametrize(
    "outgoing",
    [
        Outgoing("GET", "http://127.0.0.1:9/a b", {}),
        Outgoing("GET", "http://127.0.0.1:9/", {"x": "y\r\nz: forged"}),
        Outgoing("GET", "http://a..example/", {}),
        Outgoing("GET", f"http://{'a' * 300}.example/", {}),
        Outgoing("HEAD", "http://127.0.0.1:9/", {}),
    ],
)
def test_what_cannot_be_sent_is_a_reply_and_no_exception(on_loop, outgoing: Outgoing) -> None:
    (reply,) = on_loop(asked(Sockets(), outgoing))
    assert isinstance(reply, Silence)
    assert not reply.sent


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_written_address_needs_nobody_to_look_it_up(monkeypatch, host: str) -> None:
    looked_up = looked_up_as("93.184.216.34")
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", looked_up)
    found = asyncio.run(Names(CountedClock(), public_only=False).addresses(host, 443))
    assert [address[:2] for *_, address in found] == [(host, 443)]
    assert looked_up.asked_for == []
