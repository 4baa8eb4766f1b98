"""SET, as far as it changes what quotes or names mean in the statements behind it.

Settings of other matters are passed over. One of these that is set to what only a server could work out is not guessed:
the reading ends there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from etl.sources.dumps.literals import decoded, name_of, string_of
from etl.sources.dumps.settings import Settings, initial_settings
from etl.sources.dumps.tokens import INITIAL, MYSQL, NAME, STRING, TSQL, Quoting, Token

_MODE: Final = re.compile(r"(?:@@(?:(?P<direct>\w+) \. )?|\w+ )?`?sql_mode`?")
_IFNULL_TOKENS: Final = len(("IFNULL", "(", "@old", ",", "''", ")"))
_FOR_OTHERS = ("global", "persist", "persist_only")
"""Scopes in which a setting changes nothing for the script itself."""
_WITH_QUOTED_NAMES = {"ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"}
_QUOTED_NAMES_OF_SQL_SERVER = (b"QUOTED_IDENTIFIER", b"ANSI_DEFAULTS")
_PLAIN_TEXT = "standard_conforming_strings"
_TRUTH = {"on": True, "true": True, "yes": True, "1": True, "default": True,
          "off": False, "false": False, "no": False, "0": False}  # fmt: skip
_NO_HOME = ("", "$user", "pg_catalog", "pg_temp", "information_schema")
"""Entries of a search path in which no dump makes its tables."""


class NotFollowedError(Exception):
    """What quotes or names mean from here on is not known; never leaves this package."""


def after_statement(tokens: Sequence[Token], settings: Settings) -> Settings:
    """The settings behind a statement, which may be any. Raises NotFollowedError."""
    first = tokens[0]
    if settings.dialect == TSQL:
        return _after_sql_server(tokens, settings) if first.is_word(b"SET") else settings
    if settings.dialect == MYSQL:
        return _after_mysql(tokens[1:], settings) if first.is_word(b"SET") else settings
    return _after_postgres(tokens, settings)


# ---------------------------------------------------------------- SQL Server


def _after_sql_server(tokens: Sequence[Token], settings: Settings) -> Settings:
    """``SET a, b ON``: it holds from the place where it is read, whatever governs it."""
    if not any(each.is_word(*_QUOTED_NAMES_OF_SQL_SERVER) for each in tokens):
        return settings
    value = next((each for each in tokens if each.is_word(b"ON", b"OFF")), None)
    if value is None:
        raise NotFollowedError
    return settings._replace(quoting=settings.quoting._replace(has_quoted_names=value.is_word(b"ON")))


# ---------------------------------------------------------------- MySQL


def _after_mysql(tokens: Sequence[Token], settings: Settings) -> Settings:
    """``SET @OLD=@@SQL_MODE, SQL_MODE='...'``, one assignment after the other."""
    scope = ""
    for target, value in _assignments(tokens):
        is_direct = target.startswith("@")
        if not is_direct and " " in target:
            scope = target.split()[0]
        if mode := _MODE.fullmatch(target):
            if (mode["direct"] if is_direct else scope) not in _FOR_OTHERS:
                settings = settings._replace(quoting=_set_to(value, settings, unknown=settings.quoting))
        elif is_direct and not target.startswith("@@"):
            saved = dict(settings.saved) | {target: _kept(value, settings)}
            settings = settings._replace(saved=tuple(saved.items()))
        elif "sql_mode" in target:
            raise NotFollowedError
    return settings


def _assignments(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """What is assigned, and the tokens of its value."""
    target: list[Token] = []
    value: list[Token] | None = None
    depth = 0
    for token in tokens:
        depth += token.is_mark(b"(") - token.is_mark(b")")
        if value is None and token.is_mark(b"="):
            value = []
        elif token.is_mark(b",") and not depth:
            yield _spelt(target), value or []
            target, value = [], None
        elif value is not None:
            value.append(token)
        elif not token.is_mark(b":"):
            target.append(token)
    yield _spelt(target), value or []


def _spelt(tokens: Sequence[Token]) -> str:
    """In lower case, with single blanks between the tokens."""
    return " ".join(decoded(each.text) for each in tokens).lower()


def _kept(value: Sequence[Token], settings: Settings) -> Quoting | None:
    try:
        return _set_to(value, settings, unknown=None)
    except NotFollowedError:
        return None


def _set_to(value: Sequence[Token], settings: Settings, *, unknown: Quoting | None) -> Quoting:
    """What quotes mean under an SQL_MODE; ``unknown`` is for a variable that the script never set."""
    if len(value) == _IFNULL_TOKENS and value[0].is_word(b"IFNULL", b"COALESCE") and value[3].is_mark(b","):
        variable, other = value[2:3], value[4:5]
        is_set = _spelt(variable) in dict(settings.saved)
        return _set_to(variable if is_set else other, settings, unknown=unknown)
    text = _spelt(value)
    if (mode := _MODE.fullmatch(text)) and text.startswith("@@"):
        return INITIAL[MYSQL] if mode["direct"] in _FOR_OTHERS else settings.quoting
    quoting = dict(settings.saved).get(text, unknown) if text.startswith("@") else _of_modes(value, settings.quoting)
    if quoting is None:
        raise NotFollowedError
    return quoting


def _of_modes(value: Sequence[Token], quoting: Quoting) -> Quoting | None:
    if len(value) != 1:
        return None
    token = value[0]
    modes = string_of(token.text, quoting) if token.kind == STRING else name_of(token.text)
    if modes.isdigit() and modes != "0":
        return None
    if token.kind != STRING and modes.upper() == "DEFAULT":
        return INITIAL[MYSQL]
    names = {each.strip() for each in modes.upper().split(",")}
    return INITIAL[MYSQL]._replace(
        has_quoted_names=bool(names & _WITH_QUOTED_NAMES), has_escapes="NO_BACKSLASH_ESCAPES" not in names
    )


# ---------------------------------------------------------------- PostgreSQL


def _after_postgres(tokens: Sequence[Token], settings: Settings) -> Settings:
    first, rest = tokens[0], list(tokens[1:])
    if first.is_word(b"SELECT"):
        return _after_set_config(rest, settings)
    if first.is_word(b"RESET", b"DISCARD") and rest:
        for each in (_PLAIN_TEXT, "search_path") if rest[0].is_word(b"ALL") else (_name(rest[0]),):
            settings = _with(settings, each, ["default"])
        return settings
    if not first.is_word(b"SET") or not rest:
        return settings
    is_local = rest[0].is_word(b"LOCAL")
    if is_local or rest[0].is_word(b"SESSION"):
        rest = rest[1:]
    if not rest:
        return settings
    name = "search_path" if rest[0].is_word(b"SCHEMA") else _name(rest[0])
    values = [each for each in rest[1:] if not (each.is_mark(b"=") or each.is_mark(b",") or each.is_word(b"TO"))]
    return _checked(_with(settings, name, [_name(each, settings) for each in values]), settings, is_local=is_local)


def _after_set_config(tokens: Sequence[Token], settings: Settings) -> Settings:
    """``SELECT pg_catalog.set_config('search_path', 'a, b', false)``."""
    places = [place for place, each in enumerate(tokens) if each.is_word(b"SET_CONFIG")]
    for place in places:
        name, value, is_local = [*tokens[place + 2 : place + 7 : 2], None, None, None][:3]
        if name is None or value is None or name.kind != STRING:
            raise NotFollowedError
        setting = _name(name, settings)
        if setting in (_PLAIN_TEXT, "search_path") and (value.kind != STRING or is_local is None):
            raise NotFollowedError
        text = _name(value, settings)
        values = [each.strip().strip('"') for each in text.split(",")] if setting == "search_path" else [text]
        is_kept = is_local is not None and is_local.is_word(b"FALSE")
        settings = _checked(_with(settings, setting, values), settings, is_local=not is_kept)
    return settings


def _checked(after: Settings, before: Settings, *, is_local: bool) -> Settings:
    """``after``, unless it would hold only until the transaction ends."""
    if is_local and after != before:
        raise NotFollowedError
    return after


def _with(settings: Settings, name: str, values: Sequence[str]) -> Settings:
    if name == _PLAIN_TEXT:
        is_on = _TRUTH.get(values[0].lower()) if len(values) == 1 else None
        if is_on is None:
            raise NotFollowedError
        return settings._replace(quoting=settings.quoting._replace(has_escapes=not is_on))
    if name == "search_path":
        schemas = [] if values == ["default"] else [each for each in values if each not in _NO_HOME]
        return settings._replace(schema=schemas[0] if schemas else "")
    return settings


def _name(token: Token, settings: Settings | None = None) -> str:
    """A name or a text as the server understands it."""
    if token.kind == STRING and settings is not None:
        return string_of(token.text, settings.quoting)
    name = name_of(token.text)
    return name if token.kind == NAME else name.lower()


def after_connect(arguments: str, settings: Settings) -> Settings:
    r"""The settings behind psql's ``\connect``, which begins anew; ``-`` keeps the database."""
    words = [each for each in arguments.split() if not each.startswith("-reuse-previous=")]
    database = settings.database if words[:1] in ([], ["-"]) else " ".join(words[:1]).strip("\"'")
    return initial_settings(settings.dialect)._replace(database=database)
