"""ALTER TABLE: obeyed where that is certain, and otherwise a reason not to read the dump.

Columns may change while the table is empty. Once it has rows, only a server knows what a change made of them; keys,
references, defaults and settings change no row and are free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etl.sources.dumps.definitions import NO_COLUMN, Parts, Walk, add_constraint, add_item, items_of, type_of
from etl.sources.dumps.settings import Settings
from etl.sources.dumps.tokens import MYSQL, TSQL, Token
from etl.sources.table_schema import DeclaredColumn, DeclaredType, TableSchema

_VERBS = (b"ADD", b"DROP", b"RENAME", b"CHANGE", b"MODIFY", b"ALTER", b"SWITCH", b"EXCHANGE", b"TRUNCATE", b"DISCARD",
          b"IMPORT", b"SET")  # fmt: skip
_MOVES_ROWS = (b"SWITCH", b"EXCHANGE", b"TRUNCATE", b"DISCARD", b"IMPORT")
_NO_NEW_COLUMN = (*NO_COLUMN, b"DEFAULT", b"PARTITION", b"SYSTEM", b"GENERATED")
_NO_OLD_COLUMN = (b"CONSTRAINT", b"PRIMARY", b"FOREIGN", b"KEY", b"INDEX", b"CHECK", b"PERIOD", b"SYSTEM")


class NotObeyedError(Exception):
    """The table's columns or rows would change in a way that is not followed; never leaves this package."""


def altered_table(schema: TableSchema, tokens: Sequence[Token], settings: Settings, *, has_rows: bool) -> TableSchema:
    """The schema after the rest of an ALTER TABLE. Raises NotObeyedError, and Unexpected for what cannot be read."""
    altered = _Altered(schema, has_rows=has_rows)
    verb = b""
    for item in items_of(tokens):
        walk = Walk(item, settings)
        while walk.took(b"WITH", b"CHECK", b"NOCHECK"):
            pass
        token = walk.now()
        if token is not None and token.is_word(*_VERBS):
            verb = token.text.upper()
            walk.skip()
        elif settings.dialect != TSQL:
            continue
        altered.follow(verb, walk)
    return altered.schema


class _Altered:
    """A schema that follows one action after the other."""

    def __init__(self, schema: TableSchema, *, has_rows: bool) -> None:
        self.schema = schema
        self._has_rows = has_rows
        self._drops_columns = False

    def follow(self, verb: bytes, walk: Walk) -> None:
        if verb in _MOVES_ROWS:
            raise NotObeyedError
        if verb == b"ADD":
            self._add(walk)
        elif verb == b"DROP":
            self._drop(walk)
        elif verb == b"RENAME":
            self._rename(walk)
        elif verb in (b"CHANGE", b"MODIFY"):
            self._redefine(walk, is_change=verb == b"CHANGE")
        elif verb == b"ALTER":
            self._alter_column(walk)
        elif verb == b"SET" and walk.took(b"SCHEMA"):
            raise NotObeyedError

    def _add(self, walk: Walk) -> None:
        is_column = walk.took(b"COLUMN")
        is_careful = walk.took(b"IF") and walk.took(b"NOT") and walk.took(b"EXISTS")
        token = walk.now()
        parts = Parts(key=list(self.schema.key), references=list(self.schema.references))
        if not is_column and (token is None or token.is_word(*_NO_NEW_COLUMN)):
            add_constraint(parts, walk)
        elif token is not None and token.is_mark(b"("):
            raise NotObeyedError
        else:
            self._refuse_with_rows()
            _refuse_place(Walk(walk.rest()[1:], walk.settings))
            add_item(parts, walk)
            if is_careful and any(self._is(each.name, self.schema) for each in parts.columns):
                return
        columns = (*self.schema.columns, *parts.columns)
        self.schema = replace(self.schema, columns=columns, key=tuple(parts.key), references=tuple(parts.references))

    def _drop(self, walk: Walk) -> None:
        is_column = walk.took(b"COLUMN")
        token = walk.now()
        if token is None or token.is_word(b"PARTITION"):
            raise NotObeyedError
        if walk.dialect == TSQL:  # DROP COLUMN a, b, CONSTRAINT c
            self._drops_columns = is_column or (self._drops_columns and not token.is_word(b"CONSTRAINT"))
            is_column = self._drops_columns
        if not is_column and (walk.dialect == TSQL or token.is_word(*_NO_OLD_COLUMN)):
            # which constraint goes is not known by its name: none counts as declared any more
            self.schema = replace(self.schema, key=(), references=())
            return
        is_careful = walk.took(b"IF") and walk.took(b"EXISTS")
        name = walk.name()
        if not is_careful or self._is(name, self.schema):
            self._refuse_with_rows()
            kept = tuple(each for each in self.schema.columns if each.name.casefold() != name.casefold())
            key = () if name in self.schema.key else self.schema.key
            references = tuple(each for each in self.schema.references if name not in each.columns)
            self.schema = replace(self.schema, columns=kept, key=key, references=references)

    def _rename(self, walk: Walk) -> None:
        if walk.took(b"CONSTRAINT", b"INDEX", b"KEY"):
            return
        is_column = walk.took(b"COLUMN")
        if not is_column and walk.took(b"TO", b"AS"):
            raise NotObeyedError
        old = walk.name()
        if not walk.took(b"TO"):
            raise NotObeyedError
        self._rename_column(old, walk.name())

    def _rename_column(self, old: str, new: str) -> None:
        self._refuse_with_rows()

        def renamed(name: str) -> str:
            return new if name.casefold() == old.casefold() else name

        columns = tuple(replace(each, name=renamed(each.name)) for each in self.schema.columns)
        references = tuple(replace(each, columns=tuple(map(renamed, each.columns))) for each in self.schema.references)
        key = tuple(map(renamed, self.schema.key))
        self.schema = replace(self.schema, columns=columns, key=key, references=references)

    def _redefine(self, walk: Walk, *, is_change: bool) -> None:
        walk.took(b"COLUMN")
        name = walk.name()
        if is_change and (new := walk.name()).casefold() != name.casefold():
            self._rename_column(name, new)
            name = new
        self._retype(name, type_of(walk))
        _refuse_place(walk)

    def _alter_column(self, walk: Walk) -> None:
        if walk.took(b"INDEX", b"CONSTRAINT", b"CHECK"):
            return
        walk.took(b"COLUMN")
        name = walk.name()
        if walk.dialect == TSQL:
            if not walk.took(b"ADD", b"DROP"):
                self._retype(name, type_of(walk))
            return
        walk.took(b"SET")
        walk.took(b"DATA")
        if walk.dialect != MYSQL and walk.took(b"TYPE"):
            self._retype(name, type_of(walk))

    def _retype(self, name: str, declared: DeclaredType) -> None:
        def retyped(column: DeclaredColumn) -> DeclaredColumn:
            if column.name.casefold() != name.casefold() or column.type == declared:
                return column
            self._refuse_with_rows()
            return replace(column, type=declared)

        self.schema = replace(self.schema, columns=tuple(map(retyped, self.schema.columns)))

    def _refuse_with_rows(self) -> None:
        if self._has_rows:
            raise NotObeyedError

    def _is(self, name: str, schema: TableSchema) -> bool:
        return any(each.name.casefold() == name.casefold() for each in schema.columns)


def _refuse_place(walk: Walk) -> None:
    """MySQL's FIRST and AFTER at the end of a column: they change the order. Raises NotObeyedError."""
    while walk.is_left:
        if walk.dialect == MYSQL and walk.took(b"FIRST", b"AFTER"):
            raise NotObeyedError
        walk.skip()
