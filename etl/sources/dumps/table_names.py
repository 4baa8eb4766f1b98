"""Which table of the server a name means, and the name that the source shows for it.

The shown name leaves out what is nearly always the same, so two tables may share one. Their homes differ: whoever meets a
name compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from etl.sources.dumps.literals import name_of
from etl.sources.dumps.settings import Settings
from etl.sources.dumps.tokens import MYSQL, NAME, POSTGRES, TSQL, Token

_DEFAULT_SCHEMAS = ("dbo", "public")
"""Those that a shown name leaves out."""
_ITS_SCHEMA = {TSQL: "dbo", POSTGRES: "public"}


class TableName(NamedTuple):
    """A table; of two with one ``shown`` name the one that differs in ``home`` is another."""

    shown: str
    home: tuple[str, ...]


def table_name(parts: Sequence[Token | None], settings: Settings) -> TableName:
    """The table that a name of these parts means; None is a part that was left empty, as in ``db..T``."""
    *before, last = [_exact(part, settings.dialect) if part else "" for part in parts]
    *databases, schema = before or [""]
    shown = name_of(parts[-1].text) if parts[-1] else ""
    if settings.dialect == MYSQL:
        return TableName(shown, (schema or settings.database, last))
    schema = schema or settings.schema or _ITS_SCHEMA[settings.dialect]
    if schema.lower() not in _DEFAULT_SCHEMAS:
        shown = f"{schema}.{shown}"
    if settings.dialect == POSTGRES:  # which can name no table of another database
        return TableName(shown, (settings.database, schema, last))
    if last.startswith("#"):
        return TableName(shown, (last.casefold(),))
    database = ".".join(databases) or settings.database
    return TableName(shown, tuple(each.casefold() for each in (database, schema, last)))


def _exact(token: Token, dialect: str) -> str:
    """A name as the server keeps it."""
    name = name_of(token.text)
    return name.lower() if dialect == POSTGRES and token.kind != NAME else name
