"""One connection, which carries one request at a time.

Ours, because a create hangs on knowing whether a byte of it has left: a line never sends anything twice, is used for
another request only after an answer that was certainly whole, and is closed by whatever else may happen to an exchange.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

from etl.casebook.answer_reader import AnswerReader, Broken
from etl.casebook.exchange import TOO_LATE, Reply, Silence

_PIECE_BYTES = 256 << 10


class Line(asyncio.Protocol):
    """A connection. ``idle_since`` is when it was last kept for another request, by the machine's clock."""

    def __init__(self) -> None:
        self.is_open = False
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._reader = AnswerReader()
        self._transport: asyncio.Transport
        self._ending: asyncio.Future[Reply] | None = None
        self._ends_at = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._writable: asyncio.Future[None] | None = None

    @property
    def is_clean(self) -> bool:
        """Whether it may carry another request: the last one left and was answered, and nothing else came."""
        is_idle = self._ending is None and not self._transport.get_write_buffer_size()
        return self.is_open and is_idle and self._reader.may_go_on

    async def exchange(self, head: bytes, body: bytes, ends_at: float) -> Reply:
        """The answer, or why there is none at ``ends_at`` of ``time.monotonic``. After a cancellation the line is not clean."""
        if not self.is_open:
            return Silence(sent=False, reason="the connection ended before the request")
        if time.monotonic() >= ends_at:
            return Silence(sent=False, reason="the deadline came before the request")
        self._reader.begin()
        self._ending = self._loop.create_future()
        self._ends_at = ends_at
        if self._alarm is None or ends_at < self._rings_at:
            self._set_alarm()
        if len(body) <= _PIECE_BYTES:
            self._send(head + body)
        else:
            await self._write(head, memoryview(body))
        reply = await self._ending
        self._ending = None
        return reply

    def abort(self) -> None:
        """Closes it at once."""
        self.is_open = False
        self._transport.abort()

    async def _write(self, head: bytes, body: memoryview) -> None:
        """Piece by piece, so that others get their turn; no further once the exchange has ended."""
        self._send(head)
        for start in range(0, len(body), _PIECE_BYTES):
            await self._turn()
            if self._ending is None or self._ending.done():
                # What was announced was not sent: whatever came next would be taken for the rest of it.
                self._reader.may_go_on = False
                return
            self._send(body[start : start + _PIECE_BYTES])

    def _send(self, piece: bytes | memoryview) -> None:
        self._transport.write(piece)

    async def _turn(self) -> None:
        if self._writable is None:
            await asyncio.sleep(0)
        else:
            await self._writable

    def _set_alarm(self) -> None:
        """One alarm serves many exchanges: to set and cancel one for each would cost more than all else here."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._rings_at = self._ends_at
        self._alarm = self._loop.call_later(self._ends_at - time.monotonic(), self._ring)

    def _ring(self) -> None:
        """Some exchange should have ended by now, not always the one under way."""
        self._alarm = None
        if self._ending is None:
            return
        if time.monotonic() < self._ends_at:
            self._set_alarm()
        else:
            self._end(Silence(sent=True, reason=TOO_LATE))

    def _end(self, reply: Reply) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(reply)
        self.resume_writing()

    # The event loop calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection, or a secure one in its place."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """There is none any more."""
        self.is_open = False
        if self._alarm is not None:
            self._alarm.cancel()
        if exc is None:
            self.eof_received()
        else:
            self._end(Silence(sent=True, reason=type(exc).__name__))

    def eof_received(self) -> None:
        """The server will say no more; the connection closes itself."""
        self.is_open = False
        if self._ending is None or self._ending.done():
            return
        try:
            self._end(self._reader.end())
        except Broken as error:
            self._end(Silence(sent=True, reason=str(error)))

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer. Any others could be taken for the next answer: they end the line."""
        if self._ending is None or self._ending.done():
            self.abort()
            return
        try:
            answer = self._reader.feed(data)
        except Broken as error:
            self._end(Silence(sent=True, reason=str(error)))
        else:
            if answer is not None:
                self._end(answer)

    def pause_writing(self) -> None:
        """More was written than the connection takes."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """What was written has left, or nobody wants it any more."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
