"""Record keys of whole columns: one hash for each distinct legacy key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.keys import RecordKey, RecordKeys
from etl.transform.distinct import combinations, lane

KEY_SEPARATOR = " | "


def record_keys(keys: RecordKeys, entity: str, space: str, parts: Sequence[pa.Array]) -> pa.Array:
    """The record key of each row's key parts (text columns); null where a part is blank."""
    make = keys.maker(entity, space)
    if len(parts) == 1:
        found = lane(parts[0])
        return found.spread(pa.array([_key(make, (part,)) for part in found.values.to_pylist()], pa.string()))
    distinct, indices = combinations(parts)
    rows = zip(*(column.to_pylist() for column in distinct), strict=True)
    return pc.take(pa.array([_key(make, row) for row in rows], pa.string()), indices)


def _key(make: Callable[[Sequence[str]], RecordKey], parts: tuple[str | None, ...]) -> RecordKey | None:
    present = [part for part in parts if part and part.strip()]
    return make(present) if len(present) == len(parts) else None


def shown_keys(parts: Sequence[pa.Array]) -> pa.Array:
    """The legacy key as text: its trimmed parts in a row."""
    trimmed = [pc.utf8_trim_whitespace(part) for part in parts]
    return trimmed[0] if len(trimmed) == 1 else pc.binary_join_element_wise(*trimmed, KEY_SEPARATOR)
