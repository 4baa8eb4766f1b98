"""Record keys of whole columns: one hash for each distinct legacy key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from etl.core.keys import KEY_DIGITS, RecordKeys, canonical_part
from etl.transform.distinct import combinations, lane

KEY_SEPARATOR = " | "
_ASCII_BLANKS = " \t\n\v\f\r\x1c\x1d\x1e\x1f"
"""What ``str.strip`` takes away of ASCII."""


def record_keys(keys: RecordKeys, entity: str, space: str, parts: Sequence[pa.Array]) -> pa.Array:
    """The record key of each row's key parts (text columns); null where a part is blank."""
    if len(parts) == 1:
        found = lane(parts[0])
        return found.spread(_keys_of(keys, entity, space, [found.values]))
    distinct, indices = combinations(parts)
    return pc.take(_keys_of(keys, entity, space, distinct), indices)


def _keys_of(keys: RecordKeys, entity: str, space: str, parts: Sequence[pa.Array]) -> pa.Array:
    identities = identities_of(parts)
    is_there = identities.is_valid()
    made = _column_of(keys.digits(entity, space, identities.drop_null().to_pylist()))
    return (
        made
        if not identities.null_count
        else pc.replace_with_mask(pa.nulls(len(identities), pa.string()), is_there, made)
    )


def _column_of(digits: str) -> pa.StringArray:
    """The keys of one text."""
    offsets = np.arange(0, len(digits) + 1, KEY_DIGITS, dtype=np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(digits.encode()))


def identities_of(parts: Sequence[pa.Array]) -> pa.BinaryArray:
    """What :func:`etl.core.keys.identity_of` gives for each row; null where a part is blank."""
    pieces = [piece for part in parts for piece in _framed(_canonical(part))]
    return pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.binary()))


def _canonical(part: pa.Array) -> pa.Array:
    """Canonical parts, null where blank. Columns of ASCII alone need no look at each value."""
    if pc.all(pc.string_is_ascii(part)).as_py() is not False:
        made = pc.ascii_trim(part, characters=_ASCII_BLANKS)
    else:
        made = pa.array([None if text is None else canonical_part(text) for text in part.to_pylist()], pa.string())
    return pc.if_else(pc.equal(made, ""), pa.scalar(None, pa.string()), made)


def _framed(part: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Lengths as four bytes, and the texts as bytes."""
    lengths = pc.fill_null(pc.binary_length(part), 0).to_numpy(zero_copy_only=False).astype(np.dtype(">u4"))
    prefix = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4), len(part), [None, pa.py_buffer(lengths.tobytes())])
    return prefix.cast(pa.binary()), part.cast(pa.binary())


def shown_keys(parts: Sequence[pa.Array]) -> pa.Array:
    """The legacy key as text: its trimmed parts in a row."""
    trimmed = [pc.utf8_trim_whitespace(part) for part in parts]
    return trimmed[0] if len(trimmed) == 1 else pc.binary_join_element_wise(*trimmed, KEY_SEPARATOR)
