"""Columns of numbers that count, anywhere on the line: made as a whole, because Arrow asks a ``range`` for each number."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def whole_numbers(count: int, first: int = 0) -> pa.Int64Array:
    """``count`` numbers from ``first`` on.

    >>> whole_numbers(3, first=7).to_pylist()
    [7, 8, 9]
    """
    return pa.array(np.arange(first, first + count, dtype=np.int64))
