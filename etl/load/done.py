"""The records that are created already, so that a load that goes on skips them without making one object for each.

Sixteen bytes a record, sorted and exact: a million take 16 MB and a third of a second, where asking state about each in
turn would take longer than the first request may wait.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_DIGITS = 32
_HALVES = np.dtype((">u8", (2,)))
"""A key as two numbers, which are sorted and searched several times as fast as texts are."""
_Halves: TypeAlias = "tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]"


class CreatedKeys:
    """A fixed set of record keys; ``texts`` bring them in any order, with nothing between them."""

    def __init__(self, texts: Iterable[str]) -> None:
        first, rest = _halves(b"".join(map(unhexlify, texts)))
        order = np.argsort(first)
        self._first, self._rest = first[order], rest[order]
        self._alike = _most_alike(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def contains(self, column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
        """Which of a column's keys are in the set; the column holds a key in each row."""
        found = np.zeros(len(column), np.bool_)
        if len(self) and len(column):
            first, rest = _halves(_packed(column))
            # Searched in their own order: a jump for each through so long an array costs three times as much.
            order = np.argsort(first)
            start = np.searchsorted(self._first, first[order])
            for step in range(self._alike):
                place = np.minimum(start + step, len(self) - 1)
                found[order] |= (self._first[place] == first[order]) & (self._rest[place] == rest[order])
        return found


def _packed(column: pa.ChunkedArray) -> bytes:
    """The keys of a column, sixteen bytes each, without a text for any of them."""
    texts = column.cast(pa.binary()).cast(pa.binary(_DIGITS)).combine_chunks()
    start = texts.offset * _DIGITS
    return unhexlify(texts.buffers()[1][start : start + len(texts) * _DIGITS])


def _halves(packed: bytes) -> _Halves:
    numbers = np.frombuffer(packed, _HALVES).astype(np.uint64)
    return np.ascontiguousarray(numbers[:, 0]), np.ascontiguousarray(numbers[:, 1])


def _most_alike(first: npt.NDArray[np.uint64]) -> int:
    """How many keys share their first half at the most, of sorted ones: one, as good as always."""
    is_repeated = bool((first[1:] == first[:-1]).any())
    return int(np.unique_counts(first).counts.max()) if is_repeated else 1
