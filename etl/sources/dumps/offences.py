"""Says of statements that are passed over whether they could write, change or remove rows: then the script is no dump.

Nothing is evaluated, and nothing that may matter is passed over in silence: the reading ends with the statement's line
and kind. What programs write into their dumps beside rows stays harmless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from etl.sources.dumps.literals import decoded
from etl.sources.dumps.tokens import MYSQL, NAME, POSTGRES, STRING, TSQL, WORD, Token
from etl.sources.dumps.tsql import OTHER_STARTS, STARTS

_CHANGES = (b"INSERT", b"UPDATE", b"DELETE", b"MERGE", b"TRUNCATE")
_READS_ELSEWHERE = (b"BULK", b"LOAD", b"IMPORT", b"SOURCE")
_CALLS = (b"EXEC", b"EXECUTE", b"CALL")
_MENTIONS = (b"GRANT", b"REVOKE", b"CREATE", b"ALTER", b"COMMENT", b"SECURITY", b"LOCK", b"DROP")
"""Statements whose own text may hold the words of changes."""
_TEXT_THAT_WRITES = re.compile(
    r"\b(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|BULK|COPY|CALL|PERFORM|EXEC(?:UTE)?|INTO|DROP|RENAME|sp_rename"
    r"|ALTER\s+TABLE\s+\S+\s+(?:WITH\s+\w+\s+)?(?!(?:NO)?CHECK\s+CONSTRAINT|(?:EN|DIS)ABLE\s))\b",
    re.IGNORECASE,
)
_TEXT_THAT_DEFINES = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:CREATE|ALTER)\s+(?:OR\s+ALTER\s+)?(?:PROC|FUNCTION|VIEW|TRIGGER|SCHEMA|TYPE)",
    re.IGNORECASE | re.DOTALL,
)
_OPENING = re.compile(r"^[nNeE]?['\"]")
_HARMLESS_PROCEDURE = re.compile(
    r"sp_(?:(?:add|update|drop)extendedproperty|fulltext_\w+|(?:add|drop)role\w*|(?:add|drop|grant|revoke)\w*(?:user|login"
    r"|dbaccess)|addapprole|addtype|addmessage|addlinked\w+|serveroption|(?:un)?bind(?:default|rule)|changedbowner"
    r"|change_users_login|dboption|dbcmptlevel|tableoption|indexoption|settriggerorder|procoption|configure"
    r"|db_vardecimal_storage_format|filestream_configure|refresh\w+|recompile|updatestats|createstats|autostats|help\w*"
    r"|spaceused)",
    re.IGNORECASE,
)
_DYNAMIC = re.compile(r"sp_(?:executesql|msforeach\w+)", re.IGNORECASE)
_RENAMED_ASIDE = re.compile(r"[nN]?'(?:INDEX|STATISTICS|USERDATATYPE)'", re.IGNORECASE)
_HARMLESS_FUNCTIONS = (b"SETVAL", b"LO_CREATE", b"LO_OPEN", b"LOWRITE", b"LO_CLOSE", b"SET_CONFIG", b"NEXTVAL", b"COUNT", b"MAX", b"MIN", b"SUM", b"COALESCE", b"NOW",
                       b"VERSION", b"CURRENT_SETTING", b"CURRENT_DATABASE", b"EXISTS", b"IN", b"CAST", b"AND", b"OR",
                       b"FROM", b"WHERE", b"NOT", b"AS", b"VALUES", b"SELECT")  # fmt: skip
_HIDDEN = re.compile(
    rb"/\*M?!\d*\s*(?:(INSERT|REPLACE|UPDATE|DELETE|TRUNCATE|LOAD|CALL|RENAME)\b"
    rb"|(ALTER)\s+TABLE\s+\S+\s+(?!DISABLE\b|ENABLE\b|\*/))",
    re.IGNORECASE,
)

CHANGES: Final = "changes rows ({})"
CALLS: Final = "calls code that may write rows ({})"
ELSEWHERE: Final = "takes rows or statements from elsewhere ({})"
FROM_QUERY: Final = "makes a table out of a query"


def offence(tokens: Sequence[Token], dialect: str, *, starts_batch: bool = False) -> str | None:
    """What a statement does that no dump does; None for a harmless one. ``starts_batch``: EXEC may be left out there."""
    word = _word(tokens[0])
    if word in _CHANGES or (dialect == MYSQL and word == b"RENAME"):
        return None if _is_statistics(tokens, dialect) else CHANGES.format(word.decode())
    if word in _READS_ELSEWHERE and dialect != POSTGRES:
        return ELSEWHERE.format(word.decode())
    if dialect == TSQL:
        return _of_sql_server(tokens, word, starts_batch=starts_batch)
    if word in _CALLS:
        return CALLS.format(word.decode())
    return (_of_postgres(tokens, word) if dialect == POSTGRES else None) or _of_words(tokens)


def hidden_offence(comment: bytes) -> str | None:
    """The same of a comment that MySQL executes."""
    found = _HIDDEN.match(comment)
    return CHANGES.format((found[1] or found[2]).decode().upper()) if found else None


def is_code(tokens: Sequence[Token]) -> bool:
    """Whether a CREATE makes something with a body of statements."""
    return any(each.is_word(b"TRIGGER", b"PROCEDURE", b"FUNCTION", b"EVENT", b"RULE") for each in tokens[:12])


def _word(token: Token) -> bytes:
    return token.text.upper() if token.kind == WORD else b""


def _of_sql_server(tokens: Sequence[Token], word: bytes, *, starts_batch: bool) -> str | None:
    if word in _CALLS:
        return _of_a_call(tokens[1:])
    if word in (b"WRITETEXT", b"UPDATETEXT"):
        return CHANGES.format(word.decode())
    if word == b"SELECT":
        return FROM_QUERY if _is_into(tokens) else None
    is_label = len(tokens) > 1 and tokens[1].is_mark(b":")
    is_call = starts_batch and tokens[0].kind in (WORD, NAME) and word not in (*STARTS, *OTHER_STARTS)
    return _of_a_call(tokens) if is_call and not is_label else None


def _of_postgres(tokens: Sequence[Token], word: bytes) -> str | None:
    if word == b"DO":
        return CALLS.format("DO") if any(map(_writes, tokens)) else None
    if word == b"SELECT":
        return FROM_QUERY if _is_into(tokens) else _of_functions(tokens)
    return None


def _is_statistics(tokens: Sequence[Token], dialect: str) -> bool:
    return dialect == TSQL and tokens[0].is_word(b"UPDATE") and len(tokens) > 1 and tokens[1].is_word(b"STATISTICS")


def _is_into(tokens: Sequence[Token]) -> bool:
    return any(each.is_word(b"INTO") for each in tokens)


def _of_words(tokens: Sequence[Token]) -> str | None:
    """Changes inside of a statement that starts otherwise: behind WITH, behind EXPLAIN, behind a lost semicolon."""
    if tokens[0].is_word(*_MENTIONS):
        if is_code(tokens):
            return None
        pairs = pairwise(tokens)
        is_lost = any(one.is_word(b"INSERT", b"REPLACE") and two.is_word(b"INTO") for one, two in pairs)
        return CHANGES.format("INSERT behind a statement that has no end") if is_lost else None
    for before, token in pairwise(tokens):
        if token.is_word(*_CHANGES) and not before.is_word(b"FOR", b"ON", b"OF"):
            return CHANGES.format(f"{_kind(tokens[0])} ... {_word(token).decode()}".strip())
    return None


def _kind(first: Token) -> str:
    """The first word of a statement, where that is a word of the language and no piece of somebody's text."""
    return "WITH" if first.is_word(b"WITH") else ""


def _of_a_call(arguments: Sequence[Token]) -> str | None:
    """EXEC of SQL Server: of one of its own procedures that write no rows, of a text that is looked at, or of others."""
    if arguments and arguments[0].is_word(b"AS"):
        return None
    name = _called(arguments)
    if _HARMLESS_PROCEDURE.fullmatch(name):
        return None
    if name.lower() == "sp_rename":
        is_aside = any(each.kind == STRING and _RENAMED_ASIDE.fullmatch(decoded(each.text)) for each in arguments)
        return None if is_aside else "renames a table or a column (sp_rename)"
    texts = [each for each in arguments if each.kind == STRING]
    is_known = bool(texts) and not _has_variables(arguments) and (not name or _DYNAMIC.fullmatch(name) is not None)
    return None if is_known and not any(map(_writes, texts)) else CALLS.format("EXEC")


def _called(arguments: Sequence[Token]) -> str:
    """The last part of a procedure's name; nothing for EXEC of a text."""
    name = ""
    for token in arguments:
        if token.kind in (WORD, NAME):
            name = decoded(token.text).strip('[]"')
        elif not token.is_mark(b"."):
            break
        following = arguments[arguments.index(token) + 1 :]
        if token.kind in (WORD, NAME) and not (following and following[0].is_mark(b".")):
            break
    return name


def _has_variables(arguments: Sequence[Token]) -> bool:
    pairs = zip(arguments, [*arguments[1:], None], strict=False)
    return any(
        token.kind == WORD and token.text.startswith(b"@") and not (after is not None and after.is_mark(b"="))
        for token, after in pairs
    )


def _writes(token: Token) -> bool:
    text = decoded(token.text)
    if token.kind != STRING:
        return False
    body = _OPENING.sub("", text, count=1)
    return not _TEXT_THAT_DEFINES.match(body) and _TEXT_THAT_WRITES.search(body) is not None


def _of_functions(tokens: Sequence[Token]) -> str | None:
    """PostgreSQL's functions may write; its own, and those that dumps call, are known not to."""
    for position in range(1, len(tokens) - 1):
        token, before = tokens[position], tokens[position - 1]
        if (
            not tokens[position + 1].is_mark(b"(")
            or token.kind not in (WORD, NAME)
            or token.is_word(*_HARMLESS_FUNCTIONS)
        ):
            continue
        is_own = before.is_mark(b".") and tokens[position - 2].is_word(b"PG_CATALOG")
        if not is_own:
            return CALLS.format("SELECT")
    return None
