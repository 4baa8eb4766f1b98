"""Looks whether the indexes of a state database name the rows that are there, as far as a second POST could hang on it.

SQLite's own search looks each row up in each index, which takes seconds for a million records. Read once in the order of the
rows and once in the order of the index, the same is seen in a fraction of it. "No" means only that SQLite has to search.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterator
from itertools import pairwise, zip_longest

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
_JOINED = "SELECT count(*), group_concat(rk, ''), group_concat(rowid), max(rowid) FROM "
_BY_INDEX = (
    _JOINED + "(SELECT rk, rowid FROM records INDEXED BY sqlite_autoindex_records_1 WHERE rk >= ? AND rk < ? ORDER BY rk)"
)
_BY_ROW = _JOINED + f"(SELECT rk, rowid FROM records NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT {_BLOCK})"
_OPEN = f"SELECT state, entity, rk, rowid FROM records {{}} WHERE {NOT_CREATED} ORDER BY state, entity, rk"  # noqa: S608 - our own words

_Entries = tuple[npt.NDArray[np.bytes_], npt.NDArray[np.int64]]


def indexes_agree(connection: Connection) -> bool:
    """Whether each row is found by its key, each key leads to its own row, and no open record is missing among the open."""
    try:
        return _keys_agree(connection) and _open_records_agree(connection)
    except (DBAPIError, ValueError):
        return False


def _keys_agree(connection: Connection) -> bool:
    keys, rows = _entries(connection.exec_driver_sql(_BY_INDEX, each).one() for each in _RANGES)
    own_keys, own_rows = _entries(_blocks(connection))
    if len(rows) != len(own_rows) or not np.all(keys[:-1] < keys[1:]):
        return False
    order = np.argsort(rows, kind="stable")
    return bool(np.array_equal(rows[order], own_rows) and np.array_equal(keys[order], own_keys))


def _blocks(connection: Connection) -> Iterator[tuple[int, str | None, str | None, int | None]]:
    last: int | None = -1
    while last is not None:
        count, keys, rows, last = connection.exec_driver_sql(_BY_ROW, (last,)).one()
        yield count, keys, rows, last


def _entries(parts: Iterator[tuple[int, str | None, str | None, int | None]]) -> _Entries:
    """Keys and numbers of rows, in the order in which they come. Raises ValueError for keys of another form."""
    keys, rows = [np.empty(0, _KEY)], [np.empty(0, np.int64)]
    for count, joined, numbers, _ in parts:
        if count:
            if len(joined or "") != count * _DIGITS:
                raise ValueError
            keys.append(np.frombuffer(unhexlify(joined or ""), _KEY))
            rows.append(np.fromstring(numbers or "", np.int64, sep=","))
    return np.concatenate(keys), np.concatenate(rows)


def _open_records_agree(connection: Connection) -> bool:
    listed = connection.exec_driver_sql(_OPEN.format("INDEXED BY records_open"))
    there = connection.exec_driver_sql(_OPEN.format("NOT INDEXED"))
    return all(one == other for one, other in zip_longest(listed, there))
