"""What the statements of all dialects share: names, lists in parentheses, and the one exception for what is not so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.literals import name_of
from etl.sources.dumps.table_names import TableName, table_name
from etl.sources.dumps.tokens import OPEN, Token

Item = TypeVar("Item")


class Unexpected(Exception):
    """The script is not what it should be at this token (None: it ends here); never leaves this package."""

    def __init__(self, token: Token | None) -> None:
        super().__init__("unexpected token")
        self.token = token


def expect_mark(lexer: Lexer, mark: bytes) -> None:
    """Takes this character. Raises Unexpected."""
    if not lexer.took_mark(mark):
        raise Unexpected(lexer.peek())


def expect_word(lexer: Lexer, *words: bytes) -> None:
    """Takes one of these words. Raises Unexpected."""
    if not lexer.took_word(*words):
        raise Unexpected(lexer.peek())


def take_name(lexer: Lexer) -> str:
    """One name, quoted or not. Raises Unexpected."""
    return name_of(_taken_part(lexer).text)


def take_table(lexer: Lexer) -> TableName:
    """The table that a name means, which comes next. Raises Unexpected."""
    parts: list[Token | None] = [_taken_part(lexer)]
    while lexer.took_mark(b"."):
        parts.append(None if _is_mark(lexer.peek(), b".") else _taken_part(lexer))
    return table_name(parts, lexer.settings)


def _taken_part(lexer: Lexer) -> Token:
    token = lexer.peek()
    if token is None or not token.is_name:
        raise Unexpected(token)
    lexer.take()
    return token


def _is_mark(token: Token | None, mark: bytes) -> bool:
    return token is not None and token.is_mark(mark)


def take_list(lexer: Lexer, item: Callable[[], Item]) -> tuple[Item, ...]:
    """What stands in parentheses, parted by commas. Raises Unexpected."""
    expect_mark(lexer, b"(")
    items = [item()]
    while lexer.took_mark(b","):
        items.append(item())
    expect_mark(lexer, b")")
    return tuple(items)


def take_enclosed(lexer: Lexer) -> list[Token]:
    """The tokens of balanced parentheses, which come next, without the outer pair. Raises Unexpected."""
    expect_mark(lexer, b"(")
    tokens: list[Token] = []
    depth = 1
    while True:
        token = lexer.peek()
        if token is None or token.kind == OPEN:
            raise Unexpected(token)
        depth += token.is_mark(b"(") - token.is_mark(b")")
        lexer.take()
        if not depth:
            return tokens
        tokens.append(token)
