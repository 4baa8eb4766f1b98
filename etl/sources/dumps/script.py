"""Reads a dump statement by statement: what it declares, and the rows that it puts into tables.

Nothing is run. Plain INSERT and COPY give rows; what declares tables is followed; other statements are passed over if
they can do nothing to rows, and end the reading otherwise. A statement that is broken costs the row it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from etl.sources.dumps.alterations import NotObeyedError, altered_table
from etl.sources.dumps.definitions import Walk, created_table
from etl.sources.dumps.followed_settings import follow, follow_between, follow_executed
from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.literals import decoded
from etl.sources.dumps.offences import ELSEWHERE, FROM_QUERY, hidden_offence, is_code, offence
from etl.sources.dumps.parsing import Unexpected, take_name, take_table
from etl.sources.dumps.rows import RowReader, Rows
from etl.sources.dumps.set_statements import after_connect
from etl.sources.dumps.settings import Settings, initial_settings
from etl.sources.dumps.table_names import TableName
from etl.sources.dumps.tokens import MYSQL, NUMBER, OPEN, POSTGRES, TSQL, WORD, Token
from etl.sources.dumps.tsql import CODE, Flow, Passed
from etl.sources.table_schema import TableSchema

_LONGEST_STATEMENT = 100_000
"""Tokens; no statement without rows is longer."""
_READS_FILES = (b"I", b"IR", b"INCLUDE", b"INCLUDE_RELATIVE", b"COPY", b"GEXEC")
"""Commands of psql that bring in rows or statements."""
_FLOW = (b"IF", b"WHILE", b"ELSE", b"BEGIN", b"END")
_STOPS = (b"NOEXEC", b"PARSEONLY", b"FMTONLY")
_WRITES = re.compile(rb"\s*+(?:INSERT|REPLACE|UPDATE|DELETE|TRUNCATE|LOAD|CALL)\s", re.IGNORECASE)
_OPEN_COMMENT: Final = "holds, or stands before, a comment that never ends"
_NOT_FOLLOWED: Final = "sets what quotes or names mean in a way that is not followed"
_ANOTHER_TABLE: Final = "names a table that, by its database, schema or spelling, may be another than the one before"
_SET_PLAINLY: Final = "Write the value itself there, for the whole script, or run the script on a server and read that."
_DATA_ALONE: Final = "Export the tables again as data only, or run the script on a server and read that."
_ONE_HOME: Final = "Dump each database or schema by itself, and read each as a source; name a table in one way."
_CONDITION: Final = "writes rows under a condition, which only a server can judge"


class Dropped(NamedTuple):
    """A table that is gone, before it had any rows."""

    table: str


class Refused(NamedTuple):
    """A statement that no dump has: the rows are not what the script says as far as it is followed."""

    line: int
    what: str
    remedy: str = _DATA_ALONE


class Lost(NamedTuple):
    """A place outside of any row where the script is broken."""

    start: int
    line: int


Statement: TypeAlias = "TableSchema | Rows | Dropped | Refused | Lost"


class Script:
    """The statements of one dump, from where the lexer stands; ``is_counting`` leaves the values of sound rows out."""

    def __init__(self, lexer: Lexer, *, is_counting: bool = False) -> None:
        self._lexer = lexer
        self._dialect = dialect = lexer.settings.dialect
        self._rows = RowReader(lexer, is_counting=is_counting)
        self._schemas: dict[str, TableSchema] = {}
        self._filled: set[str] = set()
        self._homes: dict[str, tuple[str, ...]] = {}
        self._flow = Flow()
        self._starts_batch = True
        self._rows_of_batch = 0
        self._is_complete = False
        self._followed: dict[bytes, Callable[[Token], Iterator[Statement]]] = {
            b"CREATE": self._created,
            b"ALTER": self._altered,
            b"DROP": self._dropped,
        }
        if dialect == POSTGRES:
            self._followed[b"COPY"] = self._copied
        if dialect == MYSQL:
            self._followed[b"DELIMITER"] = self._skip_code

    @property
    def end(self) -> int:
        """Offset behind what was read."""
        return self._lexer.end

    @property
    def settings(self) -> Settings:
        """The settings behind what was read."""
        return self._lexer.settings

    def statements(self) -> Iterator[Statement]:
        """Every statement that matters, in order. A table that is altered comes again."""
        while self._lexer.peek() is not None:
            yield from self._hidden()
            token = self._lexer.peek()
            if token is None:
                break
            try:
                yield from self._statement(token)
                met = self._rows.met
            except Unexpected as broken:
                met = broken
                yield _broken(token, broken)
                further = self._lexer.skip_to_record(broken.token, token.line)
                yield from (Lost(token.start, each) for each in further if each != token.line)
                self._flow.go_on()
            if met is not None and _is_open_comment(met.token):
                yield Refused(token.line, _OPEN_COMMENT)
            self._rows.met = None
        yield from self._hidden()

    def _hidden(self) -> Iterator[Refused]:
        executed, self._lexer.executed = self._lexer.executed, []
        for comment in executed if self._dialect == MYSQL else ():
            what = hidden_offence(comment.text)
            if what is not None:
                yield Refused(comment.line, what)
            if not follow_executed(self._lexer, comment.text):
                yield Refused(comment.line, _NOT_FOLLOWED, _SET_PLAINLY)

    def _statement(self, token: Token) -> Iterator[Statement]:
        word = token.text.upper() if token.kind == WORD else b""
        if self._dialect == TSQL and (word in _FLOW or (word == b"GO" and token.starts_line)):
            yield from self._flowing(token, word)
            return
        if word == b"INSERT" or (word == b"REPLACE" and self._dialect != TSQL):
            yield from self._inserted(token)
        elif word in self._followed:
            self._lexer.take()
            yield from self._followed[word](token)
        elif self._dialect == POSTGRES and self._lexer.took_mark(b"\\"):
            yield from self._of_psql(token)
        else:
            yield from self._other(token, word)
        self._flow.go_on()
        self._starts_batch = False

    # ------------------------------------------------------------ rows

    def _inserted(self, token: Token) -> Iterator[Statement]:
        if self._flow.is_governed:
            yield Refused(token.line, _CONDITION)
        yield from self._given(self._rows.inserted(token))

    def _copied(self, first: Token) -> Iterator[Statement]:
        rows = self._rows.copied(first)
        if rows is not None:
            yield from self._given(rows)
        elif not any(each.is_word(b"TO") for each in self._rest(first)):
            yield Refused(first.line, ELSEWHERE.format("COPY"))

    def _given(self, rows: Rows) -> Iterator[Statement]:
        yield from self._claimed(rows.table, rows.line)
        self._filled.add(rows.table.shown.casefold())
        self._rows_of_batch += 1
        yield rows

    def _claimed(self, table: TableName, line: int) -> Iterator[Refused]:
        """Two tables that are shown by one name would become one."""
        if self._homes.setdefault(table.shown.casefold(), table.home) != table.home:
            yield Refused(line, _ANOTHER_TABLE, _ONE_HOME)

    # ------------------------------------------------------------ definitions

    def _created(self, first: Token) -> Iterator[Statement]:
        lexer = self._lexer
        while lexer.took_word(
            b"GLOBAL", b"LOCAL", b"TEMPORARY", b"TEMP", b"UNLOGGED", b"FOREIGN", b"OR", b"REPLACE", b"ALTER"
        ):
            pass
        if lexer.took_word(b"TABLE"):
            yield from self._created_table(first)
        elif self._dialect == POSTGRES and lexer.took_word(b"FUNCTION", b"PROCEDURE", b"RULE"):
            self._skip_body()
        else:
            tokens = self._rest(first)
            if self._dialect == MYSQL and is_code(tokens) and any(each.is_word(b"BEGIN") for each in tokens):
                yield Refused(first.line, "defines code whose end cannot be told, since no DELIMITER stands before it")
            yield from self._offence(tokens)

    def _created_table(self, first: Token) -> Iterator[Statement]:
        token = self._lexer.peek()
        is_careful = self._flow.is_governed or (token is not None and token.is_word(b"IF"))
        for word in (b"IF", b"NOT", b"EXISTS"):
            self._lexer.took_word(word)
        name = take_table(self._lexer)
        yield from self._claimed(name, first.line)
        schema = created_table(self._lexer, name)
        if schema is not None and schema.columns:
            yield from self._defined(schema, first.line, is_careful=is_careful)
        tokens = self._rest(first)
        makers = (b"SELECT",) if schema is not None else (b"SELECT", b"AS")
        if self._dialect != TSQL and any(each.is_word(*makers) for each in tokens):
            yield Refused(first.line, FROM_QUERY)
        yield from self._offence(tokens)

    def _defined(self, schema: TableSchema, line: int, *, is_careful: bool) -> Iterator[Statement]:
        known = self._schemas.setdefault(schema.table.casefold(), schema)
        if known is schema:
            yield schema
        elif not is_careful or known.columns != schema.columns:
            yield Refused(line, "defines a table that is defined already")

    def _altered(self, first: Token) -> Iterator[Statement]:
        lexer = self._lexer
        while lexer.took_word(b"IGNORE", b"ONLINE", b"FOREIGN"):
            pass
        if not lexer.took_word(b"TABLE"):
            yield from self._offence(self._rest(first))
            return
        for word in (b"IF", b"EXISTS", b"ONLY"):
            lexer.took_word(word)
        name = take_table(lexer)
        table = name.shown.casefold()
        tokens = self._rest(first)
        yield from self._claimed(name, first.line)
        known = self._schemas.get(table)
        schema = known or TableSchema(name.shown, ())
        try:
            schema = altered_table(schema, tokens[1:], self.settings, has_rows=table in self._filled)
        except (NotObeyedError, Unexpected):
            yield Refused(first.line, "alters a table in a way that is not followed (ALTER TABLE)")
            return
        yield from self._offence(tokens)
        if known is not None and schema != known:
            if self._flow.is_governed and schema.columns != known.columns:
                yield Refused(first.line, "alters a table under a condition (ALTER TABLE)")
            self._schemas[table] = schema
            yield schema

    def _dropped(self, first: Token) -> Iterator[Statement]:
        tokens = self._rest(first)
        walk = Walk(tokens[1:], self.settings)
        walk.took(b"TEMPORARY")
        if walk.took(b"DATABASE", b"SCHEMA") and self._filled:
            yield Refused(first.line, "removes rows that it wrote before (DROP)")
        elif walk.took(b"TABLE"):
            yield from self._dropped_tables(first, walk)
        yield from self._offence(tokens)

    def _dropped_tables(self, first: Token, walk: Walk) -> Iterator[Statement]:
        if walk.took(b"IF"):
            walk.took(b"EXISTS")
        for name in _names(walk):
            shown = name.shown.casefold()
            if self._homes.get(shown, name.home) != name.home:
                continue
            if shown in self._filled and not shown.startswith("#"):
                yield Refused(first.line, "removes rows that it wrote before (DROP TABLE)")
            if self._schemas.pop(shown, None) is not None:
                yield Dropped(name.shown)

    # ------------------------------------------------------------ what holds no rows

    def _other(self, first: Token, word: bytes) -> Iterator[Statement]:
        self._lexer.take()
        if first.kind == OPEN:
            raise Unexpected(first)
        if first.is_mark(b";"):
            return
        if self._filled and self._goes_on(first):
            raise Unexpected(first)
        if word == b"USE" and self._dialect != POSTGRES:
            self._used()
            return
        tokens = self._rest(first)
        if not follow(self._lexer, tokens):
            yield Refused(first.line, _NOT_FOLLOWED, _SET_PLAINLY)
        if word in (b"DELETE", b"TRUNCATE") and self._empties_nothing(tokens):
            return
        elif (
            self._dialect == TSQL
            and first.is_mark(b":")
            and first.starts_line
            and tokens[1:]
            and tokens[1].is_word(b"R")
        ):
            yield Refused(first.line, ELSEWHERE.format(":r"))
        elif self._stops(tokens, word):
            yield Refused(first.line, f"does not go on, or takes back what it wrote ({decoded(word)})")
        elif self._offence_of(tokens) is None and _is_broken_insert(tokens):
            lines = [first.line, *(each.line for each in tokens if each.starts_line and each.is_mark(b"("))]
            yield from (Lost(first.start, line) for line in dict.fromkeys(lines))
        else:
            yield from self._offence(tokens)

    def _goes_on(self, first: Token) -> bool:
        """Whether it is no statement that starts here, but further rows of one that ended too early."""
        token = self._lexer.peek()
        is_query = token is not None and (token.is_mark(b"(") or token.is_word(b"SELECT", b"WITH", b"VALUES", b"TABLE"))
        return first.is_mark(b",") or (first.is_mark(b"(") and not is_query)

    def _used(self) -> None:
        """USE, which needs no semicolon. Raises Unexpected."""
        database = take_name(self._lexer)
        self._lexer.took_mark(b";")
        self._lexer.settings = self.settings._replace(database=database)

    def _offence(self, tokens: Sequence[Token]) -> Iterator[Refused]:
        what = self._offence_of(tokens)
        if what is not None:
            yield Refused(tokens[0].line, what)

    def _offence_of(self, tokens: Sequence[Token]) -> str | None:
        return offence(tokens, self._dialect, starts_batch=self._starts_batch)

    def _stops(self, tokens: Sequence[Token], word: bytes) -> bool:
        """Whether rows are taken back, or what follows is not run, and not only for the case of a failure."""
        if word == b"ROLLBACK":
            stops = bool(self._filled) or (self._dialect == POSTGRES and self.settings != initial_settings(POSTGRES))
        elif self._dialect != TSQL:
            stops = False
        elif word == b"SET":
            stops = len(tokens) > 1 and tokens[1].is_word(*_STOPS) and tokens[-1].is_word(b"ON")
        else:
            stops = word in (b"RETURN", b"GOTO")
        return stops and not self._flow.is_for_failures

    def _empties_nothing(self, tokens: Sequence[Token]) -> bool:
        """Whether a table is emptied before the script has put any rows into it."""
        if not self._filled:
            return True
        walk = Walk(tokens[1:], self.settings)
        while walk.took(b"TABLE", b"FROM", b"ONLY"):
            pass
        names = {name.shown.casefold() for name in _names(walk)}
        return not walk.is_left and names <= set(self._schemas) - set(self._filled)

    def _of_psql(self, token: Token) -> Iterator[Statement]:
        command, _, arguments = (self._lexer.rest_of_line() or b"").strip().partition(b" ")
        if command.upper() in _READS_FILES:
            yield Refused(token.line, ELSEWHERE.format("a command of psql"))
        elif command in (b"c", b"connect"):
            self._lexer.settings = after_connect(decoded(arguments), self.settings)

    def _flowing(self, first: Token, word: bytes) -> Iterator[Statement]:
        """What decides in SQL Server's scripts whether, and how often, statements are run."""
        self._lexer.take()
        if word == b"GO":
            yield from self._batch_ended(first)
        elif word == b"END":
            self._flow.end(self._lexer)
        elif word == b"BEGIN":
            if not self._flow.begin(self._lexer):
                self._rest(first)
        else:
            self._flow.ask(word, self._rest(first), is_complete=self._is_complete)
        self._starts_batch = word == b"GO"

    def _batch_ended(self, first: Token) -> Iterator[Statement]:
        token = self._lexer.peek()
        if token is not None and token.kind == NUMBER and token.line == first.line:
            self._lexer.take()
            if self._rows_of_batch and token.text != b"1":
                yield Refused(first.line, "repeats the rows of its batch (GO with a number)")
        self._flow, self._rows_of_batch = Flow(), 0

    # ------------------------------------------------------------ passing over

    def _rest(self, first: Token) -> list[Token]:
        """The statement whose first token was taken, without a semicolon at its end. Raises Unexpected."""
        passed = Passed(first)
        token = self._lexer.peek()
        is_code = (
            self._dialect == TSQL and first.is_word(b"CREATE", b"ALTER") and token is not None and token.is_word(*CODE)
        )
        self._is_complete = False
        while (token := self._lexer.peek()) is not None and not self._ends_before(passed, token, is_code=is_code):
            if token.kind == OPEN or len(passed.tokens) > _LONGEST_STATEMENT:
                raise Unexpected(token)
            self._lexer.take()
            if is_code:
                continue
            if token.is_mark(b";"):
                self._is_complete = True
                break
            passed.add(token)
        return passed.tokens

    def _ends_before(self, passed: Passed, token: Token, *, is_code: bool) -> bool:
        if is_code or self._dialect != TSQL:
            return is_code and token.starts_line and token.is_word(b"GO")
        return passed.ends_before(token)

    def _skip_body(self) -> None:
        """PostgreSQL's functions and rules may hold statements that end in semicolons. Raises Unexpected."""
        depth, blocks = 0, 0
        while (token := self._lexer.take()) is not None:
            if token.kind == OPEN:
                raise Unexpected(token)
            depth += token.is_mark(b"(") - token.is_mark(b")")
            blocks += token.is_word(b"ATOMIC") or bool(blocks and token.is_word(b"CASE"))
            blocks -= bool(blocks and token.is_word(b"END"))
            if token.is_mark(b";") and not blocks and depth <= 0:
                return
        raise Unexpected(None)

    def _skip_code(self, first: Token) -> Iterator[Statement]:
        """Stored code of MySQL, up to the line that gives the semicolon its meaning back."""
        mark = _mark_of(self._lexer.rest_of_line())
        is_start = True
        while mark != b";" and (text := self._lexer.rest_of_line()) is not None:
            if text.upper().split()[:1] == [b"DELIMITER"]:
                mark = _mark_of(text.split(None, 1)[-1])
                continue
            pieces = text.split(mark)
            started = pieces if is_start else pieces[1:]
            if any(map(_WRITES.match, started)):
                yield Refused(first.line, "writes rows between its stored code (DELIMITER)")
            if not follow_between(self._lexer, started):
                yield Refused(first.line, _NOT_FOLLOWED, _SET_PLAINLY)
            is_start = not pieces[-1].strip() and (is_start or len(pieces) > 1)


def _is_broken_insert(tokens: Sequence[Token]) -> bool:
    """Whether rows stand behind a word that no statement starts with: it may have been an INSERT."""
    depth = 0
    for token, follower in pairwise(tokens):
        depth += token.is_mark(b"(") - token.is_mark(b")")
        if not depth and token.is_word(b"VALUES") and follower.is_mark(b"("):
            return token is not tokens[0] and not tokens[0].is_word(b"SELECT", b"WITH", b"EXPLAIN")
    return False


def _broken(token: Token, met: Unexpected) -> Statement:
    """A statement that broke outside of any row; what a comment may hide is not known."""
    return Refused(token.line, _OPEN_COMMENT) if _is_open_comment(met.token) else Lost(token.start, token.line)


def _is_open_comment(token: Token | None) -> bool:
    return token is not None and token.kind == OPEN and token.text == b"/*"


def _mark_of(text: bytes | None) -> bytes:
    """What ends statements from now on."""
    words = (text or b"").split()
    return words[0] if words else b";"


def _names(walk: Walk) -> Iterator[TableName]:
    """Names of tables with commas between them."""
    while walk.is_left and (token := walk.now()) is not None and token.is_name:
        yield walk.table()
        if not walk.took_mark(b","):
            return
