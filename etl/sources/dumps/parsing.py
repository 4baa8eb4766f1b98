"""What the statements of all dialects share: names, lists in parentheses, and the one exception for what is not so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.literals import name_of
from etl.sources.dumps.tokens import MYSQL, NAME, OPEN, WORD, Token

_DEFAULT_SCHEMAS = {"dbo", "public"}

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
    token = lexer.peek()
    if token is None or token.kind not in (NAME, WORD):
        raise Unexpected(token)
    lexer.take()
    return name_of(token.text)


def take_table(lexer: Lexer, dialect: str) -> str:
    """A table's name: with its schema only where that is not the default one. Raises Unexpected."""
    parts = [take_name(lexer)]
    while lexer.took_mark(b"."):
        parts.append(take_name(lexer))
    schema = parts[-2] if len(parts) > 1 else "dbo"
    return parts[-1] if schema.lower() in _DEFAULT_SCHEMAS or dialect == MYSQL else f"{schema}.{parts[-1]}"


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
