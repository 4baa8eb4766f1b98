"""What is kept of an intake so that a later one can be compared with it: counts, columns, and codes as salted hashes.

The file holds no value of any cell. Each file has a salt of its own, so that two of them tell nothing to each other.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, ValidationError

from etl.core.errors import SettingsError
from etl.core.intake import Certificate, Column, Observation, Table, Tally
from etl.core.problems import Severity

_SHRUNKEN, _GROWN = 0.9, 1.5
_HASH_BYTES = 8
_SHOWN = 5


class KeptColumn(BaseModel):
    """A column; ``codes`` are the salted hashes of all its values, None where it held more than codes."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    codes: tuple[str, ...] | None


class KeptTable(BaseModel):
    """A table with its number of rows."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    rows: int
    sha256: str
    columns: tuple[KeptColumn, ...]


class Fingerprint(BaseModel):
    """An intake as it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    form: int = 1
    taken: str
    salt: str
    tables: tuple[KeptTable, ...]


def fingerprint_of(certificate: Certificate) -> Fingerprint:
    """What is to be kept of an intake, with a fresh salt."""
    salt = secrets.token_hex(16)
    tables = tuple(
        KeptTable(
            name=table.name,
            rows=table.rows,
            sha256=table.sha256,
            columns=tuple(_kept(column, salt) for column in table.columns),
        )
        for table in certificate.tables
    )
    return Fingerprint(taken=certificate.taken, salt=salt, tables=tables)


def read_fingerprint(content: bytes, place: str) -> Fingerprint:
    """A fingerprint out of a file's bytes. Raises SettingsError that names ``place``."""
    try:
        found = Fingerprint.model_validate_json(content)
    except ValidationError:
        found = None
    if found is None or found.form != 1:
        hint = "Give a file that `inspect --save` has written."
        raise SettingsError(f"{place} is no fingerprint of an intake.", hint=hint)
    return found


def compared(certificate: Certificate, earlier: Fingerprint, *, reveal: bool = False) -> Certificate:
    """The certificate with what has changed since an earlier intake; new codes show their shapes, or with ``reveal``
    themselves.
    """
    changes = (
        *_tables(certificate, earlier),
        *(
            change
            for table in certificate.tables
            for kept in earlier.tables
            if kept.name == table.name
            for change in (*_rows(table, kept), *_columns(table, kept, earlier.salt, reveal=reveal))
        ),
    )
    return replace(certificate, observations=(*certificate.observations, *changes), compared_with=earlier.taken)


def has_shrunken(rows: int, before: int) -> bool:
    """Whether a table has clearly fewer rows than before."""
    return rows < _SHRUNKEN * before


def is_known(value: str, known: frozenset[str], salt: str) -> bool:
    """Whether a value, without its outer blanks, is among the codes that were kept as hashes."""
    return _hash(value, salt) in known


def _kept(column: Column, salt: str) -> KeptColumn:
    codes = tuple(sorted(_hash(each.text, salt) for each in column.codes)) if column.codes else None
    return KeptColumn(name=column.name, codes=codes)


def _hash(value: str, salt: str) -> str:
    return hashlib.blake2b(value.encode(), key=bytes.fromhex(salt), digest_size=_HASH_BYTES).hexdigest()


def _tables(certificate: Certificate, earlier: Fingerprint) -> Iterator[Observation]:
    now = {table.name for table in certificate.tables} | set(certificate.unreadable)
    before = {table.name for table in earlier.tables}
    yield from (Observation("new_table", Severity.WARN, name) for name in sorted(now - before))
    yield from (Observation("lost_table", Severity.BLOCK, name) for name in sorted(before - now))


def _rows(table: Table, kept: KeptTable) -> Iterator[Observation]:
    detail = f"{kept.rows:,} rows then, {table.rows:,} now"
    if has_shrunken(table.rows, kept.rows):
        yield Observation("shrunken", Severity.BLOCK, table.name, count=kept.rows - table.rows, detail=detail)
    elif table.rows > _GROWN * kept.rows:
        yield Observation("grown", Severity.WARN, table.name, count=table.rows - kept.rows, detail=detail)


def _columns(table: Table, kept: KeptTable, salt: str, *, reveal: bool) -> Iterator[Observation]:
    before = {column.name: column.codes for column in kept.columns}
    now = [column.name for column in table.columns]
    yield from (Observation("new_column", Severity.WARN, table.name, name) for name in now if name not in before)
    yield from (Observation("lost_column", Severity.BLOCK, table.name, name) for name in before if name not in now)
    for column in table.columns:
        known = before.get(column.name)
        if known is not None:
            yield from _codes(table.name, column, frozenset(known), salt, reveal=reveal)


def _codes(table: str, column: Column, known: frozenset[str], salt: str, *, reveal: bool) -> Iterator[Observation]:
    """New codes; a column that held codes and now holds more than codes has certainly new ones."""
    new = [each for each in column.codes if not is_known(each.text, known, salt)]
    if new:
        shown = ", ".join(_shown(each, reveal=reveal) for each in new[:_SHOWN])
        more = f" and {len(new) - _SHOWN:,} more" if len(new) > _SHOWN else ""
        detail = f"{shown}{more}"
        yield Observation("new_codes", Severity.WARN, table, column.name, sum(each.rows for each in new), detail)
    elif not column.codes and column.distinct > len(known):
        detail = f"{len(known):,} values then, {column.distinct:,} now"
        yield Observation("new_codes", Severity.WARN, table, column.name, column.distinct - len(known), detail)


def _shown(code: Tally, *, reveal: bool) -> str:
    return f"{code.text if reveal else _shape(code.text)} ({code.rows:,})"


def _shape(text: str) -> str:
    """Digits as 9, letters as a.

    >>> _shape("Ab-12")
    'aa-99'
    """
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text))
