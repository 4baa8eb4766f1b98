"""Fingerprints of records, a column at a time.

A record's fingerprint is a keyed hash over its field hashes; the field hashes stand in one blob, twelve bytes a sent
field, at first in the order of the field names: four that name the field, eight that stand for its value. So a later run
can tell which fields changed, and state holds no value. References count as record keys, look-ups as labels.

A blob says what was last written into each field, also into one that has left the mapping since. So a field that has
become empty keeps its entry: that of the value which Casebook still holds, or that of nothing once the field was cleared
there. A link that is only promised has a second entry, of what Casebook holds until it is set.
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
_UNTIL_SET = "\x1f"
"""Behind a field's name: what its link holds in Casebook until the promised one is set."""
_UNKNOWN = bytes(ENTRY_BYTES - NAME_BYTES)
"""The entry of a value that nobody knows; no value has it."""


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
        self._until_set = {field: _name_until_set(keys, field) for field in names}
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
        written, cleared, left = old | new, [], []
        for field, name in self._names.items():
            if name in new or name not in old:
                continue
            if field in self._clearing or old[name] == self._nothing[field]:
                written[name] = self._nothing[field]
                written.pop(self._until_set[field], None)
                cleared.append(field)
            else:
                left.append(field)
        return Standing(before if written == old else _joined(written), tuple(cleared), tuple(left))

    def promised(self, before: bytes, now: bytes, links: Iterable[str]) -> bytes:
        """``now``, which only promises these links: what was written ``before`` stays in Casebook until they are set."""
        old, new = _split(before), _split(now)
        for field in links:
            held = old.get(self._names[field], self._nothing[field])
            new.pop(self._until_set[field], None)
            if held != self._nothing[field]:
                new[self._until_set[field]] = held
        return _joined(new)


def entry_of(keys: RecordKeys, blob: bytes, field: str) -> bytes | None:
    """What a blob says of a field, None where it says nothing."""
    return _split(blob).get(field_name_hash(keys, field))


def without(keys: RecordKeys, blob: bytes, fields: Collection[str]) -> bytes:
    """A blob without these fields."""
    return kept(keys, b"", blob, fields)


def kept(keys: RecordKeys, before: bytes, now: bytes, fields: Collection[str]) -> bytes:
    """``now``, but for these fields, of which stands what was written ``before``."""
    names = {name(keys, field) for field in fields for name in (field_name_hash, _name_until_set)}
    entries = {name: value for name, value in _split(now).items() if name not in names}
    return _joined(entries | {name: value for name, value in _split(before).items() if name in names})


def unpromised(keys: RecordKeys, blob: bytes, links: Collection[str]) -> bytes:
    """A blob as it is where these links were promised and are not set: of each stands what Casebook holds, if anything."""
    entries = _split(blob)
    for field in links:
        entries.pop(field_name_hash(keys, field), None)
        held = entries.pop(_name_until_set(keys, field), None)
        if held is not None:
            entries[field_name_hash(keys, field)] = held
    return _joined(entries)


def with_unknown_values(blob: bytes, names: Collection[bytes] | None = None) -> bytes:
    """The blob where something was written that nobody knows into each of its fields, or into those of these names: whatever
    comes next is another value.
    """
    entries = _split(blob)
    return _joined(entries | dict.fromkeys(entries if names is None else names, _UNKNOWN))


def _name_until_set(keys: RecordKeys, field: str) -> bytes:
    return field_name_hash(keys, field + _UNTIL_SET)


def _entries(keys: RecordKeys, field: str, texts: pa.Array) -> pa.Array:
    encoded = pc.dictionary_encode(texts)
    name = field_name_hash(keys, field)
    hashed = [name + keys.field_hash(field, text) for text in encoded.dictionary.to_pylist()]
    return pc.fill_null(pc.take(pa.array(hashed, pa.binary()), encoded.indices), b"")


def _split(blob: bytes) -> dict[bytes, bytes]:
    starts = range(0, len(blob), ENTRY_BYTES)
    return {blob[at : at + NAME_BYTES]: blob[at + NAME_BYTES : at + ENTRY_BYTES] for at in starts}


def _joined(entries: Mapping[bytes, bytes]) -> bytes:
    return b"".join(name + value for name, value in entries.items())


def _blank_to_null(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
