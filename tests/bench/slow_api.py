"""A bare HTTP server that answers every POST with 201 after a fixed time: so fast that only the loader is measured."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys

import uvloop

LATENCY_S = float(sys.argv[1])
NUMBERS = itertools.count(1)


def answer(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/vnd.api+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""

    def data_received(self, data):
        self.data += data
        head, found, rest = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
        )
        if len(rest) >= length:
            self.data = b""
            self.reply(head.split(b" ", 2)[:2])

    def reply(self, request):
        verb, path = request
        if path.startswith(b"/oauth2"):
            self.transport.write(answer("200 OK", b'{"access_token":"t","expires_in":3600,"token_type":"Bearer"}'))
        elif verb == b"POST":
            body = {"data": {"type": "people", "id": f"00000000-0000-4000-8000-{next(NUMBERS):012}", "attributes": {}}}
            asyncio.get_running_loop().call_later(
                LATENCY_S, self.transport.write, answer("201 Created", json.dumps(body).encode())
            )
        else:
            self.transport.write(answer("200 OK", b'{"data":[],"meta":{"totalResourceCount":0}}'))


async def main():
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


uvloop.run(main())
