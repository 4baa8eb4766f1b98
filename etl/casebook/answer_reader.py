"""Makes answers of the bytes that a connection brings; knows no socket.

The messages are read by llhttp, a parser that others keep, as strictly as it can. What it leaves to its caller is decided
here: how much an answer may hold, what an end of the stream means, and whether a connection is clean enough for another
request. An answer that is not certainly whole and certainly the only one is never followed by another on its connection.
"""

from __future__ import annotations

import zlib

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from etl.casebook.exchange import MAX_RESPONSE_BYTES, TOO_LONG, Answer

_MOST_HEAD_BYTES = 16_384
_MOST_FRAMING = 8  # bytes of framing to one of a body: each may come in a chunk of its own
_FIRST_STATUS, _FIRST_FINAL_STATUS = 100, 200
_WITHOUT_BODY = frozenset({204, 304})
_ZLIB_OR_GZIP = zlib.MAX_WBITS | 32
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_DEFLATE, _METHOD = 8, 0x0F


class Broken(Exception):
    """What came is no whole answer; the message says why, without anything of it."""


class AnswerReader:
    """Reads one answer after another; ``begin`` goes before each."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Gets ready for the answer to the next request."""
        self._headers: dict[str, str] = {}
        self._status = 0
        self._body: list[bytes] = []
        self._body_bytes = self._head_bytes = self._fed_bytes = 0
        self._is_whole = False
        self.may_go_on = False
        """Whether the connection may carry another request. Never before the answer is whole."""

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once it is whole. Raises Broken."""
        self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            # A whole answer stands, whatever follows it.
            self.may_go_on = False
            if not self._is_whole:
                raise Broken("not an answer of HTTP/1.1") from None
        if self._body_bytes > MAX_RESPONSE_BYTES:
            raise Broken(TOO_LONG)
        if self._is_whole:
            return self._answer()
        # Also covers what no callback shows: lines without end, comments of chunks, trailers.
        if self._fed_bytes > _MOST_HEAD_BYTES + _MOST_FRAMING * self._body_bytes:
            raise Broken("an answer with endless headers")
        return None

    def end(self) -> Answer:
        """The answer that the end of the stream makes whole: one whose head named no length. Raises Broken."""
        self.may_go_on = False
        if not self._status or "content-length" in self._headers or "transfer-encoding" in self._headers:
            raise Broken("the server ended the connection")
        return self._answer()

    # The parser calls these; an exception in one of them makes feed_data raise.

    def on_message_begin(self) -> None:
        """Another message begins."""
        if self._is_whole:
            raise Broken

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer behind the body. What stands twice is joined, as RFC 9110 section 5.3 allows."""
        if self._status:
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MOST_HEAD_BYTES:
            raise Broken
        known, text = name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")
        self._headers[known] = f"{self._headers[known]}, {text}" if known in self._headers else text

    def on_headers_complete(self) -> None:
        """The head is read; that of an interim answer counts for nothing."""
        status = self._parser.get_status_code()
        if status < _FIRST_STATUS:
            raise Broken
        if status < _FIRST_FINAL_STATUS:
            self._headers = {}
            return
        self._status = status

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(piece)
        if self._body_bytes > MAX_RESPONSE_BYTES:
            self._body = []
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        if self._status:
            self._is_whole = True
            self.may_go_on = self._parser.should_keep_alive() and not self._promises_more()

    def _promises_more(self) -> bool:
        """Whether there is a body announced that an answer of its kind has none: it might come and be taken for the next."""
        announced = "transfer-encoding" in self._headers or self._headers.get("content-length", "0") != "0"
        return announced and self._status in _WITHOUT_BODY

    def _answer(self) -> Answer:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        encoding = self._headers.get("content-encoding", "").lower()
        # What is packed in a way that we never asked for stays as it came: its reader will not know it either.
        return Answer(self._status, self._headers, _unpacked(body) if body and encoding in _PACKED else body)


def _unpacked(body: bytes) -> bytes:
    # Some servers send deflate without the envelope that its name means.
    has_envelope = body[0] & _METHOD == _DEFLATE or body[:1] == b"\x1f"
    unpacker = zlib.decompressobj(_ZLIB_OR_GZIP if has_envelope else -zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(body, MAX_RESPONSE_BYTES + 1)
    except zlib.error:
        raise Broken("a body that cannot be unpacked") from None
    if len(content) > MAX_RESPONSE_BYTES:
        raise Broken(TOO_LONG)
    if not unpacker.eof or unpacker.unused_data:
        raise Broken("a body that cannot be unpacked")
    return content
