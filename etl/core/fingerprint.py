"""Fingerprints of records, a column at a time.

A record's fingerprint is a keyed hash over its field hashes; the field hashes stand in one blob, twelve bytes a sent
field in the order of the field names: four that name the field, eight that stand for its value. So a later run can tell
which fields changed, and state holds no value. References count as record keys, look-ups as labels.

A blob says what was last written into each field. So a field that has become empty keeps its entry: that of the value
which Casebook still holds, or that of nothing once the field was cleared there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.keys import RecordKeys

NAME_BYTES = 4
ENTRY_BYTES = 12
_LIST_SEPARATOR = "\x1f"


def field_name_hash(keys: RecordKeys, field: str) -> bytes:
    """The four bytes that name a field in a blob."""
    return keys.field_hash("", field)[:NAME_BYTES]


def canonical_text(column: pa.Array) -> pa.Array:
    """A column as the text that is hashed; blank text is null, so that it counts as absent.

    >>> canonical_text(pa.array([True, None])).to_pylist()
    ['true', None]
    """
    if pa.types.is_list(column.type):
        joined = pc.binary_join(column, _LIST_SEPARATOR)
        return _blank_to_null(joined)
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    return _blank_to_null(pc.cast(column, pa.string()))


def field_hashes(keys: RecordKeys, columns: Mapping[str, pa.Array]) -> pa.Array:
    """The blob of every row: hashing is done once a distinct value."""
    entries = [_entries(keys, name, canonical_text(columns[name])) for name in sorted(columns)]
    if not entries:
        return pa.array([], pa.binary())
    return pc.binary_join_element_wise(*entries, b"")


@dataclass(frozen=True, slots=True)
class Difference:
    """The fields a PATCH carries: those with another value, and those that are to be emptied."""

    changed: tuple[str, ...]
    cleared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is written for a record once it is updated: its blob; the fields that were ``cleared`` and are to be empty in
    Casebook; and those whose earlier value is ``left`` there though they are empty now.
    """

    blob: bytes
    cleared: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class FieldBlobs:
    """Compares blobs among these fields; where one has become empty, ``clearing`` fields are cleared and others left."""

    def __init__(self, keys: RecordKeys, fields: Iterable[str], clearing: Collection[str] = ()) -> None:
        names = sorted(fields)
        self._names = {field: field_name_hash(keys, field) for field in names}
        self._nothing = {field: keys.field_hash(field, "") for field in names}
        self._clearing = frozenset(clearing)

    def difference(self, before: bytes, now: bytes) -> Difference:
        """What an update has to send so that ``now`` stands where ``before`` did."""
        old, new = _split(before), _split(now)
        other = [field for field, name in self._names.items() if name in new and new[name] != old.get(name)]
        cleared = tuple(field for field in other if new[self._names[field]] == self._nothing[field])
        return Difference(tuple(field for field in other if field not in cleared), cleared)

    def standing(self, before: bytes, now: bytes) -> Standing:
        """What is written once what a record is ``now`` is sent over what was written ``before``."""
        old, new = _split(before), _split(now)
        entries, cleared, left = [], [], []
        for field, name in self._names.items():
            value = new.get(name, old.get(name))
            if value is None:
                continue
            if name not in new and (field in self._clearing or value == self._nothing[field]):
                value = self._nothing[field]
                cleared.append(field)
            elif name not in new:
                left.append(field)
            entries.append(name + value)
        return Standing(b"".join(entries), tuple(cleared), tuple(left))

    def kept(self, before: bytes, now: bytes, fields: Collection[str]) -> bytes:
        """``now``, but for these fields, of which stands what was written ``before``."""
        old, new = _split(before), _split(now)
        entries = ((name, (old if field in fields else new).get(name)) for field, name in self._names.items())
        return b"".join(name + value for name, value in entries if value is not None)


def entry_of(keys: RecordKeys, blob: bytes, field: str) -> bytes | None:
    """What a blob says of a field, None where it says nothing."""
    return _split(blob).get(field_name_hash(keys, field))


def without(keys: RecordKeys, blob: bytes, fields: Collection[str]) -> bytes:
    """A blob without these fields."""
    gone = {field_name_hash(keys, field) for field in fields}
    return b"".join(name + value for name, value in _split(blob).items() if name not in gone)


def _entries(keys: RecordKeys, field: str, texts: pa.Array) -> pa.Array:
    encoded = pc.dictionary_encode(texts)
    name = field_name_hash(keys, field)
    hashed = [name + keys.field_hash(field, text) for text in encoded.dictionary.to_pylist()]
    return pc.fill_null(pc.take(pa.array(hashed, pa.binary()), encoded.indices), b"")


def _split(blob: bytes) -> dict[bytes, bytes]:
    starts = range(0, len(blob), ENTRY_BYTES)
    return {blob[at : at + NAME_BYTES]: blob[at + NAME_BYTES : at + ENTRY_BYTES] for at in starts}


def _blank_to_null(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
