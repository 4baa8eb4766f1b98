"""What counts as an answer, byte by byte and without a socket."""

from __future__ import annotations

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.casebook.answer_reader import AnswerReader, Broken
from etl.casebook.exchange import MAX_RESPONSE_BYTES, TOO_LONG, Answer

HEAD = b"HTTP/1.1 201 Created\r\n"
LENGTH_2 = b"content-length: 2\r\n\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
GZIP = b"content-encoding: gzip\r\n"
PACKED = gzip.compress(b"{}" * 40, mtime=0)
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
DEFLATED = BARE.compress(b"{}") + BARE.flush()


def read(*pieces: bytes, ends: bool = False) -> tuple[Answer | None, bool]:
    """What comes of the bytes, and whether another request may follow."""
    reader = AnswerReader()
    answer = None
    for piece in pieces:
        answer = answer or reader.feed(piece)
    return answer or (reader.end() if ends else None), reader.may_go_on


def sized(body: bytes, headers: bytes = b"") -> bytes:
    return HEAD + headers + b"content-length: %d\r\n\r\n" % len(body) + body


WHOLE: dict[str, tuple[bytes, bytes]] = {
    "of a length": (HEAD + LENGTH_2 + b"{}", b"{}"),
    "in chunks": (HEAD + CHUNKED + b"1\r\n{\r\n1;note=x\r\n}\r\n0\r\n\r\n", b"{}"),
    "in chunks with a trailer": (HEAD + CHUNKED + b"2\r\n{}\r\n0\r\nx-sum: 7\r\n\r\n", b"{}"),
    "empty": (HEAD + b"content-length: 0\r\n\r\n", b""),
    "without content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
    "behind a word to go on": (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + LENGTH_2 + b"{}", b"{}"),
    "behind hints": (b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 3 + HEAD + LENGTH_2 + b"{}", b"{}"),
    "behind an interim answer that nobody knows": (b"HTTP/1.1 150 X\r\n\r\n" + HEAD + LENGTH_2 + b"{}", b"{}"),
    "without a reason": (b"HTTP/1.1 201\r\n" + LENGTH_2 + b"{}", b"{}"),
    "packed": (sized(PACKED, GZIP), b"{}" * 40),
    "packed by its old name": (sized(PACKED, b"Content-Encoding: X-GZip\r\n"), b"{}" * 40),
    "deflated": (sized(zlib.compress(b"{}"), b"content-encoding: deflate\r\n"), b"{}"),
    "deflated without an envelope": (sized(DEFLATED, b"content-encoding: deflate\r\n"), b"{}"),
    "packed and empty": (sized(b"", GZIP), b""),
    "packed in a way nobody asked for": (sized(b"\x0b{}", b"content-encoding: br\r\n"), b"\x0b{}"),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_an_answer_is_the_same_however_its_bytes_arrive(name: str, cuts: list[int]) -> None:
    content, body = WHOLE[name]
    places = sorted({0, *(cut for cut in cuts if cut < len(content)), len(content)})
    pieces = [content[start:end] for start, end in itertools.pairwise(places)]
    answer, may_go_on = read(*pieces)
    assert answer is not None
    assert (answer.body, may_go_on) == (body, True)
    assert answer == read(content)[0]


@pytest.mark.parametrize("name", WHOLE)
def test_no_answer_is_whole_before_its_last_byte(name: str) -> None:
    content, _ = WHOLE[name]
    assert read(*(content[place : place + 1] for place in range(len(content) - 1))) == (None, False)


def test_what_interim_answers_and_trailers_say_is_not_the_answers() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nx-a: 1\r\n\r\n"
    answer, _ = read(hints + HEAD + b"X-B: 2\r\n" + CHUNKED + b"0\r\nx-c: 3\r\n\r\n")
    assert answer == Answer(201, {"x-b": "2", "transfer-encoding": "chunked"}, b"")


def test_headers_have_lower_case_names_no_space_around_them_and_are_joined_where_they_stand_twice() -> None:
    answer, _ = read(HEAD + b"X-A:  one \t\r\nx-a: two\r\nx-empty:\r\nx-b: caf\xe9\r\n" + LENGTH_2 + b"{}")
    assert answer is not None
    assert answer.headers == {"x-a": "one, two", "x-empty": "", "x-b": "caf\xe9", "content-length": "2"}


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 204 X\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 304 X\r\ntransfer-encoding: chunked\r\n\r\n",
        HEAD + b"connection: close\r\n" + LENGTH_2 + b"{}",
        HEAD + b"connection: close\r\n" + LENGTH_2 + b"{}more",
        b"HTTP/1.0 201 Created\r\n" + LENGTH_2 + b"{}",
        HEAD + LENGTH_2 + b"{}x",
        HEAD + LENGTH_2 + b"{}" + HEAD,
        HEAD + LENGTH_2 + b"{}" + HEAD + LENGTH_2 + b"[]",
        HEAD + CHUNKED + b"0\r\n\r\n" + HEAD + LENGTH_2 + b"[]",
        b"HTTP/1.1 204 X\r\n\r\n" + HEAD + LENGTH_2 + b"[]",
    ],
)
def test_a_connection_that_may_bring_more_than_the_answer_carries_no_other_request(content: bytes) -> None:
    answer, may_go_on = read(content)
    assert answer is not None
    assert (answer.body in {b"", b"{}"}, may_go_on) == (True, False)


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_without_a_length_the_end_of_the_stream_ends_the_answer(body: bytes) -> None:
    assert read(HEAD + b"x-a: b\r\n\r\n" + body, ends=True) == (Answer(201, {"x-a": "b"}, body), False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEAD,
        HEAD + b"x-a: b\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        HEAD + LENGTH_2 + b"{",
        HEAD + CHUNKED,
        HEAD + CHUNKED + b"2\r\n{}\r\n",
        HEAD + CHUNKED + b"2\r\n{}\r\n0\r\n",
        HEAD + b"transfer-encoding: gzip\r\n\r\n{}",
        HEAD + GZIP + b"\r\n" + PACKED[:-1],
    ],
)
def test_an_end_before_the_announced_end_is_no_answer(content: bytes) -> None:
    with pytest.raises(Broken):
        read(content, ends=True)


@pytest.mark.parametrize(
    "content",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01",
        HEAD.replace(b"\r\n", b"\n") + b"\n",
        b"HTTP/1.1 20 X\r\n\r\n",
        b"HTTP/1.1 099 X\r\n" + LENGTH_2 + b"{}",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        HEAD + b"content-length: 2, 2\r\n\r\n{}",
        HEAD + b"content-length: +2\r\n\r\n{}",
        HEAD + b"content-length: -2\r\n\r\n{}",
        HEAD + b"content-length: 99999999999999999999\r\n\r\n{}",
        HEAD + b"content-length: 2\r\n" + CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
        HEAD + CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
        HEAD + CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n",
        HEAD + b"x-a : b\r\n" + LENGTH_2 + b"{}",
        HEAD + b"x-a: b\r\n c\r\n" + LENGTH_2 + b"{}",
        HEAD + b"x-a: b\0c\r\n" + LENGTH_2 + b"{}",
        sized(b"{}", GZIP),
        sized(PACKED[:-1], GZIP),
        sized(PACKED + PACKED, GZIP),
        sized(PACKED + b"x", GZIP),
        sized(PACKED[:-5] + b"\0" + PACKED[-4:], GZIP),
    ],
)  # fmt: skip
def test_what_breaks_the_protocol_is_no_answer(content: bytes) -> None:
    with pytest.raises(Broken):
        read(content)


@pytest.mark.parametrize(
    ("begins", "goes_on"),
    [
        (HEAD + b"x-a: ", b"a" * 1000),
        (HEAD, b"x-a: b\r\n" * 100),
        (b"HTTP/1.1 201 ", b"Created " * 100),
        (b"", b"\r\n" * 500),
        (b"", b"HTTP/1.1 103 Early Hints\r\nx-a: b\r\n\r\n" * 30),
        (HEAD + CHUNKED + b"2;", b"a" * 1000),
        (HEAD + CHUNKED + b"2\r\n{}\r\n0\r\nx-a: ", b"a" * 1000),
    ],
)
def test_an_answer_that_never_comes_to_its_point_is_none(begins: bytes, goes_on: bytes) -> None:
    with pytest.raises(Broken, match=r"endless|HTTP"):
        read(begins, *[goes_on] * 30)


def test_a_long_head_is_refused_however_it_arrives() -> None:
    with pytest.raises(Broken):
        read(HEAD + b"x-a: " + b"a" * 20_000 + b"\r\n" + LENGTH_2 + b"{}")


def test_an_answer_in_the_smallest_of_chunks_is_read() -> None:
    answer, _ = read(HEAD + CHUNKED, *[b"1\r\nx\r\n" * 1000] * 20, b"0\r\n\r\n")
    assert answer is not None
    assert answer.body == b"x" * 20_000


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"content-length: %d\r\n\r\n" % (1 << 40), *[b"x" * 1_000_000] * 11],
        [HEAD + CHUNKED, *[b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n"] * 11],
        [HEAD + b"\r\n", *[b"x" * 1_000_000] * 11],
        [sized(gzip.compress(b"x" * (MAX_RESPONSE_BYTES + 1)), GZIP)],
    ],
    ids=["of a length", "in chunks", "to the end", "packed"],
)
def test_an_answer_above_the_size_limit_is_none(pieces: list[bytes]) -> None:
    with pytest.raises(Broken, match=TOO_LONG):
        read(*pieces, ends=True)


def test_an_answer_of_the_size_limit_is_read() -> None:
    answer, _ = read(sized(gzip.compress(b"x" * MAX_RESPONSE_BYTES), GZIP))
    assert answer is not None
    assert len(answer.body) == MAX_RESPONSE_BYTES
