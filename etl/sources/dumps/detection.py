"""What a dump says of itself in its first and last lines: its dialect, its encoding, and whether it is whole.

As with CSV nothing is guessed: signs of exactly one dialect must be there, or the dialect is declared.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from etl.core.errors import SettingsError, SourceUnreadable
from etl.sources.dumps.tokens import DIALECTS, MYSQL, POSTGRES, TSQL
from etl.sources.encoding import proved_encoding

_HEAD_BYTES = 1 << 16
_TAIL_BYTES = 1 << 12
_SIGNS = {
    TSQL: re.compile(
        r"^GO\s*$|^SET (?:ANSI_NULLS|QUOTED_IDENTIFIER|IDENTITY_INSERT)\b|\[dbo\]\.\[|^USE \[", re.MULTILINE
    ),
    MYSQL: re.compile(r"^-- (?:MySQL|MariaDB) dump|^/\*!\d{5} |^(?:INSERT INTO|CREATE TABLE) `|ENGINE=", re.MULTILINE),
    POSTGRES: re.compile(
        r"^-- PostgreSQL database dump|^COPY .+ FROM stdin;|^SET (?:client_encoding|standard_conforming_strings)\b"
        r"|^SELECT pg_catalog\.",
        re.MULTILINE,
    ),
}
_DECLARED = re.compile(r"^(?:/\*!\d{5} )?SET (?:NAMES |client_encoding = ')(?P<name>\w+)", re.MULTILINE | re.IGNORECASE)
_ENCODINGS = {
    "utf8": "utf-8", "utf8mb3": "utf-8", "utf8mb4": "utf-8", "latin1": "cp1252", "win1252": "cp1252",
    "win1250": "cp1250", "latin9": "iso8859-15", "ascii": "ascii",
}  # fmt: skip
_BEGINS = re.compile(r"^-- (?:(?:MySQL|MariaDB) dump|PostgreSQL database dump$)", re.MULTILINE)
_ENDS = re.compile(r"^-- (?:Dump completed|PostgreSQL database dump complete)", re.MULTILINE)


def check_dialect(dialect: str) -> str:
    """The dialect again. Raises SettingsError."""
    if dialect not in DIALECTS:
        raise SettingsError("There is no such dialect of dumps.", hint=f"Use one of {', '.join(DIALECTS)}.")
    return dialect


def declared_encoding(stream: BinaryIO, place: str) -> str:
    """The encoding by the dump's mark, by its own words, or as proved. Raises SourceUnreadable.

    ``latin1`` means two things: MariaDB's is cp1252, PostgreSQL's is ISO 8859-1.
    """
    head = _head(stream, "latin-1")
    stream.seek(0)
    if head.startswith(("\xef\xbb\xbf", "\xff\xfe", "\xfe\xff")):
        return proved_encoding(stream, place)
    found = _DECLARED.search(head)
    name = found["name"].lower() if found else ""
    if name == "latin1" and found and "client_encoding" in found[0].lower():
        return "latin-1"
    return _ENCODINGS.get(name) or proved_encoding(stream, place)


def proved_dialect(stream: BinaryIO, encoding: str, place: str) -> str:
    """The one dialect that the dump shows signs of. Raises SourceUnreadable."""
    head = _head(stream, encoding).replace("\r\n", "\n")
    found = [dialect for dialect, signs in _SIGNS.items() if signs.search(head)]
    if len(found) == 1:
        return found[0]
    doubt = f"may be of {' or '.join(found)}" if found else "shows no signs of its dialect"
    raise SourceUnreadable(f"{place} {doubt}.", hint=f"Declare it: `dialect:` {', '.join(DIALECTS)}.")


def is_cut_off(stream: BinaryIO, encoding: str) -> bool:
    """Whether a dump that begins with its program's words lacks the words at its end."""
    if not _BEGINS.search(_head(stream, encoding).replace("\r\n", "\n")):
        return False
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _TAIL_BYTES))
    return not _ENDS.search(stream.read().decode(encoding, "replace"))


def _head(stream: BinaryIO, encoding: str) -> str:
    stream.seek(0)
    return stream.read(_HEAD_BYTES).decode(encoding, "replace").removeprefix("\ufeff")
