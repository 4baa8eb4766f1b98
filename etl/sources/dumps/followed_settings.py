"""Keeps a lexer's settings up with the script: statements, comments that MySQL executes, lines between stored code.

Everything here answers whether what was met could be followed; the caller ends the reading where it could not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.set_statements import NotFollowedError, after_statement
from etl.sources.dumps.tokens import Token

_AROUND_EXECUTED = re.compile(rb"^/\*M?!\d*|\*/$")
_SETS = re.compile(rb"\s*+SET\s", re.IGNORECASE)
_SQL_MODE = re.compile(rb"\bsql_mode\b", re.IGNORECASE)


def follow(lexer: Lexer, tokens: Sequence[Token]) -> bool:
    """Follows a statement that was taken, whatever it is about."""
    try:
        settings = after_statement(tokens, lexer.settings)
    except NotFollowedError:
        return False
    if settings != lexer.settings:
        lexer.settings = settings
    return True


def follow_executed(lexer: Lexer, comment: bytes) -> bool:
    """Follows a comment that MySQL executes: a whole statement, or a piece of one, which must not be about SQL_MODE."""
    body = _AROUND_EXECUTED.sub(b"", comment.strip())
    return _follow_text(lexer, body) if _SETS.match(body) else not _SQL_MODE.search(body)


def follow_between(lexer: Lexer, pieces: Sequence[bytes]) -> bool:
    """Follows what is set between stored code, whose statements end in a mark of their own; code itself sets nothing."""
    bodies = [_AROUND_EXECUTED.sub(b"", piece.strip()) for piece in pieces]
    return all(_follow_text(lexer, body) for body in bodies if _SETS.match(body))


def _follow_text(lexer: Lexer, text: bytes) -> bool:
    inner = Lexer(iter([text]), lexer.settings)
    tokens = list(iter(inner.take, None))
    return follow(lexer, [each for each in tokens if not each.is_mark(b";")])
