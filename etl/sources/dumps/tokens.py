"""What scripts are made of: one regular expression for each dialect and meaning of its quotes, over the script as UTF-8.

Everything that tells where a token ends is ASCII, so text is never decoded to find it. An opening quote or comment whose
end is not there matches as ``open``: the lexer then looks further, or calls it broken.
"""

from __future__ import annotations

import re
from functools import cache
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


class Quoting(NamedTuple):
    """What quotes mean in a dialect, as far as a script may change it by its own settings."""

    dialect: str
    has_quoted_names: bool
    """Whether double quotes enclose a name; a text otherwise."""
    has_escapes: bool
    """Whether a backslash in plain text changes what follows it; a character like others otherwise."""


INITIAL: Final = {
    TSQL: Quoting(TSQL, has_quoted_names=True, has_escapes=False),
    MYSQL: Quoting(MYSQL, has_quoted_names=False, has_escapes=True),
    POSTGRES: Quoting(POSTGRES, has_quoted_names=True, has_escapes=False),
}
"""What quotes mean where a script says nothing."""


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

    @property
    def is_name(self) -> bool:
        """Whether it may be a name; where one must stand, double quotes can enclose nothing else."""
        return self.kind in (NAME, WORD) or (self.kind == STRING and self.text[:1] == b'"')

    def is_mark(self, mark: bytes) -> bool:
        """Whether it is this character."""
        return self.kind == MARK and self.text == mark


_DOUBLED = rb"'[^']*+(?:''[^']*+)*+'"
_ESCAPED = rb"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_IN_QUOTES = rb'"[^"]*+(?:""[^"]*+)*+"'
_ESCAPED_IN_QUOTES = rb'"[^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+"'
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
        BINARY: rb"0[xX][0-9a-fA-F]*+",
        COMMENT: rb"--[^\n]*+|" + _NESTED_BLOCK,
        OPEN: rb"/\*|[nN]?'|\"|\[",
    },
    MYSQL: {
        BINARY: rb"0[xX][0-9a-fA-F]*+|[xXbB]'[0-9a-fA-F]*+'|_binary\s*+(?:%b)",
        COMMENT: rb"--(?=\s)[^\n]*+|\#[^\n]*+|" + _BLOCK,
        OPEN: rb"/\*|(?:_\w++\s*+|[nNxXbB])?'|\"|`",
    },
    POSTGRES: {
        BINARY: rb"[bBxX]'[0-9a-fA-F]*+'",
        COMMENT: rb"--[^\n]*+|" + _NESTED_BLOCK,
        OPEN: rb"/\*|[eEbBxX]?'|\"|\$(?:[A-Za-z_]\w*+)?\$",
    },
}
_NAMES = {TSQL: rb"\[[^\]]*+(?:\]\][^\]]*+)*+\]", MYSQL: rb"`[^`]*+(?:``[^`]*+)*+`", POSTGRES: rb"(?!)"}
_STRINGS = {
    TSQL: rb"[nN]?(?:%b)",
    MYSQL: rb"(?:_(?!binary)\w++\s*+|[nN])?(?:%b)",
    POSTGRES: rb"[eE]" + _ESCAPED + rb"|%b|\$(?P<tag>(?:[A-Za-z_]\w*+)?)\$.*?\$(?P=tag)\$",
}
_ORDER = (SPACE, BINARY, STRING, NAME, COMMENT, NUMBER, OPEN, WORD, MARK)


@cache
def pattern_of(quoting: Quoting) -> re.Pattern[bytes]:
    """The expression that matches one token; the name of its group is the token's kind.

    >>> pattern_of(INITIAL[TSQL]).match(b"N'O''Brien', 2").lastgroup
    'string'
    """
    parts = _COMMON | _DIALECTS[quoting.dialect]
    texts = [_plain_string(quoting)]
    names = [_NAMES[quoting.dialect]]
    if quoting.has_quoted_names:
        names.append(_IN_QUOTES)
    else:
        texts.append(_ESCAPED_IN_QUOTES if quoting.has_escapes else _IN_QUOTES)
        parts[OPEN] += rb"|_\w++\s*+\"" if quoting.dialect == MYSQL else b""
    parts[NAME] = b"|".join(names)
    parts[STRING] = _STRINGS[quoting.dialect] % b"|".join(texts)
    if quoting.dialect == MYSQL:
        parts[BINARY] %= b"|".join(texts)
    return re.compile(b"|".join(b"(?P<%b>%b)" % (kind.encode(), parts[kind]) for kind in _ORDER), re.DOTALL)


_CONSTANT = rb"(?i:NULL|TRUE|FALSE)(?![\w@\#$])"


@cache
def row_pattern(quoting: Quoting) -> re.Pattern[bytes]:
    """Matches a whole row of plain literals, which nearly all rows are; group 1 is the row in its parentheses."""
    cell = _plain_cell(quoting, b"(?:%b)", b"%b")
    return re.compile(rb"\s*+(\(\s*+%b\s*+(?:,\s*+%b\s*+)*+\))" % (cell, cell), re.DOTALL)


@cache
def cell_pattern(quoting: Quoting) -> re.Pattern[bytes]:
    """Matches the cells of such a row one after the other: (literal, literal that is cast, type it is cast to)."""
    return re.compile(rb"\s*+(?:%b)\s*+[,)]" % _plain_cell(quoting, b"(%b)", b"(%b)"), re.DOTALL)


def _plain_string(quoting: Quoting) -> bytes:
    """A text in single quotes, without anything before it."""
    return _ESCAPED if quoting.has_escapes else _DOUBLED


def _plain_cell(quoting: Quoting, literal: bytes, type_name: bytes) -> bytes:
    marked = rb"[nN]?" if quoting.dialect == TSQL else b""
    plain = rb"|".join([marked + _plain_string(quoting), _COMMON[NUMBER], _CONSTANT])
    if quoting.dialect != TSQL:
        return rb"(?:%b)" % (literal % plain)
    length = rb"(?:\s*+\(\s*+[0-9]++\s*+(?:,\s*+[0-9]++\s*+)?\))?"
    named = rb"\[?%b\]?" % (type_name % rb"[A-Za-z][A-Za-z0-9]*+")
    cast = rb"(?i:CAST)\s*+\(\s*+%b\s++(?i:AS)\s++%b%b\s*+\)" % (literal % plain, named, length)
    return rb"(?:%b|%b)" % (literal % plain, cast)
