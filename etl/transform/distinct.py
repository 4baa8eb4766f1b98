"""Works on distinct values: what depends on a value alone is computed once for each value and spread over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_SAMPLE_ROWS = 2048
_WORTHWHILE = 0.5


@dataclass(frozen=True, slots=True)
class Lane:
    """A column as distinct ``values`` and the ``indices`` of each row into them, or plain where ``indices`` is None."""

    values: pa.Array
    indices: pa.Array | None = None

    def spread(self, values: pa.Array | None = None) -> pa.Array:
        """One value a row; of this lane, or of other values that stand in the same places."""
        chosen = self.values if values is None else values
        return chosen if self.indices is None else pc.take(chosen, self.indices)

    def with_values(self, values: pa.Array) -> Lane:
        """The lane with other values in the same places."""
        return Lane(values, self.indices)


def lane(column: pa.Array) -> Lane:
    """The column, distinct where a sample of it shows that this saves work."""
    sample = column.slice(0, _SAMPLE_ROWS)
    if len(column) == 0 or pc.count_distinct(sample, mode="all").as_py() > _WORTHWHILE * len(sample):
        return Lane(column)
    return distinct_lane(column)


def distinct_lane(column: pa.Array) -> Lane:
    """The column as distinct values, null being one of them."""
    return Lane(*_encoded(column))


def _encoded(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    encoded = column.dictionary_encode(null_encoding="encode")
    return encoded.dictionary, encoded.indices.cast(pa.int64())


def combinations(columns: Sequence[pa.Array]) -> tuple[list[pa.Array], pa.Array]:
    """The distinct combinations of several columns as parallel columns, and the number of each row's combination."""
    values, code = _encoded(columns[0])
    found = [values]
    for column in columns[1:]:
        values, indices = _encoded(column)
        width = max(len(values), 1)
        pairs, code = _encoded(pc.add(pc.multiply(code, width), indices))
        left = pc.divide(pairs, width)
        right = pc.subtract(pairs, pc.multiply(left, width))
        found = [*(pc.take(each, left) for each in found), pc.take(values, right)]
    return found, code
