"""CREATE TABLE, as far as columns, types, keys and references go.

Definitions are small, so each item of the body is a list of tokens that is looked at as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.literals import name_of
from etl.sources.dumps.parsing import Unexpected, take_enclosed
from etl.sources.dumps.settings import Settings
from etl.sources.dumps.table_names import TableName, table_name
from etl.sources.dumps.tokens import NUMBER, TSQL, Token
from etl.sources.table_schema import DeclaredColumn, DeclaredType, Reference, TableSchema

NO_COLUMN = (b"CONSTRAINT", b"PRIMARY", b"UNIQUE", b"KEY", b"INDEX", b"FOREIGN", b"CHECK", b"FULLTEXT", b"SPATIAL",
              b"EXCLUDE", b"PERIOD", b"LIKE")  # fmt: skip
_TYPE_GOES_ON = (b"VARYING", b"PRECISION", b"WITH", b"WITHOUT", b"TIME", b"ZONE")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the items of a definition add up to."""

    columns: list[DeclaredColumn] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)


def created_table(lexer: Lexer, name: TableName) -> TableSchema | None:
    """The table of a statement that was read up to its name; None for one made from a query. Raises Unexpected."""
    token = lexer.peek()
    if token is None or not token.is_mark(b"("):
        return None
    parts = Parts()
    for item in items_of(take_enclosed(lexer)):
        add_item(parts, Walk(item, lexer.settings))
    return TableSchema(name.shown, tuple(parts.columns), tuple(parts.key), tuple(parts.references))


class Walk:
    """Walks through the tokens of one item."""

    def __init__(self, tokens: Sequence[Token], settings: Settings) -> None:
        self._tokens = tokens
        self._position = 0
        self.settings = settings

    @property
    def dialect(self) -> str:
        """The script's dialect."""
        return self.settings.dialect

    @property
    def is_left(self) -> bool:
        """Whether any token is left."""
        return self._position < len(self._tokens)

    def now(self) -> Token | None:
        """The token that comes next, which stays."""
        return self._tokens[self._position] if self.is_left else None

    def rest(self) -> Sequence[Token]:
        """The tokens that are left."""
        return self._tokens[self._position :]

    def skip(self) -> None:
        """Passes over one token."""
        self._position += 1

    def took(self, *words: bytes) -> bool:
        """Takes the next token if it is one of these words."""
        token = self.now()
        is_it = token is not None and token.is_word(*words)
        self._position += is_it
        return is_it

    def took_mark(self, mark: bytes) -> bool:
        """Takes the next token if it is this character."""
        token = self.now()
        is_it = token is not None and token.is_mark(mark)
        self._position += is_it
        return is_it

    def name(self) -> str:
        """Takes one name, quoted or not. Raises Unexpected."""
        return name_of(self._part().text)

    def table(self) -> TableName:
        """Takes the name of a table. Raises Unexpected."""
        parts: list[Token | None] = [self._part()]
        while self.took_mark(b"."):
            parts.append(None if (token := self.now()) and token.is_mark(b".") else self._part())
        return table_name(parts, self.settings)

    def _part(self) -> Token:
        token = self.now()
        if token is None or not token.is_name:
            raise Unexpected(token)
        self.skip()
        return token

    def columns(self) -> tuple[str, ...]:
        """The names in parentheses; lengths and directions of index columns are left out."""
        if not self.took_mark(b"("):
            return ()
        names, depth, is_first = [], 1, True
        while depth and (token := self.now()):
            depth += token.is_mark(b"(") - token.is_mark(b")")
            if is_first and token.is_name:
                names.append(name_of(token.text))
            is_first = token.is_mark(b",") and depth == 1
            self.skip()
        return tuple(names)

    def numbers(self) -> tuple[int, ...]:
        """The numbers in parentheses, if they come next."""
        if not self.took_mark(b"("):
            return ()
        found: list[int] = []
        while (token := self.now()) and not token.is_mark(b")"):
            if token.kind == NUMBER and token.text.isdigit():
                found.append(int(token.text))
            self.skip()
        self.skip()
        return tuple(found)


def items_of(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The items of a list: what stands between commas that are in no parentheses."""
    item: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.is_mark(b"(") - token.is_mark(b")")
        if token.is_mark(b",") and depth == 0:
            yield item
            item = []
        else:
            item.append(token)
    if item:
        yield item


def add_item(parts: Parts, item: Walk) -> None:
    """Adds a column, or what is declared between the columns. Raises Unexpected."""
    first = item.now()
    if first is not None and first.is_word(*NO_COLUMN):
        add_constraint(parts, item)
        return
    name = item.name()
    if item.took(b"AS"):
        return
    declared = type_of(item)
    column = DeclaredColumn(name, declared, is_required=False)
    is_computed = False
    while (token := item.now()) is not None:
        if item.took(b"NOT"):
            column = replace(column, is_required=item.took(b"NULL") or column.is_required)
        elif item.took(b"PRIMARY"):
            parts.key[:] = [name]
        elif item.took(b"REFERENCES"):
            parts.references.append(Reference((name,), item.table().shown, item.columns()))
        elif item.took(b"AS"):
            is_computed = is_computed or not item.took(b"IDENTITY")
        else:
            _skip_one(item, token)
    if not is_computed:
        parts.columns.append(column)


def _skip_one(item: Walk, token: Token) -> None:
    """One token, or what is in parentheses as a whole."""
    if token.is_mark(b"("):
        item.columns()
    else:
        item.skip()


def type_of(item: Walk) -> DeclaredType:
    """The type that comes next. Raises Unexpected."""
    words = [item.name().lower()]
    while item.took_mark(b"."):
        words = [item.name().lower()]
    arguments = item.numbers()
    while (token := item.now()) is not None and token.is_word(*_TYPE_GOES_ON):
        item.skip()
        words.append(token.text.decode("ascii").lower())
        arguments = arguments or item.numbers()
    if item.dialect == TSQL and words == ["timestamp"]:
        words = ["rowversion"]
    return DeclaredType(" ".join(words), arguments)


def add_constraint(parts: Parts, item: Walk) -> None:
    """Adds a key or a reference; other constraints say nothing of either. Raises Unexpected."""
    if item.took(b"CONSTRAINT"):
        item.name()
    if item.took(b"PRIMARY"):
        while item.took(b"KEY", b"CLUSTERED", b"NONCLUSTERED"):
            pass
        parts.key[:] = item.columns() or parts.key
    elif item.took(b"FOREIGN"):
        item.took(b"KEY")
        columns = item.columns()
        if item.took(b"REFERENCES"):
            parts.references.append(Reference(columns, item.table().shown, item.columns()))
