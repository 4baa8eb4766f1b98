"""JSON lines as a source: one object a line, nested objects flattened with dots, lists kept as the JSON they are.

The columns are known only at the end of the file, so it is read twice: for the names, then for the rows. Numbers keep the
places they are written with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from etl.core.batching import rebatch
from etl.core.errors import SourceUnreadable
from etl.core.ports import TableFacts
from etl.sources.encoding import BLOCK_BYTES, proved_encoding, text_blocks
from etl.sources.names import check_columns
from etl.sources.opened import FilePattern, hashed, steady
from etl.sources.placed_rows import PlacedRows
from etl.sources.sql_text import plain_decimal
from etl.sources.text_lines import numbered_lines

_MOST_COLUMNS = 2_000
_LARGEST_EXPONENT = 400


class NotOneObject(ValueError):
    """The line is not one JSON object whose every name stands once."""


class JsonLinesSource:
    """The files that match a pattern; a table's name is its file's stem."""

    def __init__(self, name: str, pattern: str) -> None:
        self.name = name
        self._files = FilePattern(name, pattern)
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The stems of the files, sorted. Raises SourceUnavailable if no file matches."""
        return sorted(self._files.paths())

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the lines; see :meth:`etl.core.ports.Source.read`."""
        return rebatch(self._read(table, self._files.path(table)), batch_rows)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end."""
        return self._facts[table]

    def _read(self, table: str, path: Path) -> Iterator[pa.RecordBatch]:
        place = f"{self.name}.{table} ({path.name})"
        digest = hashlib.sha256()
        with steady(path, place) as stream:
            encoding = proved_encoding(stream, place)
            columns = _columns(stream, encoding, place)
            stream.seek(0)
            rows = PlacedRows(columns)
            for line, text in numbered_lines(text_blocks(hashed(stream, digest), encoding)):
                _add(rows, columns, line, text)
                if rows.is_full:
                    yield from rows.taken()
            yield from rows.finished()
            size = stream.tell()
        self._facts[table] = TableFacts(path.name, encoding, size, digest.hexdigest())


def flat(text: str) -> dict[str, str | None]:
    """The cells of one line by column. Raises NotOneObject.

    >>> flat('{"ID": 1, "name": {"first": "Ann", "age": 1.50}, "tags": [1, "a"], "gone": null}')
    {'ID': '1', 'name.first': 'Ann', 'name.age': '1.50', 'tags': '[1,"a"]', 'gone': None}
    """
    try:
        parsed = json.loads(
            text, object_pairs_hook=_named_once, parse_int=_number, parse_float=_number, parse_constant=_refused
        )
        if not isinstance(parsed, dict):
            raise NotOneObject
        cells: dict[str, str | None] = {}
        _flatten(parsed, "", cells)
    except (ValueError, RecursionError):
        raise NotOneObject from None
    return cells


def _columns(stream: BinaryIO, encoding: str, place: str) -> list[str]:
    """All names in the order in which they first appear. Raises SourceUnreadable if there are none or too many."""
    stream.seek(0)
    found: dict[str, None] = {}
    blocks = iter(lambda: stream.read(BLOCK_BYTES), b"")
    for _, text in numbered_lines(text_blocks(blocks, encoding)):
        found |= dict.fromkeys(_cells(text) or ())
        if len(found) > _MOST_COLUMNS:
            hint = "Write one object a record, with the same names in each."
            raise SourceUnreadable(f"{place} has more than {_MOST_COLUMNS} columns.", hint=hint)
    if not found:
        raise SourceUnreadable(f"{place} holds no JSON object.", hint="Write one object a line.")
    check_columns(list(found), place)
    return list(found)


def _cells(text: str | None) -> dict[str, str | None] | None:
    try:
        return flat(text) if text and text.strip() else None
    except NotOneObject:
        return None


def _add(rows: PlacedRows, columns: Sequence[str], line: int, text: str | None) -> None:
    if text is None:
        rows.add_damaged(line, "oversized_row")
        return
    if not text.strip():
        return
    cells = _cells(text)
    if cells is None:
        rows.add_damaged(line, "broken_record")
    else:
        rows.add(line, [cells.get(column) for column in columns])


def _flatten(parsed: Mapping[str, object], prefix: str, cells: dict[str, str | None]) -> None:
    for name, value in parsed.items():
        column = f"{prefix}{name}"
        if isinstance(value, dict):
            _flatten(value, f"{column}.", cells)
        elif column in cells:
            raise NotOneObject
        else:
            cells[column] = _cell(value)


def _cell(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _json(value)


def _json(value: object) -> str:
    """The JSON of a value, without blanks."""
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(name)}:{_json(each)}" for name, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _named_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise NotOneObject
    return named


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if abs(number.adjusted()) > _LARGEST_EXPONENT and number:
        raise NotOneObject
    return number


def _refused(_: str) -> object:
    raise NotOneObject
