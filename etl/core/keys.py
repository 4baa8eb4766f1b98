"""Record keys: the keyed hash that stands for a legacy identity everywhere outside the run's own records.

A record key is HMAC-SHA-256 over the key form's version, the entity, the key space and the parts of the legacy key,
cut to 128 bits. The form is frozen: markers in Casebook are made from it, so a change would orphan every loaded record
(golden vectors in ``tests/core/test_keys.py``).
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NewType

import numpy as np

RecordKey = NewType("RecordKey", str)
"""32 lower-case hexadecimal digits."""

KEY_FORM = b"k1"
MARKER_PREFIX = "mg1-"
_RECORD_KEY_BYTES, _DIGEST_BYTES = 16, 32
KEY_DIGITS = 2 * _RECORD_KEY_BYTES
_MARKER_BYTES = 10
_MARKER_SHIFTS = range(8 * _MARKER_BYTES - 10, -1, -10)
_PAIRS = ["".join(pair) for pair in product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)]
"""Base 32 (RFC 4648) in lower case, ten bits at a time: a third of what the library takes, for every record sent."""
_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
"""HMAC's two paddings (RFC 2104), as tables for ``bytes.translate``."""


def canonical_part(part: str) -> str:
    """A key part as it is hashed: NFC, trimmed of outer blanks, never case-folded, leading zeros kept.

    >>> canonical_part("  0042 ")
    '0042'
    """
    return unicodedata.normalize("NFC", part).strip()


def identity_of(parts: Sequence[str]) -> bytes:
    r"""The parts of a legacy key as they are hashed: each in its canonical form, its length in four bytes before it.

    >>> identity_of(["7", " 0042 "])
    b'\x00\x00\x00\x017\x00\x00\x00\x040042'
    """
    return b"".join(_framed(canonical_part(part)) for part in parts)


def parts_of_identity(identity: bytes) -> list[str]:
    """The canonical parts that an identity was made of.

    >>> parts_of_identity(identity_of(["7", " 0042 "]))
    ['7', '0042']
    """
    parts = []
    while identity:
        length = int.from_bytes(identity[:4], "big")
        parts.append(identity[4 : 4 + length].decode())
        identity = identity[4 + length :]
    return parts


class RecordKeys:
    """Makes record keys, field hashes and the check value from one project key.

    >>> keys = RecordKeys(b"0" * 32)
    >>> keys.record_key("person", "people", ["7"]) == keys.record_key("person", "people", [" 7 "])
    True
    """

    def __init__(self, project_key: bytes) -> None:
        self._key = project_key

    def record_key(self, entity: str, space: str, parts: Sequence[str]) -> RecordKey:
        """The record key of a legacy identity; ``space`` is the mapping's name unless ``keys:`` says otherwise."""
        (key,) = self.record_keys(entity, space, [identity_of(parts)])
        return key

    def record_keys(self, entity: str, space: str, identities: Iterable[bytes]) -> list[RecordKey]:
        """The record keys of many identities (see :func:`identity_of`) of one entity and key space."""
        return keys_in(self.digits(entity, space, identities))

    def digits(self, entity: str, space: str, identities: Iterable[bytes]) -> str:
        """The same, one key after the other in one text, as columns are made of it.

        Written out instead of calling ``hmac.digest``, which takes three times the time: there is a key for every row.
        A copy of a hash that was begun is quicker than a new one.
        """
        key = self._key if len(self._key) <= _BLOCK_BYTES else hashlib.sha256(self._key).digest()
        block = key.ljust(_BLOCK_BYTES, b"\0")
        inner = hashlib.sha256(block.translate(_INNER) + KEY_FORM + _framed(entity) + _framed(space)).copy
        outer = hashlib.sha256(block.translate(_OUTER)).copy
        made: list[bytes] = []
        for each in identities:
            inside, outside = inner(), outer()
            inside.update(each)
            outside.update(inside.digest())
            made.append(outside.digest())
        whole = np.frombuffer(b"".join(made), np.uint8).reshape(-1, _DIGEST_BYTES)
        return whole[:, :_RECORD_KEY_BYTES].tobytes().hex()

    def field_hash(self, field: str, canonical: str) -> bytes:
        """Eight keyed bytes that tell whether one field changed, without telling its value."""
        data = _framed(field) + canonical.encode()
        return hashlib.blake2b(data, key=self._key[:64], digest_size=8, person=b"field").digest()

    def fingerprint(self, field_hashes: Sequence[bytes]) -> str:
        """The fingerprint of a record from its field hashes in the order of the field names; 32 hex digits."""
        return hashlib.blake2b(b"".join(field_hashes), key=self._key[:64], digest_size=16).hexdigest()

    def derived(self, purpose: str, salt: bytes) -> bytes:
        """A key of 32 bytes for one purpose; whoever holds it learns nothing of the project key."""
        return hmac.digest(self._key, KEY_FORM + _framed(purpose) + salt, "sha256")

    def check_value(self) -> str:
        """A value by which a state database recognises the project key it was written with."""
        return hmac.digest(self._key, b"check", "sha256")[:8].hex()


def marker(key: RecordKey) -> str:
    """The opaque text a created record carries in Casebook: 80 bits of its record key, only ``[a-z2-7-]``.

    >>> marker(RecordKey("00" * 16))
    'mg1-aaaaaaaaaaaaaaaa'
    """
    number = int(key[: 2 * _MARKER_BYTES], 16)
    return MARKER_PREFIX + "".join([_PAIRS[number >> shift & 0x3FF] for shift in _MARKER_SHIFTS])


def keys_in(digits: str) -> list[RecordKey]:
    """The record keys that stand one after the other in a text.

    >>> [key[:2] for key in keys_in("00" * 16 + "ff" * 16)]
    ['00', 'ff']
    """
    return [RecordKey(digits[at : at + KEY_DIGITS]) for at in range(0, len(digits), KEY_DIGITS)]


def _framed(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(4, "big") + data
