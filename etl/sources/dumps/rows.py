"""Reads the rows of INSERT and COPY: literals become values, and what is no literal is damage of its row.

A statement that is broken costs the row it stands in and goes on with the next one that is seen to start; what a quote
that was never closed may have swallowed is damage line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from etl.sources.dialect import LONGEST_ROW
from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.literals import bytes_of, cast, copied, decoded, number_of, string_of
from etl.sources.dumps.parsing import (
    Unexpected,
    expect_mark,
    expect_word,
    take_enclosed,
    take_list,
    take_name,
    take_table,
)
from etl.sources.dumps.settings import Settings
from etl.sources.dumps.table_names import TableName
from etl.sources.dumps.tokens import (
    BINARY,
    NUMBER,
    OPEN,
    POSTGRES,
    STRING,
    TSQL,
    WORD,
    Token,
    cell_pattern,
    row_pattern,
)
from etl.sources.dumps.tsql import STARTS

BROKEN: Final = "broken_record"
_SWALLOWED = re.compile(rb"^[ \t]*+(?:INSERT\s|\()", re.MULTILINE | re.IGNORECASE)
_CONSTANTS = {b"NULL": None, b"TRUE": True, b"FALSE": False}


class Row(NamedTuple):
    """The values of a row, or the problem code that says why there are none."""

    line: int
    damage: str | None
    values: tuple[object, ...] = ()


class Rows(NamedTuple):
    """Some rows of a table, in order; ``columns`` is None where they follow the definition.

    ``rows`` must be read to its end before the next statement is asked for.
    """

    table: TableName
    columns: tuple[str, ...] | None
    start: int
    line: int
    rows: Iterator[Row]


class RowReader:
    """The rows of statements, from where the lexer stands; ``is_counting`` leaves the values of sound rows out."""

    def __init__(self, lexer: Lexer, *, is_counting: bool = False) -> None:
        self._lexer = lexer
        self._dialect = lexer.settings.dialect
        self._is_counting = is_counting
        self._follow(lexer.settings)
        self.met: Unexpected | None = None
        """What broke the latest statement, if one was broken."""

    def _follow(self, settings: Settings) -> None:
        """Reads rows by these settings from now on; the same opening may mean another table by them."""
        self._settings = settings
        self._row_pattern = row_pattern(settings.quoting)
        self._cells = cell_pattern(settings.quoting).findall
        self._opening: tuple[bytes, TableName, tuple[str, ...] | None] = (b"", TableName("", ()), None)

    # ------------------------------------------------------------ INSERT

    def inserted(self, first: Token) -> Rows:
        """The rows of an INSERT, which comes next. Raises Unexpected."""
        lexer = self._lexer
        if lexer.settings is not self._settings:
            self._follow(lexer.settings)
        if lexer.took_text(self._opening[0]):
            _, table, columns = self._opening
            return Rows(table, columns, first.start, first.line, self._values(first.line))
        lexer.take()
        while lexer.took_word(b"IGNORE", b"INTO", b"LOW_PRIORITY", b"DELAYED"):
            pass
        table = take_table(lexer)
        token = lexer.peek()
        columns = take_list(lexer, lambda: take_name(lexer)) if token is not None and token.is_mark(b"(") else None
        for word in (b"OVERRIDING", b"SYSTEM", b"USER", b"VALUE"):
            lexer.took_word(word)
        if lexer.took_word(b"VALUES"):
            self._opening = (lexer.text_since(first), table, columns)
            return Rows(table, columns, first.start, first.line, self._values(first.line))
        return Rows(table, columns, first.start, first.line, self._broken(Unexpected(lexer.peek()), first.line, []))

    def _values(self, line: int) -> Iterator[Row]:
        lexer = self._lexer
        swallowed: list[int] = []
        try:
            while True:
                plain = lexer.take_matching(self._row_pattern)
                if plain is not None:
                    line, swallowed = plain[1], []
                    yield Row(line, None, () if self._is_counting else self._plain_values(plain[0]))
                else:
                    token = lexer.peek()
                    line, swallowed = token.line if token else line, []
                    yield self._row(line, swallowed)
                if not lexer.took_mark(b","):
                    break
            self._end_rows()
        except Unexpected as met:
            yield from self._broken(met, line, swallowed)

    def _end_rows(self) -> None:
        """Behind the last row nothing may stand that could have been another one. Raises Unexpected."""
        token = self._lexer.peek()
        if self._lexer.took_mark(b";") or token is None:
            return
        if self._dialect == TSQL:
            if not token.is_word(*STARTS) and not (token.starts_line and token.kind == WORD):
                raise Unexpected(token)
        elif token.is_word(b"ON", b"RETURNING"):
            self._skip_clause()
        elif not (token.starts_line and token.kind == WORD):
            raise Unexpected(token)

    def _skip_clause(self) -> None:
        """What to do with rows that are there already, or what to tell of them: no rows of its own."""
        while (token := self._lexer.peek()) is not None and token.kind != OPEN:
            self._lexer.take()
            if token.is_mark(b";"):
                return

    def _broken(self, met: Unexpected, line: int, swallowed: Sequence[int]) -> Iterator[Row]:
        """The row that broke, rows that a quote may have swallowed, and those up to the next statement, to go on there."""
        self.met = met
        yield from (Row(each, BROKEN) for each in (line, *swallowed))
        yield from (Row(each, BROKEN) for each in self._lexer.skip_to_record(met.token, line) if each != line)

    def _plain_values(self, row: bytes) -> tuple[object, ...]:
        """The values of a row of plain literals."""
        if self._dialect == TSQL:
            return tuple(
                self._plain_value(literal) if literal else cast(self._plain_value(inner), name.decode("ascii").lower())
                for literal, inner, name in self._cells(row, 1)
            )
        return tuple(map(self._plain_value, self._cells(row, 1)))

    def _plain_value(self, literal: bytes) -> object:
        if literal.endswith(b"'"):
            return string_of(literal, self._settings.quoting)
        return _CONSTANTS[word] if (word := literal.upper()) in _CONSTANTS else number_of(literal)

    def _row(self, line: int, swallowed: list[int]) -> Row:
        expect_mark(self._lexer, b"(")
        start = self._lexer.end
        values: list[object] = []
        is_known = True
        while True:
            token = self._lexer.peek()
            if token is not None and token.kind == STRING:
                swallowed += _swallowed(token)
            value = self._value(token)
            is_known = is_known and value is not _NOT_KNOWN
            values.append(value)
            if self._lexer.took_mark(b")"):
                break
            expect_mark(self._lexer, b",")
        if self._lexer.end - start > LONGEST_ROW:
            return Row(line, "oversized_row")
        return Row(line, None, tuple(values)) if is_known else Row(line, BROKEN)

    def _value(self, token: Token | None) -> object:
        if token is None or token.kind == OPEN:
            raise Unexpected(token)
        self._lexer.take()
        if token.kind == STRING:
            value: object = string_of(token.text, self._settings.quoting)
        elif token.kind == NUMBER:
            value = number_of(token.text)
        elif token.kind == BINARY:
            value = bytes_of(token.text, self._settings.quoting)
        elif token.kind == WORD:
            value = self._worded(token)
        else:
            raise Unexpected(token)
        if self._dialect == POSTGRES:
            self._skip_cast()
        return value

    def _worded(self, token: Token) -> object:
        word = token.text.upper()
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        if word == b"CAST":
            return self._cast()
        follower = self._lexer.peek()
        if follower is None or not follower.is_mark(b"(") or follower.starts_line:
            raise Unexpected(follower)
        take_enclosed(self._lexer)
        return _NOT_KNOWN

    def _cast(self) -> object:
        expect_mark(self._lexer, b"(")
        value = self._value(self._lexer.peek())
        expect_word(self._lexer, b"AS")
        type_name = take_name(self._lexer).lower()
        token = self._lexer.peek()
        if token is not None and token.is_mark(b"("):
            take_enclosed(self._lexer)
        expect_mark(self._lexer, b")")
        return cast(value, type_name)

    def _skip_cast(self) -> None:
        """PostgreSQL's ``::type`` behind a literal."""
        while self._lexer.took_mark(b":"):
            expect_mark(self._lexer, b":")
            take_table(self._lexer)
            while self._lexer.took_word(b"VARYING", b"WITHOUT", b"WITH", b"TIME", b"ZONE", b"PRECISION"):
                pass
            token = self._lexer.peek()
            if token is not None and token.is_mark(b"("):
                take_enclosed(self._lexer)

    # ------------------------------------------------------------ COPY

    def copied(self, first: Token) -> Rows | None:
        """The rows behind COPY; None where it copies out, or from elsewhere. Raises Unexpected."""
        lexer = self._lexer
        token = lexer.peek()
        if token is not None and token.is_mark(b"("):
            return None
        table = take_table(lexer)
        token = lexer.peek()
        columns = take_list(lexer, lambda: take_name(lexer)) if token is not None and token.is_mark(b"(") else None
        if lexer.took_word(b"FROM") and lexer.took_word(b"STDIN") and lexer.took_mark(b";"):
            return Rows(table, columns, first.start, first.line, self._copied_rows())
        return None

    def _copied_rows(self) -> Iterator[Row]:
        lexer = self._lexer
        lexer.rest_of_line()
        line = lexer.line
        while (text := lexer.rest_of_line()) is not None:
            body = text.removesuffix(b"\n").removesuffix(b"\r") if text.endswith(b"\r\n") else text.removesuffix(b"\n")
            if body == b"\\.":
                return
            has_end = text.endswith(b"\n")
            yield self._copied_row(body, line, has_end=has_end)
            if not has_end and len(text) < LONGEST_ROW:
                return
            line = lexer.line
        yield Row(line, BROKEN)

    def _copied_row(self, body: bytes, line: int, *, has_end: bool) -> Row:
        if (len(body) - len(body.rstrip(b"\\"))) % 2:
            return Row(line, BROKEN)  # its last character is the end of this line, as only old servers wrote it
        if has_end:
            return Row(line, None, tuple(map(copied, decoded(body).split("\t"))))
        is_overlong = len(body) >= LONGEST_ROW
        while is_overlong and (more := self._lexer.rest_of_line()) is not None and not more.endswith(b"\n"):
            pass
        return Row(line, "oversized_row" if is_overlong else BROKEN)


_NOT_KNOWN: Final = object()
"""Stands for the value of an expression, which nobody here evaluates."""


def _swallowed(token: Token) -> list[int]:
    """The lines inside a text that look like the start of another row, or of its statement."""
    if b"\n" not in token.text:
        return []
    return [token.line + token.text.count(b"\n", 0, found.start()) for found in _SWALLOWED.finditer(token.text)]
