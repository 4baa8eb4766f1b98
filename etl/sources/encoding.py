"""Bytes to text, first thing on the line: which encoding a file has, and text in which misfits stay visible.

Nothing is guessed. An encoding is declared, proved by a byte order mark or proved by strict UTF-8; else the file is
refused with the place of the first misfit. Bytes outside a known encoding become :data:`MISFIT`, a lone surrogate that
no valid text holds, so that exactly the rows concerned can be set aside.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from etl.core.errors import SettingsError, SourceUnreadable
from etl.core.ports import Utf8Lines

BLOCK_BYTES = 1 << 20
MISFIT = "\udcff"
MISFITS = "etl.misfits"
"""Name of the error handler that turns misfits into :data:`MISFIT`."""

_CANDIDATES = ("cp1252", "latin-1", "mac_roman", "cp437")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FORMS = (
    (b"\x1f\x8b", "a gzip file", "Unpack it."),
    (b"PK\x03\x04", "a zip or a workbook", "Unpack it, or declare it with `zip:` or `excel:`."),
    (b"\xd0\xcf\x11\xe0", "an old workbook or document", "Save it as text, or declare it with `excel:`."),
    (b"%PDF", "a PDF", "Export the data as text."),
    (b"SQLite format 3\0", "an SQLite database", "Declare it with `sql:`."),
    (b"PAR1", "a Parquet file", "Declare it with `parquet:`."),
)
"""Files that somebody gave a text file's name, by their first bytes: what they are and what to do."""
_C1_CONTROL = re.compile("[\x80-\x9f]")

codecs.register_error(MISFITS, lambda error: (MISFIT, error.end) if isinstance(error, UnicodeDecodeError) else ("", 0))


def check_encoding(name: str) -> str:
    """The name again if it is a text encoding. Raises SettingsError."""
    try:
        "a".encode(name)
    except (LookupError, UnicodeError):
        hint = "Use a name such as utf-8, cp1252, latin-1, mac_roman or utf-16."
        raise SettingsError(f"There is no text encoding named {name!r}.", hint=hint) from None
    return name


def proved_encoding(stream: BinaryIO, place: str) -> str:
    """The encoding that the bytes prove (byte order mark, then strict UTF-8). Reads the whole stream.

    Raises SourceUnreadable that names the first misfit and the encodings that are possible there.
    """
    start = stream.read(16)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    for first, form, hint in _OTHER_FORMS:
        if start.startswith(first):
            raise SourceUnreadable(f"{place} is no text but {form}.", hint=hint)
    _refuse_wide(stream, place)
    offset = first_misfit(stream, "utf-8")
    if offset is not None:
        raise _undeclared(place, offset, _candidates(stream, offset))
    return "utf-8"


def first_misfit(stream: BinaryIO, encoding: str) -> int | None:
    """Offset of the first byte that does not fit, None if all fit. Reads from the start."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0
    while True:
        block = stream.read(BLOCK_BYTES)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return read - pending + error.start
        if not block:
            return None
        read += len(block)


def doubted(stream: BinaryIO, encoding: str) -> Utf8Lines | None:
    """What speaks against a declared one-byte encoding: that the whole file is UTF-8, with characters beyond ASCII.

    In a one-byte encoding each such character is two or more wrong ones, and no byte is a misfit that would tell. None
    where nothing speaks against it. Reads from the start, mostly to the first letter with an accent.
    """
    if len("é".encode().decode(encoding, "replace")) == 1:
        return None
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    count = first = 0
    line, marked = 1, 0
    while True:
        block = stream.read(BLOCK_BYTES)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            return None
        for here in _lines_beyond_ascii(text, line):
            count += here != marked
            first = first or here
            marked = here
        line += text.count("\n")
        if not block:
            return Utf8Lines(count, first) if count else None


def _lines_beyond_ascii(text: str, line: int) -> Iterator[int]:
    """The numbers of the lines of a text that are not all ASCII, where its first is ``line``."""
    if not text.isascii():
        yield from (number for number, each in enumerate(text.split("\n"), line) if not each.isascii())


def text_blocks(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The text as UTF-8 without its byte order mark; misfits are encoded lone surrogates.

    Blocks are never empty and never end inside a character.
    """
    decoder = codecs.getincrementaldecoder(encoding)(MISFITS)
    at_start = True
    for text in _decoded(blocks, decoder):
        body = text.removeprefix("\ufeff") if at_start else text
        at_start = False
        if body:
            yield body.encode("utf-8", "surrogatepass")


def _decoded(blocks: Iterator[bytes], decoder: codecs.IncrementalDecoder) -> Iterator[str]:
    for block in blocks:
        if text := decoder.decode(block):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def _undeclared(place: str, offset: int, candidates: list[str]) -> SourceUnreadable:
    hint = f"Declare it: `encoding: ...`; possible there: {', '.join(candidates)}."
    return SourceUnreadable(f"{place} has no declared encoding and is not UTF-8 at byte offset {offset}.", hint=hint)


def _candidates(stream: BinaryIO, offset: int) -> list[str]:
    """Encodings that read the bytes after the misfit without leaving control characters."""
    stream.seek(offset)
    sample = stream.read(BLOCK_BYTES)
    return [name for name in _CANDIDATES if _reads(sample, name)]


def _reads(sample: bytes, encoding: str) -> bool:
    try:
        return not _C1_CONTROL.search(sample.decode(encoding))
    except UnicodeDecodeError:
        return False


def _refuse_wide(stream: BinaryIO, place: str) -> None:
    """UTF-16 or UTF-32 without its mark may be valid UTF-8 full of NUL; so many mean that, or no text at all."""
    stream.seek(0)
    sample = stream.read(BLOCK_BYTES)
    if sample.count(0) * 4 <= len(sample):
        return
    offset = sample.index(0)
    if b"\0" * 4 in sample:
        hint = "Export it again: a disk, a disk's repair or a broken copy left them."
        raise SourceUnreadable(f"{place} holds runs of NUL, the first at byte offset {offset}.", hint=hint)
    width = "32" if b"\0\0\0" in sample else "16"
    hint = f"Declare it: `encoding: utf-{width}-le` or `utf-{width}-be`."
    raise SourceUnreadable(f"{place} looks like UTF-{width} without a mark (NUL at byte offset {offset}).", hint=hint)
