"""Record keys of whole columns: one hash for each distinct legacy key."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.keys import RecordKeys, canonical_part
from etl.transform.distinct import combinations, lane

KEY_SEPARATOR = " | "


def record_keys(keys: RecordKeys, entity: str, space: str, parts: Sequence[pa.Array]) -> pa.Array:
    """The record key of each row's key parts (text columns); null where a part is blank."""
    prefix = keys.key_space(entity, space)
    if len(parts) == 1:
        found = lane(parts[0])
        return found.spread(pa.array([_key(keys, prefix, (part,)) for part in found.values.to_pylist()], pa.string()))
    distinct, indices = combinations(parts)
    rows = zip(*(column.to_pylist() for column in distinct), strict=True)
    return pc.take(pa.array([_key(keys, prefix, row) for row in rows], pa.string()), indices)


def _key(keys: RecordKeys, prefix: bytes, parts: tuple[str | None, ...]) -> str | None:
    present = [part for part in parts if part is not None and canonical_part(part)]
    return keys.record_key_in(prefix, present) if len(present) == len(parts) else None


def shown_keys(parts: Sequence[pa.Array]) -> pa.Array:
    """The legacy key as text: its trimmed parts in a row."""
    trimmed = [pc.utf8_trim_whitespace(part) for part in parts]
    return trimmed[0] if len(trimmed) == 1 else pc.binary_join_element_wise(*trimmed, KEY_SEPARATOR)
