"""Looks whether the indexes of a state database name the rows that are there, as far as a second POST could hang on it.

SQLite's own search looks each row up in each index, which takes seconds for a million records. Read once in the order of the
rows and once in the order of the index, the same is seen in a fraction of it. "No" means only that SQLite has to search.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterator
from itertools import pairwise, zip_longest
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from etl.state.tables import NOT_CREATED

_DIGITS = 32
_KEY = np.dtype("S16")
_BLOCK = 65_536
_RANGES = tuple(pairwise("0123456789abcdefg"))
"""Keys are hexadecimal: these parts of them are about equal. Any other key is in none, and the counts differ."""
_JOINED = "SELECT count(*), group_concat(rk, ''), group_concat(rowid) FROM records "
_BY_INDEX = _JOINED + "INDEXED BY sqlite_autoindex_records_1 WHERE rk >= ? AND rk < ?"
_BY_ROW = _JOINED + "NOT INDEXED WHERE rowid > ? AND rowid <= ?"
_LAST = "SELECT coalesce(max(rowid), 0) FROM records"
_OPEN = f"SELECT state, entity, rk, rowid FROM records {{}} WHERE {NOT_CREATED} ORDER BY state, entity, rk"  # noqa: S608 - our own words

_Part: TypeAlias = "tuple[int, str | None, str | None]"
_Entries: TypeAlias = "tuple[npt.NDArray[np.bytes_], npt.NDArray[np.int64]]"


def indexes_agree(connection: Connection) -> bool:
    """Whether each row is found by its key, each key leads to its own row, and no open record is missing among the open."""
    try:
        return _keys_agree(connection) and _open_records_agree(connection)
    except (DBAPIError, ValueError):
        return False


def _keys_agree(connection: Connection) -> bool:
    keys, rows = _entries(_part(connection, _BY_INDEX, *each) for each in _RANGES)
    own_keys, own_rows = _entries(_blocks(connection, len(rows)))
    if len(rows) != len(own_rows) or not np.all(keys[:-1] < keys[1:]):
        return False
    order = np.argsort(rows, kind="stable")
    return bool(np.array_equal(rows[order], own_rows) and np.array_equal(keys[order], own_keys))


def _blocks(connection: Connection, count: int) -> Iterator[_Part]:
    last = int(connection.exec_driver_sql(_LAST).scalar_one())
    if last > 2 * count:
        raise ValueError
    for start in range(0, last, _BLOCK):
        yield _part(connection, _BY_ROW, start, start + _BLOCK)


def _part(connection: Connection, query: str, start: object, end: object) -> _Part:
    count, keys, rows = connection.exec_driver_sql(query, (start, end)).one()
    return count, keys, rows


def _entries(parts: Iterator[_Part]) -> _Entries:
    """Keys and numbers of rows, in the order in which they come. Raises ValueError for keys of another form."""
    keys, rows = [np.empty(0, _KEY)], [np.empty(0, np.int64)]
    for count, joined, numbers in parts:
        if joined is None or numbers is None:
            continue
        if len(joined) != count * _DIGITS or joined != joined.lower():
            raise ValueError
        keys.append(np.frombuffer(unhexlify(joined), _KEY))
        rows.append(np.fromstring(numbers, np.int64, sep=","))
    return np.concatenate(keys), np.concatenate(rows)


def _open_records_agree(connection: Connection) -> bool:
    listed = connection.exec_driver_sql(_OPEN.format("INDEXED BY records_open"))
    there = connection.exec_driver_sql(_OPEN.format("NOT INDEXED"))
    return all(one == other for one, other in zip_longest(listed, there))
