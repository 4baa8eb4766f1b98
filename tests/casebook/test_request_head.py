"""What a request looks like on the wire, and what may not become one."""

from __future__ import annotations

import pytest

from etl.casebook.exchange import Outgoing
from etl.casebook.request_head import Place, Unsendable, request_head

URL = "https://a.example/p"


def head(url: str = URL, headers: dict[str, str] | None = None, verb: str = "GET", body: bytes = b"") -> list[str]:
    _, written = request_head(Outgoing(verb, url, headers or {}, body))
    assert written.endswith(b"\r\n\r\n")
    return written.decode().removesuffix("\r\n\r\n").split("\r\n")


def test_a_request_says_where_it_goes_and_what_it_takes() -> None:
    assert head("http://a.example:8080/people", {"accept": "text/plain"}, "POST", b"{}") == [
        "POST /people HTTP/1.1",
        "host: a.example:8080",
        "accept-encoding: identity",
        "user-agent: casebook-etl",
        "accept: text/plain",
        "content-length: 2",
    ]


@pytest.mark.parametrize(
    ("verb", "body", "said"),
    [
        ("GET", b"", False),
        ("DELETE", b"", False),
        ("DELETE", b"{}", True),
        ("POST", b"", True),
        ("PUT", b"", True),
        ("PATCH", b"{}", True),
    ],
)
def test_a_length_is_told_where_there_may_be_a_body(verb: str, body: bytes, said: bool) -> None:
    assert (f"content-length: {len(body)}" in head(verb=verb, body=body)) is said
    assert any("content-length" in line for line in head(verb=verb, body=body)) is said


def test_each_request_says_its_own_token_verb_address_and_length() -> None:
    """Heads are kept, and none may serve for a request that differs in anything."""
    asked = [
        ("POST", URL, "old", b"{}"),
        ("POST", URL, "new", b"{}"),
        ("POST", URL, "old", b"[1]"),
        ("PATCH", URL, "old", b"{}"),
        ("POST", f"{URL}/1", "old", b"{}"),
    ]
    for verb, url, token, body in [*asked, *asked]:
        lines = head(url, {"authorization": f"Bearer {token}"}, verb, body)
        assert lines[0] == f"{verb} {url.removeprefix('https://a.example')} HTTP/1.1"
        assert lines[-2:] == [f"authorization: Bearer {token}", f"content-length: {len(body)}"]


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("", "/"),
        ("/", "/"),
        ("?a=b", "/?a=b"),
        ("/x?", "/x?"),
        ("/x#part", "/x"),
        ("/x?a#part?b", "/x?a"),
        ("/a/../b//c/./d", "/a/../b//c/./d"),
        ("/k%2Fey/a%20b?s=A%2F2026&t=%3D%3d&u=~+'\"{}|", "/k%2Fey/a%20b?s=A%2F2026&t=%3D%3d&u=~+'\"{}|"),
        ("/a?u=https://b.example/c", "/a?u=https://b.example/c"),
    ],
)
def test_an_address_is_sent_as_it_stands(address: str, target: str) -> None:
    assert head(f"https://a.example{address}")[0] == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize(
    ("url", "place", "host"),
    [
        ("https://a.example/", Place(True, "a.example", 443), "a.example"),
        ("https://A.Example:443/", Place(True, "a.example", 443), "a.example"),
        ("http://a.example/", Place(False, "a.example", 80), "a.example"),
        ("http://a.example:443/", Place(False, "a.example", 443), "a.example:443"),
        ("http://[::1]:8080/x", Place(False, "::1", 8080), "[::1]:8080"),
        ("https://[2001:DB8::1]/", Place(True, "2001:db8::1", 443), "[2001:db8::1]"),
    ],
)
def test_an_address_names_a_place_and_a_host(url: str, place: Place, host: str) -> None:
    found, written = request_head(Outgoing("GET", url, {}))
    assert found == place
    assert f"\r\nhost: {host}\r\n".encode() in written


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/p",
        "a.example/p",
        "ftp://a.example/p",
        "https:///p",
        "https://a.example:port/p",
        "https://a.example:99999/p",
        "https://[::1/p",
        "https://user@a.example/p",
        "https://user:secret@a.example/p",
        "https://a.example/a b",
        "https://a.example/a\tb",
        "https://a.example/a\nb",
        "https://a.example/p HTTP/1.1\r\nx-forged: y",
        "https://a.example/p\r\n\r\nGET /forged",
        "https://a.example\r\nx: y/p",
        " https://a.example/p",
        "https://a.example/p\n",
        "https://a.example/\0",
        "https://a.example/\x7f",
        "https://a.example/\u0130",
        "https://a.exampl\u00e9/",
    ],
)
def test_an_address_that_could_forge_a_request_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(Unsendable):
        head(url)


@pytest.mark.parametrize(
    "bad", ["\r\nx-forged: y", "\n", "\r", "a\r\n\r\nGET / HTTP/1.1", "\0", "\u2028", "\u010d\u010a", "\x85"]
)
@pytest.mark.parametrize("where", ["name", "value"])
def test_a_header_that_could_end_its_line_is_refused(bad: str, where: str) -> None:
    with pytest.raises(Unsendable):
        head(headers={f"x{bad}": "y"} if where == "name" else {"x": f"y{bad}"})


@pytest.mark.parametrize("name", ["", " x", "x ", "x:", "x y", "(x)", "caf\u00e9"])
def test_a_header_without_a_sound_name_is_refused(name: str) -> None:
    with pytest.raises(Unsendable):
        head(headers={name: "y"})


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "host", "Connection", "accept-encoding"])
def test_what_frames_the_request_is_said_once_and_here(name: str) -> None:
    with pytest.raises(Unsendable):
        head(headers={name: "0"}, verb="POST", body=b"{}")


@pytest.mark.parametrize("verb", ["HEAD", "CONNECT", "OPTIONS", "get", "GET / HTTP/1.1\r\nx: y\r\n\r\nPOST", ""])
def test_a_verb_whose_answer_could_not_be_read_is_refused(verb: str) -> None:
    with pytest.raises(Unsendable):
        head(verb=verb)
