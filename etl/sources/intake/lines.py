"""The bytes of a file line by line: which lines are UTF-8, which are not, which are damaged, and where.

Blocks of plain ASCII are counted as blocks. Only lines that hold a byte beyond ASCII, or a control character, are looked
at one by one in Python.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from etl.core.intake import Place
from etl.sources.csv_blocks import whole_lines
from etl.sources.encoding import BLOCK_BYTES, text_blocks

PLACES = 5
"""How many of the first places are kept."""

_WEIGHED_LINES = 10_000
_HIGH = re.compile(rb"[\x80-\xff]")
_NUL = re.compile(rb"\0")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x19\x1b-\x1f\x7f]")
_END = re.compile(rb"[\r\n]")
_CONTROL_BYTES = bytes(code for code in range(32) if code not in b"\t\n\r\x1a") + b"\x7f"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_END_OF_FILE = b"\x1a"


@dataclass(slots=True)
class Tallied:
    """Lines of one sort: how many, and the first places."""

    count: int = 0
    places: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class LineFacts:
    """What a pass over the bytes shows. ``contexts`` counts the bytes beyond ASCII of lines that are not UTF-8, each
    between its neighbours (b"." at a line's edge); of many such lines the first are counted.

    ``mark`` is the encoding of the byte order mark, "" without one; ``wide`` the encoding of two or four bytes that the
    file has or seems to have, "" for all others.
    """

    mark: str = ""
    wide: str = ""
    lines: int = 0
    utf8: Tallied = field(default_factory=Tallied)
    other: Tallied = field(default_factory=Tallied)
    nul: Tallied = field(default_factory=Tallied)
    control: Tallied = field(default_factory=Tallied)
    contexts: Counter[bytes] = field(default_factory=Counter)
    line_ends: Counter[str] = field(default_factory=Counter)
    ends_open: bool = False
    has_end_mark: bool = False


def line_facts(stream: BinaryIO) -> LineFacts:
    """The facts of a file, in one pass and bounded memory. Offsets of wide encodings are not known."""
    stream.seek(0)
    start = stream.read(BLOCK_BYTES)
    facts = LineFacts(mark=_mark(start))
    facts.wide = facts.mark if facts.mark not in ("", "utf-8") else _seems_wide(start)
    stream.seek(0)
    blocks = iter(lambda: stream.read(BLOCK_BYTES), b"")
    _scan(facts, text_blocks(blocks, facts.wide) if facts.wide else blocks)
    return facts


def offsets_of(stream: BinaryIO, wanted: Iterable[int]) -> dict[int, int]:
    """The byte offsets at which physical lines begin."""
    left = sorted(set(wanted), reverse=True)
    stream.seek(0)
    found: dict[int, int] = {}
    line, offset = 1, 0
    for chunk, _ in whole_lines(iter(lambda: stream.read(BLOCK_BYTES), b"")):
        after = line + _count_ends(chunk).total()
        while left and left[-1] < after + (1 if not chunk.endswith((b"\n", b"\r")) else 0):
            number = left.pop()
            found[number] = offset + _start_of(chunk, number - line)
        if not left:
            break
        line, offset = after, offset + len(chunk)
    return found


def _start_of(chunk: bytes, skipped: int) -> int:
    """Where the line begins before which so many lines stand."""
    position = 0
    for _ in range(skipped):
        end = _END.search(chunk, position)
        position = _after(chunk, end.start()) if end else len(chunk)
    return position


def _after(chunk: bytes, end: int) -> int:
    return end + (2 if chunk.startswith(b"\r\n", end) else 1)


def _mark(start: bytes) -> str:
    return next((name for mark, name in _MARKS if start.startswith(mark)), "")


def _seems_wide(start: bytes) -> str:
    """UTF-16 without its mark: every second byte of plain text is NUL, always on the same side."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if (even + odd) * 4 <= len(start):
        return ""
    if odd * 4 > len(start) and even * 16 < odd:
        return "utf-16-le"
    return "utf-16-be" if even * 4 > len(start) and odd * 16 < even else ""


def _scan(facts: LineFacts, blocks: Iterator[bytes]) -> None:
    offset, last = 0, b""
    for chunk, _ in whole_lines(blocks):
        _scan_chunk(facts, chunk, offset)
        offset += len(chunk)
        last = chunk[-2:]
    facts.has_end_mark = last.endswith(_END_OF_FILE)
    facts.ends_open = bool(last) and not last.endswith((b"\n", b"\r", _END_OF_FILE))
    facts.lines += facts.ends_open


def _scan_chunk(facts: LineFacts, chunk: bytes, offset: int) -> None:
    place = _Places(chunk, facts.lines + 1, None if facts.wide else offset)
    if not chunk.isascii():
        for start, end in _lines_with(_HIGH, chunk):
            _judge(facts, chunk[start:end], place, start)
    if len(chunk.translate(None, _CONTROL_BYTES)) != len(chunk):
        for start, _ in _lines_with(_NUL, chunk):
            place.add(facts.nul, start)
        for start, _ in _lines_with(_CONTROL, chunk):
            place.add(facts.control, start)
    ends = _count_ends(chunk)
    facts.line_ends += ends
    facts.lines += ends.total()


def _judge(facts: LineFacts, line: bytes, place: _Places, start: int) -> None:
    """A line beyond ASCII is UTF-8 or not; a misfit of a wide encoding counts as not."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        place.add(facts.other, start)
        if facts.other.count <= _WEIGHED_LINES:
            facts.contexts.update(_contexts(line))
    else:
        place.add(facts.utf8, start)


def _contexts(line: bytes) -> Iterator[bytes]:
    framed = b"." + line + b"."
    return (framed[found.start() - 1 : found.start() + 2] for found in _HIGH.finditer(framed))


def _lines_with(pattern: re.Pattern[bytes], chunk: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each line in which the pattern is found."""
    end = 0
    while found := pattern.search(chunk, end):
        start = max(chunk.rfind(b"\n", end, found.start()), chunk.rfind(b"\r", end, found.start()), end - 1) + 1
        stop = _END.search(chunk, found.end())
        end = stop.start() if stop else len(chunk)
        yield start, end


def _count_ends(chunk: bytes) -> Counter[str]:
    both = chunk.count(b"\r\n")
    return Counter({"CR LF": both, "LF": chunk.count(b"\n") - both, "CR": chunk.count(b"\r") - both})


class _Places:
    """Places inside one chunk, told only while they are asked for."""

    def __init__(self, chunk: bytes, first_line: int, offset: int | None) -> None:
        self._chunk = chunk
        self._first_line = first_line
        self._offset = offset

    def add(self, tallied: Tallied, start: int) -> None:
        """Counts a line that starts here and keeps its place if it is one of the first."""
        tallied.count += 1
        if len(tallied.places) < PLACES:
            line = self._first_line + _count_ends(self._chunk[:start]).total()
            tallied.places.append(Place(None, line, None if self._offset is None else self._offset + start))
