"""The one text form of a dump's values, by the type that CREATE TABLE declares.

The forms themselves are those of databases (:mod:`etl.sources.sql_text`); here the types of each dialect are told to
them, and literals are turned into what a driver would have given.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa

from etl.sources.dumps.tokens import MYSQL, POSTGRES, TSQL
from etl.sources.sql_text import Renderer, plain_float, renderer, text_of
from etl.sources.table_schema import DeclaredType

_BOOLEANS = {TSQL: {"bit"}, POSTGRES: {"boolean", "bool"}, MYSQL: {"boolean", "bool"}}
_DECIMALS = {"decimal", "numeric", "dec", "fixed", "number"}
_FLOATS = {"float", "real", "double", "double precision", "float4", "float8"}
_CHARS = {"char", "nchar", "character", "bpchar"}
_MOMENTS = {"datetime", "datetime2", "smalldatetime", "datetimeoffset", "timestamp", "time", "timestamp without time zone",
            "time without time zone", "time with time zone"}  # fmt: skip
_INSTANTS = {"timestamp with time zone", "timestamptz"}
_SURPLUS_ZEROS = re.compile(r"(\.\d{6})0+(?!\d)")
_TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}

_boolean = renderer(sa.Boolean())
_moment = renderer(sa.DateTime())


def text_form(declared: DeclaredType, dialect: str) -> Renderer:
    """What turns literals of a declared type into text."""
    name, arguments = declared.name, declared.arguments
    if name in _BOOLEANS[dialect] or (dialect == MYSQL and _is_mysql_boolean(declared)):
        return _boolean_text
    if name in _DECIMALS and arguments:
        return renderer(sa.Numeric(arguments[0], arguments[1] if len(arguments) > 1 else 0))
    if name in _FLOATS:
        return _float_text
    if name in _CHARS:
        return renderer(sa.CHAR())
    if name in _INSTANTS and dialect == POSTGRES:
        return _instant_text
    return _moment_text if name in _MOMENTS else text_of


def _is_mysql_boolean(declared: DeclaredType) -> bool:
    return declared in (DeclaredType("tinyint", (1,)), DeclaredType("bit", (1,)), DeclaredType("bit"))


def _boolean_text(value: object) -> str | None:
    if isinstance(value, bytes) and len(value) == 1:
        value = value[0]
    known = _TRUTH.get(value.lower(), value) if isinstance(value, str) else value
    return _boolean(known)


def _float_text(value: object) -> str | None:
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        return text_of(value)
    try:
        return plain_float(float(value))
    except ValueError:
        return str(value)


def _moment_text(value: object) -> str | None:
    return _moment(_SURPLUS_ZEROS.sub(r"\1", value) if isinstance(value, str) else value)


def _instant_text(value: object) -> str | None:
    """In UTC, as a session in UTC shows it: the zone in a dump is that of whoever made it."""
    text = _moment_text(value)
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return text
    return _moment_text(moment.astimezone(UTC).isoformat()) if moment.tzinfo else text
