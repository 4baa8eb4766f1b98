"""What the scripts of each dialect are made of: one regular expression a dialect, over the script as UTF-8 bytes.

Everything that tells where a token ends is ASCII, so text is never decoded to find it. An opening quote or comment whose
end is not there matches as ``open``: the lexer then looks further, or calls it broken.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SPACE: Final = "space"
COMMENT: Final = "comment"
STRING: Final = "string"
BINARY: Final = "binary"
NAME: Final = "name"
NUMBER: Final = "number"
WORD: Final = "word"
MARK: Final = "mark"
OPEN: Final = "open"

TSQL: Final = "tsql"
MYSQL: Final = "mysql"
POSTGRES: Final = "postgres"
DIALECTS: Final = (TSQL, MYSQL, POSTGRES)


class Token(NamedTuple):
    """A piece of the script; ``starts_line`` says that only blanks stand before it on its line."""

    kind: str
    text: bytes
    line: int
    starts_line: bool
    start: int
    end: int

    def is_word(self, *words: bytes) -> bool:
        """Whether it is one of these (upper-case) words, however spelt, and not quoted."""
        return self.kind == WORD and self.text.upper() in words

    def is_mark(self, mark: bytes) -> bool:
        """Whether it is this character."""
        return self.kind == MARK and self.text == mark


_DOUBLED = rb"'[^']*+(?:''[^']*+)*+'"
_ESCAPED = rb"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_IN_QUOTES = rb'"[^"]*+(?:""[^"]*+)*+"'
_BLOCK = rb"/\*(?:[^*]|\*(?!/))*+\*/"
_NESTED_BLOCK = rb"/\*(?:[^*/]++|\*(?!/)|/(?!\*))*+\*/"
for _ in range(8):  # comments in comments; deeper ones count as never closed
    _NESTED_BLOCK = rb"/\*(?:[^*/]++|\*(?!/)|/(?!\*)|%b)*+\*/" % _NESTED_BLOCK
_COMMON = {
    SPACE: rb"\s++",
    NUMBER: rb"[-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?(?![\w@\#$])",
    WORD: rb"[\w@\#$\x80-\xff]++",
    MARK: rb"[^\w\s]",
}
_DIALECTS = {
    TSQL: {
        STRING: rb"[nN]?" + _DOUBLED,
        NAME: rb"\[[^\]]*+(?:\]\][^\]]*+)*+\]|" + _IN_QUOTES,
        BINARY: rb"0[xX][0-9a-fA-F]*+",
        COMMENT: rb"--[^\n]*+|" + _NESTED_BLOCK,
        OPEN: rb"/\*|[nN]?'|\"|\[",
    },
    MYSQL: {
        STRING: rb"(?:_(?!binary)\w++\s*+|[nN])?" + _ESCAPED,
        NAME: rb"`[^`]*+(?:``[^`]*+)*+`|" + _IN_QUOTES,
        BINARY: rb"0[xX][0-9a-fA-F]*+|[xXbB]'[0-9a-fA-F]*+'|_binary\s*+" + _ESCAPED,
        COMMENT: rb"--(?=\s)[^\n]*+|\#[^\n]*+|" + _BLOCK,
        OPEN: rb"/\*|(?:_\w++\s*+|[nNxXbB])?'|\"|`",
    },
    POSTGRES: {
        STRING: rb"[eE]" + _ESCAPED + rb"|" + _DOUBLED + rb"|\$(?P<tag>(?:[A-Za-z_]\w*+)?)\$.*?\$(?P=tag)\$",
        NAME: _IN_QUOTES,
        BINARY: rb"[bBxX]'[0-9a-fA-F]*+'",
        COMMENT: rb"--[^\n]*+|" + _NESTED_BLOCK,
        OPEN: rb"/\*|[eEbBxX]?'|\"|\$(?:[A-Za-z_]\w*+)?\$",
    },
}
_ORDER = (SPACE, BINARY, STRING, NAME, COMMENT, NUMBER, OPEN, WORD, MARK)


def pattern_of(dialect: str) -> re.Pattern[bytes]:
    """The expression that matches one token; the name of its group is the token's kind.

    >>> pattern_of(TSQL).match(b"N'O''Brien', 2").lastgroup
    'string'
    """
    parts = _COMMON | _DIALECTS[dialect]
    return re.compile(b"|".join(b"(?P<%b>%b)" % (kind.encode(), parts[kind]) for kind in _ORDER), re.DOTALL)


_CONSTANT = rb"(?i:NULL|TRUE|FALSE)(?![\w@\#$])"
_PLAIN_STRINGS = {TSQL: rb"[nN]?" + _DOUBLED, MYSQL: _ESCAPED, POSTGRES: _DOUBLED}


def row_pattern(dialect: str) -> re.Pattern[bytes]:
    """Matches a whole row of plain literals, which nearly all rows are; group 1 is the row in its parentheses."""
    cell = _plain_cell(dialect, b"(?:%b)", b"%b")
    return re.compile(rb"\s*+(\(\s*+%b\s*+(?:,\s*+%b\s*+)*+\))" % (cell, cell), re.DOTALL)


def cell_pattern(dialect: str) -> re.Pattern[bytes]:
    """Matches the cells of such a row one after the other: (literal, literal that is cast, type it is cast to)."""
    return re.compile(rb"\s*+(?:%b)\s*+[,)]" % _plain_cell(dialect, b"(%b)", b"(%b)"), re.DOTALL)


def _plain_cell(dialect: str, literal: bytes, type_name: bytes) -> bytes:
    plain = rb"|".join([_PLAIN_STRINGS[dialect], _COMMON[NUMBER], _CONSTANT])
    if dialect != TSQL:
        return rb"(?:%b)" % (literal % plain)
    length = rb"(?:\s*+\(\s*+[0-9]++\s*+(?:,\s*+[0-9]++\s*+)?\))?"
    named = rb"\[?%b\]?" % (type_name % rb"[A-Za-z][A-Za-z0-9]*+")
    cast = rb"(?i:CAST)\s*+\(\s*+%b\s++(?i:AS)\s++%b%b\s*+\)" % (literal % plain, named, length)
    return rb"(?:%b|%b)" % (literal % plain, cast)
